"""Small runs from literal or seeded arrays, for tests of what is made of a run."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from idv.domain.eval_sets import Comparisons, Part
from idv.domain.results import CheckName, Outcome
from idv.domain.score_tables import (
    OUTCOMES,
    Factor,
    ItemTable,
    PairTable,
    Run,
    RunRecord,
    ScoreTable,
    Trials,
)
from idv.evaluation.runs.record import drawn_record


def factor(values: Sequence[str | None]) -> Factor:
    """A column from plain values."""
    names = tuple(dict.fromkeys(v for v in values if v is not None))
    codes = [-1 if v is None else names.index(v) for v in values]
    return Factor(np.array(codes, np.int32), names)


def record(check: CheckName, **changes: Any) -> RunRecord:
    """A record of nothing in particular."""
    named: dict[str, Any] = {
        "run_id": "run-1",
        "set_name": "tiny",
        "set_digest": "5" * 64,
        "limits": ("Drawn at random: shows nothing about people.",),
        "candidate": "open",
        "provider": "open",
        "check_digest": "c" * 64,
        "started_at": dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC),
        "finished_at": dt.datetime(2026, 11, 22, 12, 5, tzinfo=dt.UTC),
        "executor": "serial",
        "packages": {"numpy": "2.4"},
        "models": {"pad": "a" * 64},
        "settings": {"pack": "open"},
    }
    return replace(drawn_record(check), **(named | changes))


def item_table(
    scores: Sequence[float],
    genuine: Sequence[int],
    *,
    species: Sequence[str | None] | None = None,
    subjects: Sequence[str | None] | None = None,
    parts: Sequence[str] | None = None,
    outcomes: Sequence[Outcome] | None = None,
    correct: Sequence[int] | None = None,
    slices: Mapping[str, Sequence[str | None]] | None = None,
) -> ItemTable:
    """One row a score; every subject is somebody else unless it is said."""
    count = len(scores)
    given = outcomes or [
        Outcome.INCONCLUSIVE if score == -np.inf else Outcome.PASS if score >= 0 else Outcome.FAIL
        for score in scores
    ]
    return ItemTable(
        ids=tuple(f"item-{i}" for i in range(count)),
        part=factor(parts or [Part.TEST] * count),
        subject=factor(subjects or [f"s{i}" for i in range(count)]),
        species=factor(species or [None] * count),
        genuine=np.array(genuine, np.int8),
        outcome=np.array([OUTCOMES.index(outcome) for outcome in given], np.int8),
        score=np.array(scores, np.float64),
        correct=np.array(correct or [-1] * count, np.int8),
        latency_ms=np.arange(1, count + 1, dtype=np.float32),
        cost=np.full(count, 0.25, np.float32),
        reasons=tuple("no_face" if score == -np.inf else "" for score in scores),
        slices={name: factor(values) for name, values in (slices or {}).items()},
    )


def liveness_run(seed: int = 0, *, count: int = 240, shift: float = 2.0, **changes: Any) -> Run:
    """Bona fide and two attack species, screens harder; two captures a subject; both parts; one slice."""
    rng = np.random.default_rng(seed)
    index = np.arange(count)
    kind = index % 4
    genuine = (kind < 2).astype(int)
    scores = rng.normal(size=count) + np.where(genuine == 1, shift, np.where(kind == 3, 0.0, -shift))
    scores[:: max(count // 5, 1)] = -np.inf
    table = item_table(
        scores.tolist(),
        genuine.tolist(),
        species=[
            None if g else ("screen" if k == 3 else "print") for g, k in zip(genuine, kind, strict=True)
        ],
        subjects=[f"s{i // 8}" for i in index],
        parts=[Part.TUNE if (i // 8) % 2 else Part.TEST for i in index],
        slices={"device": ["phone" if i % 3 else "webcam" for i in index]},
    )
    return Run(record(CheckName.LIVENESS, **changes), ScoreTable(table))


def face_run(
    seed: int = 0, *, people: int = 40, shots: int = 3, shift: float = 4.0, missing: int = 1, **changes: Any
) -> Run:
    """All pairs of a few people in two groups; impostors of the same group look more alike."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), shots)
    group = person % 2
    a, b = (side.astype(np.int32) for side in np.triu_indices(person.size, 1))
    mated = person[a] == person[b]
    score = rng.normal(size=a.size) + np.where(mated, shift, 0.5 * (group[a] == group[b]))
    score[np.isin(a, np.arange(missing)) | np.isin(b, np.arange(missing))] = -np.inf
    items = item_table(
        [0.0] * person.size,
        [-1] * person.size,
        subjects=[f"p{i}" for i in person],
        outcomes=[Outcome.NOT_RUN] * person.size,
        slices={"group": [("north", "south")[g] for g in group]},
    )
    made = record(CheckName.FACE_MATCH, **{"comparisons": Comparisons.ALL_PAIRS, **changes})
    return Run(made, ScoreTable(items, PairTable(a, b, score)))


def document_run(seed: int = 0, *, count: int = 120, **changes: Any) -> Run:
    """Genuine documents and two kinds of forgery, with what was read; the check's own outcomes decide."""
    rng = np.random.default_rng(seed)
    index = np.arange(count)
    genuine = (index % 2).astype(int)
    scores = rng.normal(size=count) + np.where(genuine == 1, 1.5, -1.5)
    table = item_table(
        scores.tolist(),
        genuine.tolist(),
        species=[None if i % 2 else ("mrz_edit" if i % 4 else "viz_edit") for i in index],
        subjects=[f"holder-{i // 2}" for i in index],
        correct=(rng.random(count) < 0.9).astype(int).tolist(),
        slices={"document_type": ["passport" if i % 5 else "card" for i in index]},
    )
    return Run(record(CheckName.DOCUMENT_READING, **changes), ScoreTable(table))


def trials_of(scores: Sequence[float], genuine: Sequence[bool], species: Sequence[str | None]) -> Trials:
    """Trials of single items, each about somebody else, on which the candidate decided nothing."""
    rows = np.arange(len(scores), dtype=np.int32)
    return Trials(
        score=np.array(scores, np.float64),
        genuine=np.array(genuine, bool),
        outcome=np.full(len(scores), -1, np.int8),
        subject_a=rows,
        subject_b=rows,
        species=factor(species),
        row_a=rows,
        row_b=rows,
    )


def matching_trials(mated: Sequence[float], nonmated: Sequence[float]) -> Trials:
    """Comparisons without species."""
    count = len(mated) + len(nonmated)
    return trials_of([*mated, *nonmated], [i < len(mated) for i in range(count)], [None] * count)


def liveness_trials(bona_fide: Sequence[float], attacks: Mapping[str, Sequence[float]]) -> Trials:
    """Bona fide captures and attacks by species; the species "" is one that nobody named."""
    scores = list(bona_fide)
    named: list[str | None] = [None] * len(bona_fide)
    for name, values in attacks.items():
        scores += values
        named += [name or None] * len(values)
    return trials_of(scores, [i < len(bona_fide) for i in range(len(scores))], named)
