"""Facts about the Ray executor: the same table on a local Ray; without the extra, an error that names it."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from idv.domain.errors import ConfigurationError, RequestError
from idv.evaluation.runs.execution import Serial
from idv.evaluation.runs.ray_execution import RayActors, imported
from tests.unit.evaluation.runs.stand_ins import (
    ByteCheck,
    ByteMatch,
    candidate_of,
    items_of,
    measured,
    set_of,
)
from tests.unit.evaluation.runs.test_run import FILES, faces_of

with_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the extra `ray`")


@with_ray
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
def test_a_local_ray_gives_the_same_tables(tmp_path: Path) -> None:
    """Items and comparisons are those of one thread; a missing file is the same named error."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    for make, candidate in (
        (faces_of, candidate_of(ByteMatch(), compares=True)),
        (lambda folder: set_of(items_of(folder, FILES)), candidate_of(ByteCheck())),
    ):
        here = measured(make(tmp_path / "one"), candidate, tmp_path / "one", executor=Serial())
        there = measured(make(tmp_path / "two"), candidate, tmp_path / "two", executor=RayActors(2))
        for name in ("score", "outcome", "genuine"):
            one, two = (getattr(run.table.items, name) for run in (here, there))
            np.testing.assert_array_equal(one, two)
        assert here.table.items.reasons == there.table.items.reasons
        if here.table.pairs is not None and there.table.pairs is not None:
            np.testing.assert_array_equal(here.table.pairs.score, there.table.pairs.score)
    eval_set = set_of(items_of(tmp_path / "two", FILES), digest="f" * 64)
    (tmp_path / "two" / "a").unlink()
    with pytest.raises(RequestError) as refused:
        measured(eval_set, candidate_of(ByteCheck()), tmp_path / "two", executor=RayActors(1))
    assert refused.value.code == "media_missing"


def test_without_the_extra_the_error_names_it() -> None:
    """A person reads what to install."""
    with pytest.raises(ConfigurationError, match=r"idv\[ray\]"):
        imported("a_ray_that_is_not_installed")
