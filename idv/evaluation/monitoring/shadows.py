"""Shadow points against the points in force, on live traffic: where they differ, and who was right.

One row a verification and check, its first scored result: later attempts of the same applicant are no
witnesses of their own. Shares come with Wilson intervals; where labels from life are there, so do the errors
of both on the same labelled verifications, with McNemar's exact test.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from idv.domain.labels import Truth
from idv.domain.live import LiveCase
from idv.domain.operating_points import Interval
from idv.domain.results import CheckName, CheckResult, Outcome, ShadowVerdict
from idv.metrics.intervals import wilson
from idv.metrics.paired import mcnemar


class Shadow(NamedTuple):
    """Which shadow point: its check, who judged, its run and threshold, the models it was scored with."""

    check: CheckName
    provider: str
    operating_point: str
    threshold: float
    check_digest: str


@dataclass(frozen=True)
class Share:
    """`count` of `total`, with Wilson's 95 % interval; None where there is nothing to share."""

    count: int
    total: int

    @property
    def interval(self) -> Interval | None:
        """Where the share lies."""
        return wilson(self.count, self.total) if self.total else None


@dataclass(frozen=True)
class OnLabelled:
    """Errors on verifications that turned out to be of one kind: fraud that passed, genuine that did not.

    `p_value`: McNemar's, of both being wrong equally often.
    """

    truth: Truth
    enforced: Share
    shadow: Share
    p_value: float


@dataclass(frozen=True)
class ShadowComparison:
    """One shadow point against what was in force: `matrix[enforced, shadow]` counts verifications."""

    shadow: Shadow
    matrix: Mapping[tuple[Outcome, Outcome], int]
    labelled: tuple[OnLabelled, ...]

    @property
    def total(self) -> int:
        """How many verifications it was scored on."""
        return sum(self.matrix.values())

    @property
    def agreement(self) -> Share:
        """Where both came to the same outcome."""
        return Share(sum(n for (one, other), n in self.matrix.items() if one is other), self.total)

    @property
    def newly_passed(self) -> Share:
        """What only the shadow would have passed."""
        return self._moved(enforced=False)

    @property
    def newly_held(self) -> Share:
        """What only the point in force passed."""
        return self._moved(enforced=True)

    def _moved(self, *, enforced: bool) -> Share:
        moved = [
            n
            for (one, other), n in self.matrix.items()
            if (one is Outcome.PASS) is enforced and (other is Outcome.PASS) is not enforced
        ]
        return Share(sum(moved), self.total)


class _Seen(NamedTuple):
    enforced: Outcome
    shadow: Outcome
    truth: Truth | None


def compare_shadows(cases: Iterable[LiveCase]) -> tuple[ShadowComparison, ...]:
    """Every shadow point that was scored on these verifications, in the order of `Shadow`."""
    seen: dict[Shadow, list[_Seen]] = defaultdict(list)
    for case in cases:
        for shadow, result, verdict in _verdicts(case):
            seen[shadow].append(_Seen(result.outcome, verdict.outcome, case.truth))
    return tuple(_comparison(shadow, seen[shadow]) for shadow in sorted(seen))


def _verdicts(case: LiveCase) -> Iterator[tuple[Shadow, CheckResult, ShadowVerdict]]:
    """The first verdict of each shadow point on a verification."""
    known: set[Shadow] = set()
    for result in case.results:
        for verdict in result.shadows:
            shadow = Shadow(
                result.name, result.provider, verdict.operating_point, verdict.threshold, result.check_digest
            )
            if shadow not in known:
                known.add(shadow)
                yield shadow, result, verdict


def _comparison(shadow: Shadow, seen: list[_Seen]) -> ShadowComparison:
    matrix = Counter((row.enforced, row.shadow) for row in seen)
    truths = (Truth.FRAUD_CONFIRMED, Truth.GENUINE_CONFIRMED)
    labelled = [_labelled(truth, [row for row in seen if row.truth is truth]) for truth in truths]
    return ShadowComparison(shadow, dict(matrix), tuple(found for found in labelled if found))


def _labelled(truth: Truth, seen: list[_Seen]) -> OnLabelled | None:
    if not seen:
        return None
    should_pass = truth is Truth.GENUINE_CONFIRMED
    enforced = [(row.enforced is Outcome.PASS) is not should_pass for row in seen]
    shadow = [(row.shadow is Outcome.PASS) is not should_pass for row in seen]
    only_enforced = sum(one and not other for one, other in zip(enforced, shadow, strict=True))
    only_shadow = sum(other and not one for one, other in zip(enforced, shadow, strict=True))
    return OnLabelled(
        truth,
        Share(sum(enforced), len(seen)),
        Share(sum(shadow), len(seen)),
        mcnemar(only_enforced, only_shadow),
    )
