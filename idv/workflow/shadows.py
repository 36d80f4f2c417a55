"""Shadow points: what they would have made of a check's score. Nothing that decides ever reads it."""

from collections.abc import Mapping, Sequence

from idv.domain.operating_points import OperatingPoint
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome, ShadowVerdict

Shadows = Mapping[CheckName, Sequence[OperatingPoint]]
"""The points without effect, by check."""
_WITHOUT_POINT = frozenset({Reason.NO_OPERATING_POINT, Reason.OPERATING_POINT_MISMATCH})


def shadow_verdicts(result: CheckResult, points: Sequence[OperatingPoint]) -> tuple[ShadowVerdict, ...]:
    """One verdict a point, in order.

    A point answers where the check itself came to comparing its score with a threshold, or would have if it
    had one; where a poor picture stood in the way, that stands in the shadow's way too. A point made for
    other models has no opinion.
    """
    return tuple(ShadowVerdict(point.run_id, point.threshold, _outcome(result, point)) for point in points)


def _outcome(result: CheckResult, point: OperatingPoint) -> Outcome:
    compared = result.operating_point is not None or _WITHOUT_POINT & set(result.reasons)
    fits = point.check is result.name and point.check_digest == result.check_digest
    if result.score is None or not result.has_usable_score or not compared or not fits:
        return Outcome.NOT_RUN if result.outcome is Outcome.NOT_RUN else Outcome.INCONCLUSIVE
    return point.outcome_of(result.score)
