"""What the harness measures: any check, whoever is behind it, or scores that were made elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from idv.domain.errors import RequestError
from idv.domain.eval_sets import Comparisons, EvalItem, EvalSet, MediaRef
from idv.domain.evidence import ImageRole
from idv.domain.ports import TemplateCheck
from idv.domain.results import CheckName
from idv.domain.score_tables import PairTable, ScoreTable
from idv.evaluation.runs.comparisons import comparisons_of, rows_of_items
from idv.evaluation.runs.judging import OpenWorkbench, Task
from idv.evaluation.runs.pairs import score_pairs
from idv.evaluation.runs.rows import Row, tabulate

Rows = Mapping[str, Row]


@dataclass(frozen=True)
class Described:
    """Who is measured, as the run's record has it.

    `name`: of the pack, the folder or the file, without where it lies. `check_digest`: over everything the
    scores depend on. `models`: name -> SHA-256. `settings`: everything else that a result depends on, the
    operating point included; no secret.
    """

    name: str
    check: CheckName
    provider: str
    check_digest: str
    models: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


class Judged(Protocol):
    """Judges tasks: those that an earlier, killed run finished are not judged again."""

    def __call__(self, tasks: Sequence[Task], open_workbench: OpenWorkbench) -> Rows:
        """One row a task, by its key."""
        ...


class Candidate(Protocol):
    """Something that gives scores for the items of a set."""

    @property
    def described(self) -> Described:
        """Who it is."""
        ...

    def measured(self, eval_set: EvalSet, judged: Judged, *, scratch: Path) -> ScoreTable:
        """All scores of a set. `scratch`: a folder for what does not fit into memory.

        Raises RequestError before any work when the set is not one it can be measured on.
        """
        ...


@dataclass(frozen=True)
class CheckCandidate:
    """A check: own models, a vendor, a router. `open_workbench` wires it in the process that calls.

    `comparer`: the check itself where it is a TemplateCheck, so that an image of many comparisons is looked
    at once, by a workbench, and compared here. Any other check judges each listed comparison by itself.
    """

    described: Described
    open_workbench: OpenWorkbench
    comparer: TemplateCheck | None = None

    def measured(self, eval_set: EvalSet, judged: Judged, *, scratch: Path) -> ScoreTable:
        """Judge every item, or make every template and compare, or judge every comparison."""
        if eval_set.comparisons is Comparisons.NONE:
            rows = judged(
                [Task(item.id, item.media, item.truth) for item in eval_set.items], self.open_workbench
            )
            return ScoreTable(tabulate(eval_set, rows))
        if self.comparer is not None:
            return self._compared(eval_set, self.comparer, judged, scratch=scratch)
        return self._judged_in_pairs(eval_set, judged)

    def _compared(
        self, eval_set: EvalSet, comparer: TemplateCheck, judged: Judged, *, scratch: Path
    ) -> ScoreTable:
        tasks = [Task(item.id, _one_image(item), acquire=True) for item in eval_set.items]
        rows = judged(tasks, self.open_workbench)
        templates = [rows[item.id].template for item in eval_set.items]
        pairs = score_pairs(eval_set, templates, comparer, scratch=scratch)
        return ScoreTable(tabulate(eval_set, rows), pairs)

    def _judged_in_pairs(self, eval_set: EvalSet, judged: Judged) -> ScoreTable:
        if eval_set.comparisons is not Comparisons.LISTED or eval_set.pairs is None:
            raise RequestError(
                "comparisons_need_templates",
                f"{self.described.name} judges one comparison at a time, so it needs a set that lists them",
                field="candidate",
            )
        tasks = [_comparison(eval_set.items[a], eval_set.items[b]) for a, b in eval_set.pairs]
        judged_rows = judged(tasks, self.open_workbench)
        rows = [judged_rows[task.key] for task in tasks]
        pairs = PairTable(*comparisons_of(eval_set), np.array([row.score for row in rows], np.float64))
        items = rows_of_items(
            eval_set,
            pairs,
            latency_ms=np.array([row.latency_ms for row in rows]),
            cost=np.array([row.cost for row in rows]),
            reasons=[";".join(row.reasons) for row in rows],
        )
        return ScoreTable(tabulate(eval_set, items), pairs)


def _one_image(item: EvalItem) -> Mapping[ImageRole, MediaRef]:
    if len(item.media) != 1:
        raise RequestError(
            "item_not_one_image", f"item {item.id} is compared with others, so it is one image", field="set"
        )
    return item.media


def _comparison(one: EvalItem, other: EvalItem) -> Task:
    (reference,), (probe,) = _one_image(one).values(), _one_image(other).values()
    # A tab stands in no id, so no two comparisons share a key.
    return Task(f"{one.id}\t{other.id}", {ImageRole.REFERENCE: reference, ImageRole.PROBE: probe})
