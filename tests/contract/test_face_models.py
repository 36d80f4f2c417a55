"""Every face network of the `open` pack keeps the contract its adapter relies on; needs materialised models.

Without models (`idv models pull open`) these tests are skipped.
"""

import os
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from idv.checks.face_match.calibration import load_calibration
from idv.checks.face_match.check import face_match_digest
from idv.domain.errors import ModelError
from idv.domain.faces import Box, Face, FaceQuality, Pose
from idv.domain.ports import Inference
from idv.domain.results import CheckName
from idv.infra.inference.local import LocalInference
from idv.packs.store import ModelStore
from idv.vision.models.blazeface import BlazeFace
from idv.vision.models.dlib_resnet import DlibResnet
from idv.vision.models.facemesh import FaceMesh
from idv.vision.models.faceres import FaceRes
from idv.vision.perception.faces import FaceAnalyser
from idv.vision.perception.templates import FaceEmbedder, TemplateMaker
from idv.workflow.operating_points import load_points

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def inference() -> Inference:
    """The pack's models as they run in the service."""
    default = Path(platformdirs.user_cache_dir("idv")) / "models"
    store = ModelStore(ROOT / "model_repository", Path(os.environ.get("IDV_MODEL_CACHE", default)))
    try:
        return LocalInference(store.files("open"))
    except ModelError as error:
        pytest.skip(f"the open pack is not materialised: {error.code}")


def _any_face() -> Face:
    five = np.array([(110, 120), (190, 120), (150, 160), (120, 200), (180, 200)], np.float32)
    quality = FaceQuality(80, 1, 0.5, 0.5, 1, 0, 1, 1)
    return Face(Box(80, 60, 140, 180), 0.9, np.zeros((0, 3), np.float32), five, Pose(0, 0, 0), quality)


def _noise(side_px: int, *, count: int = 2) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, side_px, side_px, 3), dtype=np.uint8)


def test_blazeface_takes_a_square_and_finds_no_face_in_noise(inference: Inference) -> None:
    """The real outputs decode, and nothing is seen where there is nothing."""
    assert BlazeFace(inference).detect(_noise(256)[0]) == ()


def test_facemesh_gives_468_points_and_doubts_noise(inference: Inference) -> None:
    """Points are finite, and presence is a probability that is low here."""
    surface = FaceMesh(inference).fit(_noise(192)[0])
    assert surface.points.shape == (468, 3)
    assert np.isfinite(surface.points).all()
    assert 0 <= surface.presence < 0.5


@pytest.mark.parametrize("embedder", [DlibResnet, FaceRes], ids=lambda e: e.name)
def test_an_embedder_treats_each_chip_of_a_batch_alone(
    inference: Inference, embedder: type[DlibResnet] | type[FaceRes]
) -> None:
    """Finite vectors of the stated size; a chip's vector does not depend on its neighbour."""
    network: FaceEmbedder = embedder(inference)
    side = network.chip(_noise(300)[0], _any_face()).shape[0]
    chips = _noise(side)
    together, alone = network.embed(chips), network.embed(chips[:1])
    assert together.shape == (2, network.size)
    assert np.isfinite(together).all()
    assert together[0] == pytest.approx(alone[0], abs=1e-3)
    assert not np.allclose(together[0], together[1], atol=1e-2)


def test_the_committed_operating_point_belongs_to_the_committed_models(inference: Inference) -> None:
    """The check digest of the point is that of models, preprocessing and calibration as they are."""
    calibration = load_calibration(ROOT / "calibrations/open/face_match.toml")
    digest = face_match_digest(
        FaceAnalyser(inference).digest_parts(), TemplateMaker(inference).digest_parts(), calibration
    )
    point = load_points(ROOT / "operating_points/open")[CheckName.FACE_MATCH]
    assert point.check_digest == digest


def test_the_calibration_weighs_exactly_the_packs_embedders(inference: Inference) -> None:
    """No embedder is run in vain and none is missing."""
    calibration = load_calibration(ROOT / "calibrations/open/face_match.toml")
    assert set(calibration.weights) == {DlibResnet.name, FaceRes.name}
