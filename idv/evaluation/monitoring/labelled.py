"""Labelled live scores as a run, for `idv tune` and `idv bench report`: truth from life, its bias told."""

import datetime as dt
import hashlib
from collections.abc import Sequence

import numpy as np

from idv.domain.errors import RequestError
from idv.domain.eval_sets import Comparisons, Part
from idv.domain.labels import Truth
from idv.domain.results import CheckName
from idv.domain.score_tables import OUTCOMES, ItemTable, Run, RunRecord, ScoreTable
from idv.evaluation.monitoring.observations import Observed
from idv.evaluation.runs.record import Code
from idv.evaluation.runs.rows import factor

_LIMITS = (
    "Only verifications that somebody labelled are here, not drawn by lot: see `idv labels coverage`.",
    "One row a verification; attempts of one applicant under several verifications are not told apart.",
)


def labelled_run(rows: Sequence[Observed], check: CheckName, *, code: Code, now: dt.datetime) -> Run:
    """The labelled results of one check and provider, by its newest models; half to tune on, half to test.

    Items are numbered: a run outlives erasures, so no identifier of a verification stands in it. Which
    half a verification belongs to follows from its identifier and stays the same as labels come in.
    Raises RequestError `labels_missing`, or `providers_mixed`.
    """
    known = [row for row in rows if row.check is check and row.truth in _GENUINE]
    if not known:
        raise RequestError("labels_missing", f"no result of {check} belongs to a labelled verification")
    providers = sorted({row.provider for row in known})
    if len(providers) > 1:
        names = ", ".join(providers)
        raise RequestError("providers_mixed", f"scores of {names} cannot be cut at one threshold: choose one")
    chosen = [row for row in known if row.check_digest == known[-1].check_digest]
    return Run(_record(chosen, code, now), ScoreTable(_items(chosen)))


_GENUINE = {Truth.GENUINE_CONFIRMED: 1, Truth.FRAUD_CONFIRMED: 0}


def _items(rows: Sequence[Observed]) -> ItemTable:
    genuine = [_GENUINE[row.truth] for row in rows if row.truth]
    none = [None] * len(rows)
    return ItemTable(
        ids=tuple(f"live-{number:06d}" for number in range(len(rows))),
        part=factor([_part(row) for row in rows]),
        subject=factor(none),
        species=factor([None if known else "fraud_confirmed" for known in genuine]),
        genuine=np.array(genuine, np.int8),
        outcome=np.array([OUTCOMES.index(row.outcome) for row in rows], np.int8),
        score=np.array([row.score for row in rows], np.float64),
        correct=np.full(len(rows), -1, np.int8),
        latency_ms=np.zeros(len(rows), np.float32),
        cost=np.zeros(len(rows), np.float32),
        reasons=tuple(";".join(row.reasons) for row in rows),
        slices={"country": factor([row.country for row in rows])},
    )


def _part(row: Observed) -> Part:
    odd = hashlib.sha256(row.verification.encode()).digest()[0] % 2
    return Part.TEST if odd else Part.TUNE


def _record(rows: Sequence[Observed], code: Code, now: dt.datetime) -> RunRecord:
    first = rows[0]
    content = [f"{row.verification} {row.truth} {row.score!r}" for row in rows]
    digest = hashlib.sha256("\n".join(content).encode()).hexdigest()
    return RunRecord(
        run_id=f"live-{first.check}-{now:%Y%m%dT%H%M%S}-{digest[:6]}",
        set_name="live-labels",
        set_version=f"{now:%Y-%m-%d}",
        set_digest=digest,
        comparisons=Comparisons.NONE,
        limits=_LIMITS,
        check=first.check,
        candidate=first.provider,
        provider=first.provider,
        check_digest=first.check_digest,
        started_at=now,
        finished_at=now,
        commit=code.commit,
        dirty=code.dirty,
        executor="live",
        seed=0,
        packages=code.packages,
        models={},
        settings={},
    )
