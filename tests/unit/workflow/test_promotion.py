"""Points on their way into force: named people, an audit trail, nothing lost."""

import logging
import tomllib
from pathlib import Path

import pytest

from idv.domain.errors import ConfigurationError, RequestError, StorageUnavailable
from idv.domain.operating_points import PointStatus
from idv.domain.results import CheckName
from idv.domain.stores import AuditEntry
from idv.infra.clock import ManualClock
from idv.infra.storage.keyring import KeyRing
from idv.infra.storage.memory import memory_stores
from idv.workflow.operating_points import load_points, load_shadows, tell_points, unfit
from idv.workflow.promotion import PROMOTED, REGISTERED, PointRegistry, sha256_of

POINT = """\
# made by a run
check = "liveness"
threshold = 1.5
check_digest = "abc"
eval_set = "nuaa"
eval_set_digest = "def"
target = "bpcer=0.05"
measured = 0.02
run_id = "r2"
created_on = 2026-05-04
status = "shadow"

[interval]
low = 0.01
high = 0.04
"""
BEFORE = POINT.replace('"shadow"', '"enforced"').replace("1.5", "0.5").replace("r2", "r1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of points with one in force."""
    made = tmp_path / "points"
    made.mkdir()
    (made / "liveness.toml").write_text(BEFORE, encoding="utf-8")
    return made


@pytest.fixture
def registry(folder: Path) -> PointRegistry:
    """Over that folder, with the models loaded that the point was made for."""
    clock = ManualClock()
    audit = memory_stores(keyring=KeyRing.generate(), clock=clock).audit
    return PointRegistry(folder, audit, clock, {CheckName.LIVENESS: "abc"})


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A shadow point as tuning writes it."""
    path = tmp_path / "liveness.toml"
    path.write_text(POINT, encoding="utf-8")
    return path


def entries(registry: PointRegistry) -> list[AuditEntry]:
    """The audit trail."""
    return list(registry.audit.entries())


def test_a_registered_shadow_is_scored_and_decides_nothing(
    registry: PointRegistry, folder: Path, source: Path
) -> None:
    """It lies beside the point in force, and the trail says who put it there by keyed hash only."""
    registry.register(source, actor="c.ortiz")
    assert load_points(folder)[CheckName.LIVENESS].run_id == "r1"
    assert [point.run_id for point in load_shadows(folder)[CheckName.LIVENESS]] == ["r2"]
    (entry,) = entries(registry)
    assert (entry.action, entry.body["point"]) == (REGISTERED, sha256_of(POINT))
    assert "ortiz" not in str(entry.body)


def test_promoting_puts_it_in_force_keeps_the_earlier_one_and_names_the_approver(
    registry: PointRegistry, folder: Path, source: Path
) -> None:
    """The file names who approved and why; the trail holds digests; the shadow is no shadow any more."""
    registry.register(source, actor="c.ortiz")
    done = registry.promote(source, approver="A. Müller", reason='APCER halved, see "run r2"')
    assert load_points(folder)[CheckName.LIVENESS].threshold == 1.5
    assert load_shadows(folder) == {}
    assert done.earlier is not None
    assert done.earlier.read_text(encoding="utf-8") == BEFORE
    told = tomllib.loads(done.file.read_text(encoding="utf-8"))["promotion"]
    assert (told["approver"], told["reason"]) == ("A. Müller", 'APCER halved, see "run r2"')
    last = entries(registry)[-1]
    assert (last.action, last.sequence) == (PROMOTED, done.audit_sequence)
    assert last.body["point"] == sha256_of(done.file.read_text(encoding="utf-8"))
    assert last.body["earlier"] == sha256_of(BEFORE)
    assert "Müller" not in str(last.body)


def test_both_steps_are_in_the_trail_also_when_promoted_at_once(
    registry: PointRegistry, source: Path
) -> None:
    """Promoting what was never registered registers it first; registering twice leaves one entry."""
    registry.promote(source, approver="A", reason="first point")
    assert [entry.action for entry in entries(registry)] == [REGISTERED, PROMOTED]


def test_the_first_point_of_a_check_has_no_earlier_one(
    registry: PointRegistry, folder: Path, source: Path
) -> None:
    """Nothing to keep is no fault."""
    (folder / "liveness.toml").unlink()
    assert registry.promote(source, approver="A", reason="b").earlier is None
    assert CheckName.LIVENESS in load_points(folder)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('status = "shadow"', 'status = "enforced"', "point_not_shadow"),
        ('status = "shadow"', "", "point_not_shadow"),
        ('check_digest = "abc"', 'check_digest = "xyz"', "operating_point_mismatch"),
        ('check = "liveness"', 'check = "deepfake"', "operating_point_mismatch"),
        ('run_id = "r2"', "", "configuration_invalid"),
        ('status = "shadow"', "status = 'shadow'", "configuration_invalid"),
    ],
)
def test_what_cannot_be_promoted_changes_nothing(
    registry: PointRegistry, folder: Path, source: Path, old: str, new: str, code: str
) -> None:
    """No shadow, other models than those loaded, no pedigree: the point in force stays."""
    source.write_text(POINT.replace(old, new), encoding="utf-8")
    with pytest.raises((RequestError, ConfigurationError)) as raised:
        registry.promote(source, approver="A", reason="b")
    assert raised.value.code == code
    assert (folder / "liveness.toml").read_text(encoding="utf-8") == BEFORE
    assert PROMOTED not in [entry.action for entry in entries(registry)]


@pytest.mark.parametrize(("approver", "reason"), [("", "b"), ("  ", "b"), ("A", ""), ("A", "\n")])
def test_nobody_and_nothing_do_not_approve(
    registry: PointRegistry, source: Path, approver: str, reason: str
) -> None:
    """A name and a reason are needed."""
    with pytest.raises(RequestError, match="needs its"):
        registry.promote(source, approver=approver, reason=reason)
    assert entries(registry) == []


class FullLog:
    """An audit log on a full disk."""

    def __init__(self, registry: PointRegistry) -> None:
        self._log = registry.audit

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    def append(self, action: str, body: dict[str, str]) -> AuditEntry:
        """Refuse."""
        raise StorageUnavailable("storage_unavailable", "full")


def test_without_an_audit_entry_nothing_is_promoted(
    registry: PointRegistry, folder: Path, source: Path
) -> None:
    """The entry comes first."""
    log = FullLog(registry)
    full = PointRegistry(folder, log, ManualClock(), registry.loaded)  # type: ignore[arg-type] # hands the rest on
    with pytest.raises(StorageUnavailable):
        full.promote(source, approver="A", reason="b")
    assert (folder / "liveness.toml").read_text(encoding="utf-8") == BEFORE


def test_a_shadow_folder_may_not_hold_points_in_force(folder: Path) -> None:
    """It would look enforced and decide nothing."""
    (folder / "shadow").mkdir()
    (folder / "shadow" / "new.toml").write_text(BEFORE, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="cannot be enforced"):
        load_shadows(folder)


def test_several_shadows_of_one_check_are_all_scored(folder: Path) -> None:
    """Under any file name, in the order of the names, and one in the folder itself before them."""
    (folder / "liveness.toml").write_text(POINT.replace("r2", "r0"), encoding="utf-8")
    (folder / "shadow").mkdir()
    for name in ("b", "a"):
        text = POINT.replace("r2", f"r-{name}")
        (folder / "shadow" / f"{name}.toml").write_text(text, encoding="utf-8")
    found = load_shadows(folder)[CheckName.LIVENESS]
    assert [point.run_id for point in found] == ["r0", "r-a", "r-b"]
    assert {point.status for point in found} == {PointStatus.SHADOW}


def test_points_of_other_models_are_found_and_told_loudly_at_start(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A shadow that fits is told as such; what is in force for other models is an error line with its run."""
    (folder / "shadow").mkdir()
    (folder / "shadow" / "new.toml").write_text(POINT.replace('"abc"', '"xyz"'), encoding="utf-8")
    loaded = {CheckName.LIVENESS: "xyz"}
    assert [point.run_id for point in unfit(folder, loaded)] == ["r1"]
    assert unfit(folder, {}) != []
    with caplog.at_level(logging.INFO):
        tell_points(folder, loaded)
    told = [(record.levelname, record.message, vars(record)["safe_fields"]) for record in caplog.records]
    assert [(level, event, fields["operating_point"], fields["status"]) for level, event, fields in told] == [
        ("ERROR", "operating_point_refused", "r1", "enforced"),
        ("INFO", "operating_point_loaded", "r2", "shadow"),
    ]
