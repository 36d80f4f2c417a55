"""Adapters of face embedders, against stand-ins that answer what the networks would."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from idv.domain.arrays import Array
from idv.domain.errors import ModelError
from idv.domain.faces import Box, Face, FaceQuality, Pose
from idv.vision.imaging.alignment import ARCFACE_LAYOUT
from idv.vision.models.arcface import ArcFace
from idv.vision.models.dlib_resnet import DlibResnet
from idv.vision.models.faceres import FaceRes
from idv.vision.models.sface import SFace


@dataclass
class _Answers:
    """Answers every run with the same outputs and keeps the inputs."""

    outputs: Mapping[str, Array]
    seen: list[dict[str, Array]] = field(default_factory=list)

    def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        self.seen.append(dict(inputs))
        return dict(self.outputs)

    def digest(self, model: str) -> str:
        return "0"


def _face(five: np.ndarray, landmarks: np.ndarray | None = None) -> Face:
    none = np.zeros((0, 3), np.float32)
    quality = FaceQuality(60, 1, 0.5, 0.5, 1, 0, 1, 1)
    return Face(
        Box(0, 0, 1, 1),
        0.9,
        none if landmarks is None else landmarks,
        five.astype(np.float32),
        Pose(0, 0, 0),
        quality,
    )


def _marked(points: np.ndarray) -> np.ndarray:
    """A black picture with a white 7 px square on each point."""
    image = np.zeros((400, 400, 3), np.uint8)
    for x, y in points.astype(int):
        image[y - 3 : y + 4, x - 3 : x + 4] = 255
    return image


def _bright(chip: np.ndarray, places: np.ndarray) -> list[int]:
    return [int(chip[round(y), round(x)].min()) for x, y in places]


def test_arcface_chips_put_the_five_points_where_the_network_wants_them() -> None:
    """A face twice as large and shifted lands on the published places, for ArcFace and SFace alike."""
    places = np.array(ARCFACE_LAYOUT.points)
    five = places * 2 + (60, 90)
    for embedder in (ArcFace(_Answers({})), SFace(_Answers({}))):
        chip = embedder.chip(_marked(five), _face(five))
        assert chip.shape == (112, 112, 3)
        assert min(_bright(chip, places)) > 200
        assert chip[5, 5].max() == 0


def test_dlib_chips_put_eye_corners_and_nose_base_where_the_network_wants_them() -> None:
    """From a surface the five dlib landmarks land on the layout."""
    places = np.array(DlibResnet.layout.points)
    landmarks = np.zeros((468, 3), np.float32)
    landmarks[[33, 133, 362, 263, 2], :2] = places * 1.5 + (40, 30)
    chip = DlibResnet(_Answers({})).chip(_marked(places * 1.5 + (40, 30)), _face(np.zeros((5, 2)), landmarks))
    assert chip.shape == (150, 150, 3)
    assert min(_bright(chip, places)) > 200


def test_dlib_chips_of_five_points_go_by_the_eyes() -> None:
    """Without a surface the eye centres land midway between the corners' places."""
    places = np.array(DlibResnet.layout.points)
    eyes = np.array([places[:2].mean(0), places[2:4].mean(0)])
    five = np.vstack([eyes, [(75, 80), (60, 100), (90, 100)]]) * 1.5 + (40, 30)
    chip = DlibResnet(_Answers({})).chip(_marked(five[:2]), _face(five))
    assert min(_bright(chip, eyes)) > 200


def test_faceres_chips_put_five_points_on_their_places() -> None:
    """Eyes, nose tip and mouth corners land on the layout."""
    places = np.array(FaceRes.layout.points)
    five = places + np.array([60, 50])
    chip = FaceRes(_Answers({})).chip(_marked(five), _face(five))
    assert chip.shape == (224, 224, 3)
    assert min(_bright(chip, places)) > 200


RED = {side: np.zeros((2, side, side, 3), np.uint8) for side in (112, 150, 224)}
for _chips in RED.values():
    _chips[..., 0] = 255


@pytest.mark.parametrize(
    ("make", "side", "name", "size", "value"),
    [
        (DlibResnet, 150, "image", 128, ((255 - 122.782) / 256, -117.001 / 256, -104.298 / 256)),
        (FaceRes, 224, "image", 1024, (-103.939, -116.779, 255 - 123.68)),
        (ArcFace, 112, "input.1", 512, (1, -1, -1)),
    ],
)
def test_embedders_see_red_as_their_networks_expect_it(
    make: Callable[[_Answers], DlibResnet | FaceRes | ArcFace],
    side: int,
    name: str,
    size: int,
    value: tuple[float, float, float],
) -> None:
    """Order of channels, mean and scale are those each network was trained with; batches go through whole."""
    inference = _Answers({"embedding": np.full((2, size), 4, np.float32)})
    embedded = make(inference).embed(RED[side])
    assert inference.seen[0][name].shape == (2, 3, side, side)
    assert inference.seen[0][name][0, :, 0, 0] == pytest.approx(value, rel=1e-5)
    assert embedded.shape == (2, size)


def test_faceres_gives_square_roots_and_never_nan() -> None:
    """4 becomes 2, and a stray negative value 0."""
    values = np.array([[4.0, 0.25, -1.0]], np.float32)
    embedded = FaceRes(_Answers({"embedding": values})).embed(RED[224][:1])
    assert embedded.tolist() == [[2.0, 0.5, 0.0]]


def test_sface_takes_one_picture_at_a_time() -> None:
    """The published file has no batch: two chips are two runs, RGB in 0..255."""
    inference = _Answers({"fc1": np.ones((1, 128), np.float32)})
    assert SFace(inference).embed(RED[112]).shape == (2, 128)
    assert [run["data"].shape for run in inference.seen] == [(1, 3, 112, 112)] * 2
    assert inference.seen[0]["data"][0, :, 0, 0] == pytest.approx((255, 0, 0))


def test_arcface_with_two_outputs_is_a_model_error() -> None:
    """Which of two outputs is the embedding is not guessed."""
    with pytest.raises(ModelError, match="2 outputs"):
        ArcFace(_Answers({"a": np.ones((2, 512)), "b": np.ones((2, 512))})).embed(RED[112])
