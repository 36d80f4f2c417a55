"""Facts about packs that nobody has calibrated yet, on stand-in networks; needs the `open` pack."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from idv import bootstrap, settings
from idv.cli.doctor import examine
from idv.domain.errors import ConfigurationError, ModelError
from idv.domain.evidence import Evidence, ImageRole
from idv.domain.faces import FaceTemplate
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome
from idv.domain.stores import Remembered
from idv.packs.cache import ModelCache
from idv.packs.cards import card_path, read_card
from idv.packs.lock_files import read_lock, write_lock
from idv.settings import Settings
from tests.unit.packs.test_other_packs import REPOSITORY, stand_in

EMBEDDER = {"opencv-zoo": ("sface", 128), "insightface": ("arcface", 512)}
FRONT, SELFIE = ImageRole.DOCUMENT_FRONT, ImageRole.SELFIE


@pytest.fixture(params=EMBEDDER)
def values(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings that choose the pack, its networks replaced by stand-ins and the others the real ones."""
    pack, given = str(request.param), settings.load()
    try:
        real = bootstrap.model_store(given).files("open")
    except ModelError as error:
        pytest.skip(f"models are absent: {error}")
    repository = Path(shutil.copytree(REPOSITORY, tmp_path / "repository"))
    cache = ModelCache(tmp_path / "cache")
    cache.root.mkdir()
    for file in real.values():
        if file.path.is_relative_to(given.model_cache):
            (cache.root / file.path.name).symlink_to(file.path)
    lock = read_lock(repository, pack)
    models = []
    for model in lock.models:
        data = stand_in(read_card(card_path(repository, model.name)))
        digest = hashlib.sha256(data).hexdigest()
        cache.store_onnx(data, digest)
        models.append(replace(model, sha256=digest, size=len(data)))
    write_lock(repository, replace(lock, models=tuple(models)))
    return settings.load(
        pack=pack, model_repository=repository, model_cache=cache.root, data_dir=tmp_path / "data"
    )


@pytest.fixture
def judges(values: Settings) -> Iterator[bootstrap.Judges]:
    """The judges as the service wires them."""
    with bootstrap.judges(values) as wired:
        yield wired


def compared(judges: bootstrap.Judges, angle_deg: float) -> CheckResult:
    """The verdict on two templates with this angle between them."""
    name, size = EMBEDDER[judges.settings.pack]
    one, other = np.zeros(size, np.float32), np.zeros(size, np.float32)
    one[0] = 1
    other[:2] = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    templates = {FRONT: FaceTemplate(((name, one),)), SELFIE: FaceTemplate(((name, other),))}
    context = judges.perceiver.perceive(Evidence({}), Remembered(templates=templates))
    check = next(check for check in judges.runner.checks if check.name is CheckName.FACE_MATCH)
    return judges.runner.run_one(check, Evidence({}), context, deadline=judges.clock.monotonic() + 60)


@pytest.mark.parametrize("angle_deg", [0, 60, 180])
def test_the_score_is_the_cosine_and_says_nothing_without_a_point(
    judges: bootstrap.Judges, angle_deg: float
) -> None:
    """Even identical templates are inconclusive: a cosine of one has no meaning before it was measured."""
    result = compared(judges, angle_deg)
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.NO_OPERATING_POINT,))
    assert result.score == pytest.approx(np.cos(np.deg2rad(angle_deg)), abs=1e-6)


def test_its_digest_is_not_that_of_a_calibrated_pack(values: Settings, judges: bootstrap.Judges) -> None:
    """Calibrating the pack makes another check of it, so that points of before do not fit."""
    name, _ = EMBEDDER[values.pack]
    folder = values.data_dir / "calibrations"
    shutil.copytree(values.calibrations, folder)
    (folder / values.pack).mkdir()
    (folder / values.pack / "face_match.toml").write_text(f"offset = -7.0\n[weights]\n{name} = 20.0\n")
    with bootstrap.judges(values.model_copy(update={"calibrations": folder})) as calibrated:
        assert calibrated.loaded[CheckName.FACE_MATCH] != judges.loaded[CheckName.FACE_MATCH]
        assert compared(calibrated, 0).score == pytest.approx(13.0, abs=1e-4)


def test_the_doctor_says_that_it_is_uncalibrated_and_how_a_point_is_made(values: Settings) -> None:
    """Both stand in its findings, with the commands to run."""
    found = {examination.what: examination for examination in examine(values)}
    assert "uncalibrated" in found["calibration"].finding
    assert not found["operating points"].ok
    assert "face_match has no operating point" in found["operating points"].finding
    assert "idv tune" in found["operating points"].finding


def test_a_mistyped_folder_of_calibrations_is_a_fault(values: Settings, tmp_path: Path) -> None:
    """Not every absence is a pack without calibration."""
    with (
        pytest.raises(ConfigurationError),
        bootstrap.judges(values.model_copy(update={"calibrations": tmp_path / "mistyped"})),
    ):
        pass
