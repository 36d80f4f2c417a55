"""Which runs may be compared at all: the same frozen items, judged by the same definitions."""

from collections.abc import Iterator
from itertools import chain

import numpy as np

from idv.domain.errors import RequestError
from idv.domain.score_tables import METRIC_VERSION, Run


def require_comparable(base: Run, candidate: Run) -> None:
    """Refuse two runs that cannot be compared, naming the first reason.

    Raises RequestError `check_differs`, `metric_version_differs`, `set_differs`, `comparisons_differ`,
    `run_unfinished`, `items_differ`, `labels_differ`, `scores_not_finite`.
    """
    for code, message in chain(_records(base, candidate), _tables(base, candidate)):
        raise RequestError(code, message)


def _records(base: Run, candidate: Run) -> Iterator[tuple[str, str]]:
    one, other = base.record, candidate.record
    if one.check is not other.check:
        yield "check_differs", f"the base judged {one.check}, the candidate {other.check}"
    versions = {one.metric_version, other.metric_version, METRIC_VERSION}
    if len(versions) > 1:
        three = f"{one.metric_version} (base), {other.metric_version} (candidate), {METRIC_VERSION} (here)"
        yield "metric_version_differs", f"metrics of versions {three} mean different things: run again"
    if one.set_digest != other.set_digest:
        both = " and ".join(f"{r.set_name} {r.set_version} ({r.set_digest[:12]})" for r in (one, other))
        yield "set_differs", f"base and candidate ran on different sets: {both}"
    if one.comparisons is not other.comparisons:
        yield "comparisons_differ", f"the base compared {one.comparisons}, the candidate {other.comparisons}"
    for name, record in (("base", one), ("candidate", other)):
        if record.finished_at is None:
            yield "run_unfinished", f"the run of the {name} was not finished"


def _tables(base: Run, candidate: Run) -> Iterator[tuple[str, str]]:
    one, other = base.table, candidate.table
    if one.items.ids != other.items.ids:
        yield "items_differ", "the runs do not hold the same items"
        return
    if not np.array_equal(one.items.genuine, other.items.genuine):
        yield "labels_differ", "an item has a label in one run and not in the other: unseal both or neither"
    if (one.pairs is None) is not (other.pairs is None):
        yield "comparisons_differ", "one run holds comparisons, the other does not"
    elif one.pairs is not None and other.pairs is not None:
        same = np.array_equal(one.pairs.a, other.pairs.a) and np.array_equal(one.pairs.b, other.pairs.b)
        if not same:
            yield "comparisons_differ", "the runs do not hold the same comparisons"
    for name, table in (("base", one), ("candidate", other)):
        if not table.scores_are_sound:
            yield "scores_not_finite", f"the run of the {name} holds a score that is no number"
