"""Facts about reading operating points: no threshold without its pedigree."""

from pathlib import Path

import pytest

from idv.domain.errors import ConfigurationError
from idv.domain.results import CheckName
from idv.workflow.operating_points import load_points

WHOLE = """
check = "liveness"
threshold = 1.5
check_digest = "abc"
eval_set = "nuaa"
eval_set_digest = "def"
target = "bpcer=0.05"
measured = 0.02
interval = { low = 0.01, high = 0.04 }
run_id = "r1"
created_on = 2026-05-04
"""


def test_a_whole_point_is_read(tmp_path: Path) -> None:
    """Threshold, digests, target and interval come back as they stand."""
    (tmp_path / "liveness.toml").write_text(WHOLE)
    point = load_points(tmp_path)[CheckName.LIVENESS]
    assert (point.threshold, point.check_digest, point.interval.high) == (1.5, "abc", 0.04)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('run_id = "r1"', ""),
        ("high = 0.04", "high = 0.015"),
        ("threshold = 1.5", "threshold = 1.5\nreject_below = 2.0"),
        ("threshold = 1.5", "threshold = 1.5\nreject_below = nan"),
        ("threshold = 1.5", "threshold = nan"),
        ("threshold = 1.5", "threshold = -inf"),
        ('check = "liveness"', 'check = "face_match"'),
        ("created_on = 2026-05-04", 'created_on = "soon"'),
        ('check = "liveness"', "check = "),
    ],
)
def test_an_incomplete_or_contradictory_point_is_refused(tmp_path: Path, old: str, new: str) -> None:
    """A missing run, an interval beside the measurement, a foreign check: each is a configuration fault."""
    (tmp_path / "liveness.toml").write_text(WHOLE.replace(old, new))
    with pytest.raises(ConfigurationError, match=r"liveness\.toml"):
        load_points(tmp_path)


def test_a_shadow_point_decides_nothing(tmp_path: Path) -> None:
    """Only enforced points are loaded."""
    (tmp_path / "liveness.toml").write_text(WHOLE + 'status = "shadow"\n')
    assert load_points(tmp_path) == {}


def test_no_folder_means_no_points(tmp_path: Path) -> None:
    """A pack without points starts; its checks will say `no_operating_point`."""
    assert load_points(tmp_path / "absent") == {}
