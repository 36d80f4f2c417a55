"""Which part of a run is reported, and where its score is cut."""

from dataclasses import dataclass

import numpy as np

from idv.domain.errors import RequestError
from idv.domain.eval_sets import Part
from idv.domain.results import CheckName, Outcome
from idv.domain.score_tables import OUTCOMES, Run, Trials
from idv.evaluation.reports.targets import Side, Target, parse_target, rate_on, threshold_for

_CUSTOMARY = {"fmr": 1e-3, "apcer": 0.05, "dfar": 0.05}


@dataclass(frozen=True)
class Cut:
    """`threshold` None: the candidate's own outcomes. `origin` says in words where it comes from.

    `optimistic`: chosen on the trials that are reported.
    """

    threshold: float | None
    origin: str
    optimistic: bool = False


def reported_part(run: Run, wanted: Part | None) -> Part | None:
    """The part to report: what was asked for, else `test` where there is one, else None: all not sealed.

    Raises RequestError `part_empty` when the run has no trial of the part asked for.
    """
    if wanted is not None:
        if not len(run.table.trials(wanted)):
            raise RequestError(
                "part_empty", f"the run has no trial with a truth in part {wanted}", field="part"
            )
        return wanted
    return Part.TEST if len(run.table.trials(Part.TEST)) else None


def cut_of(
    run: Run, trials: Trials, *, threshold: float | None, target: str | None, part: Part | None
) -> Cut:
    """Where to cut: a threshold given, one that a target asks for, or the candidate's own decisions.

    A target is met on part `tune` where the run has one. Without either, own outcomes decide where the
    candidate has any, and otherwise the customary level (FMR 1e-3, APCER or DFAR 5 %).
    """
    if threshold is not None:
        return Cut(threshold, f"threshold {threshold:.6g} as given")
    if target is None and (_decides(trials) or not len(trials)):
        return Cut(None, "the candidate's own outcomes")
    check = run.record.check
    wanted = customary_target(check) if target is None else parse_target(target, check)
    tuned = run.table.trials(Part.TUNE) if part is not Part.TUNE else trials
    apart = part not in (Part.TUNE, None) and len(tuned) > 0
    chosen_on = tuned if apart else trials
    chosen = threshold_for(wanted, chosen_on)
    where = "part tune" if apart else "the reported trials themselves"
    return Cut(
        chosen, f"threshold {chosen:.6g}, which keeps {wanted.in_words} on {where}", optimistic=not apart
    )


def customary_target(check: CheckName) -> Target:
    """FMR 1e-3, APCER or DFAR 5 %."""
    made = rate_on(check, Side.FALSE_ACCEPT)
    return Target(made, _CUSTOMARY[made.name])


def _decides(trials: Trials) -> bool:
    decisive = [OUTCOMES.index(Outcome.PASS), OUTCOMES.index(Outcome.FAIL)]
    return bool(np.isin(trials.outcome, decisive).any())
