"""The errors a person should look at first: the most confident wrong ones, and what got no answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from idv.domain.results import CheckName
from idv.domain.score_tables import Run, Trials
from idv.evaluation.catalogue import decided
from idv.evaluation.reports.targets import Side, rate_on

_A_KIND = 12


class ErrorKind(StrEnum):
    """What went wrong."""

    FALSE_ACCEPT = "false_accept"
    FALSE_REJECT = "false_reject"
    NO_ANSWER = "no_answer"
    MISREAD = "misread"


@dataclass(frozen=True)
class WorstError:
    """One error; `items` are one id, or two for a comparison. `score` is None where there was none."""

    kind: ErrorKind
    items: tuple[str, ...]
    score: float | None
    species: str = ""
    reasons: str = ""


def worst_errors(
    run: Run, trials: Trials, threshold: float | None, rows: NDArray[np.bool_]
) -> tuple[WorstError, ...]:
    """Up to twelve of each kind: highest-scoring false accepts, lowest-scoring false rejects, no answers.

    And of the items that `rows` (N,) selects, those that were read otherwise than the truth.
    """
    misread = np.flatnonzero(rows & (run.table.items.correct == 0))[:_A_KIND]
    return (
        *_errors(run.record.check, run, trials, threshold),
        *(_misread(run, int(row)) for row in misread),
    )


def _misread(run: Run, row: int) -> WorstError:
    items = run.table.items
    score = float(items.score[row])
    return WorstError(
        ErrorKind.MISREAD,
        (items.ids[row],),
        score if np.isfinite(score) else None,
        reasons=items.reasons[row],
    )


def _errors(check: CheckName, run: Run, trials: Trials, threshold: float | None) -> Iterator[WorstError]:
    made = decided(trials, threshold)
    accepts = rate_on(check, Side.FALSE_ACCEPT).errors(made) & ~trials.genuine
    rejects = made.refused & trials.genuine
    unanswered = made.unanswered & trials.genuine
    for kind, wrong, sign in (
        (ErrorKind.FALSE_ACCEPT, accepts, -1.0),
        (ErrorKind.FALSE_REJECT, rejects, 1.0),
        (ErrorKind.NO_ANSWER, unanswered, 1.0),
    ):
        rows = np.flatnonzero(wrong)
        for row in rows[np.argsort(sign * trials.score[rows], kind="stable")][:_A_KIND]:
            yield _described(kind, run, trials, int(row))


def _described(kind: ErrorKind, run: Run, trials: Trials, row: int) -> WorstError:
    items, a, b = run.table.items, int(trials.row_a[row]), int(trials.row_b[row])
    code = int(trials.species.codes[row])
    score = float(trials.score[row])
    attack = not trials.genuine[row] and code >= 0
    return WorstError(
        kind,
        (items.ids[a],) if a == b else (items.ids[a], items.ids[b]),
        score if np.isfinite(score) else None,
        trials.species.names[code] if attack else "",
        ";".join(dict.fromkeys(r for r in (items.reasons[a], items.reasons[b]) if r)),
    )
