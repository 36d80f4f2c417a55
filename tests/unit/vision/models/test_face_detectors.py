"""Adapters of face detectors and the face surface, against stand-ins that answer what the networks would."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from idv.domain.arrays import Array
from idv.domain.errors import ModelError
from idv.vision.models.blazeface import BlazeFace
from idv.vision.models.facemesh import FaceMesh
from idv.vision.models.scrfd import Scrfd
from idv.vision.models.yunet import YuNet


@dataclass
class _Answers:
    """Answers every run with the same outputs and keeps the last input."""

    outputs: Mapping[str, Array]
    seen: dict[str, Array] = field(default_factory=dict)

    def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        self.seen = dict(inputs)
        return dict(self.outputs)

    def digest(self, model: str) -> str:
        return "0"


RED = np.zeros((640, 640, 3), np.uint8)
RED[..., 0] = 255


def _blazeface(*, anchor: int, logit: float) -> _Answers:
    """One anchor sees a face of 40 × 50 px, 3 right and 4 below its centre."""
    boxes = np.zeros((1, 896, 16), np.float32)
    scores = np.full((1, 896), -20, np.float32)
    boxes[0, anchor, :4] = (3, 4, 40, 50)
    boxes[0, anchor, 4:] = (-10, -8, 10, -8, 0, 2, 0, 12, -20, -4, 20, -4)
    scores[0, anchor] = logit
    return _Answers({"boxes": boxes, "scores": scores})


@pytest.mark.parametrize(
    ("anchor", "x", "y"),
    [(0, 8, 8), (1, 8, 8), (2, 24, 8), (33, 8, 24), (512, 16, 16), (518, 48, 16), (895, 240, 240)],
)
def test_blazeface_boxes_stand_around_their_anchors_centre(anchor: int, x: int, y: int) -> None:
    """Two anchors a 16 px cell, then six a 32 px cell, row by row; all is relative to their centres."""
    (face,) = BlazeFace(_blazeface(anchor=anchor, logit=3.0)).detect(RED[:256, :256])
    assert face.box == pytest.approx((x + 3 - 20, y + 4 - 25, 40, 50))
    assert face.confidence == pytest.approx(1 / (1 + np.exp(-3)))
    assert face.points[:3] == pytest.approx(np.array([(x - 10, y - 8), (x + 10, y - 8), (x, y + 2)]))


def test_blazeface_sees_rgb_between_minus_one_and_one() -> None:
    """Pure red is (1, -1, -1), in planes."""
    inference = _blazeface(anchor=0, logit=-1)
    assert BlazeFace(inference).detect(RED[:256, :256]) == ()
    image = inference.seen["image"]
    assert image.shape == (1, 3, 256, 256)
    assert image.dtype == np.float32
    assert image[0, :, 0, 0] == pytest.approx((1, -1, -1))


def test_blazeface_survives_absurd_logits() -> None:
    """Huge logits saturate instead of overflowing."""
    (face,) = BlazeFace(_blazeface(anchor=5, logit=1e6)).detect(RED[:256, :256])
    assert face.confidence == pytest.approx(1.0)


def _yunet() -> _Answers:
    """At stride 16, column 5, row 7: a face one cell right and half a cell below, 4 × 8 cells large."""
    outputs = {}
    for stride in (8, 16, 32):
        count = (640 // stride) ** 2
        outputs[f"cls_{stride}"] = np.zeros((1, count, 1), np.float32)
        outputs[f"obj_{stride}"] = np.zeros((1, count, 1), np.float32)
        outputs[f"bbox_{stride}"] = np.zeros((1, count, 4), np.float32)
        outputs[f"kps_{stride}"] = np.zeros((1, count, 10), np.float32)
    cell = 7 * 40 + 5
    outputs["cls_16"][0, cell] = 0.81
    outputs["obj_16"][0, cell] = 1.0
    outputs["bbox_16"][0, cell] = (1.0, 0.5, np.log(4), np.log(8))
    outputs["kps_16"][0, cell] = (0, 0, 2, 0, 1, 1, 0, 2, 2, 2)
    return _Answers(outputs)


def test_yunet_decodes_a_box_counted_by_hand() -> None:
    """Centre (5 + 1, 7 + 0.5) · 16, size (4, 8) · 16, score √(0.81 · 1), points relative to the cell."""
    inference = _yunet()
    (face,) = YuNet(inference).detect(RED)
    assert face.box == pytest.approx((96 - 32, 120 - 64, 64, 128))
    assert face.confidence == pytest.approx(0.9)
    assert face.points == pytest.approx(np.array([(80, 112), (112, 112), (96, 128), (80, 144), (112, 144)]))
    assert inference.seen["input"][0, :, 0, 0] == pytest.approx((0, 0, 255)), "blue first, not scaled"


def _scrfd(drop: str | None = None) -> _Answers:
    """At stride 32, column 3, row 2, second anchor: a face reaching 1, 2, 3 and 4 strides to its sides."""
    outputs = {}
    names = iter(str(n) for n in range(400, 500))
    for stride in (8, 16, 32):
        count = (640 // stride) ** 2 * 2
        scores, boxes, points = (np.zeros((count, width), np.float32) for width in (1, 4, 10))
        if stride == 32:
            cell = (2 * 20 + 3) * 2 + 1
            scores[cell], boxes[cell] = 0.7, (1, 2, 3, 4)
            points[cell] = (0, 0, 1, 0, 0.5, 1, 0, 2, 1, 2)
        for kind, values in (("scores", scores), ("boxes", boxes), ("points", points)):
            if drop != kind:
                outputs[next(names)] = values
    return _Answers(outputs)


def test_scrfd_decodes_a_box_counted_by_hand() -> None:
    """From the cell's corner (96, 64): left 96 - 32, top 64 - 64, right 96 + 96, bottom 64 + 128."""
    inference = _scrfd()
    (face,) = Scrfd(inference, input_name="images").detect(RED)
    assert face.box == pytest.approx((64, 0, 128, 192))
    assert face.confidence == pytest.approx(0.7)
    assert face.points == pytest.approx(np.array([(96, 64), (128, 64), (112, 96), (96, 128), (128, 128)]))
    assert inference.seen["images"][0, :, 0, 0] == pytest.approx((127.5 / 128, -127.5 / 128, -127.5 / 128))


@pytest.mark.parametrize("drop", ["scores", "boxes", "points"])
def test_scrfd_without_one_of_its_outputs_is_a_model_error(drop: str) -> None:
    """A detector without key points (another export) is refused with a code, not misread."""
    with pytest.raises(ModelError, match="gave no output") as caught:
        Scrfd(_scrfd(drop)).detect(RED)
    assert caught.value.code == "model_outputs_unexpected"


def test_facemesh_gives_points_in_px_of_the_crop() -> None:
    """Input is RGB between 0 and 1; points pass as they are, presence as a probability."""
    mesh = np.arange(468 * 3, dtype=np.float32).reshape(1, 468, 3)
    inference = _Answers({"mesh": mesh, "face_flag": np.array([[0.75]], np.float32)})
    surface = FaceMesh(inference).fit(RED[:192, :192])
    assert inference.seen["image"][0, :, 0, 0] == pytest.approx((1, 0, 0))
    assert (surface.points == mesh[0]).all()
    assert surface.presence == pytest.approx(0.75)


@pytest.mark.parametrize(
    "detector",
    [
        BlazeFace(_blazeface(anchor=0, logit=-50)),
        YuNet(_Answers({name: np.zeros_like(v) for name, v in _yunet().outputs.items()})),
        Scrfd(_Answers({name: np.zeros_like(v) for name, v in _scrfd().outputs.items()})),
    ],
    ids=lambda detector: detector.name,
)
def test_nothing_seen_is_an_empty_tuple(detector: BlazeFace | YuNet | Scrfd) -> None:
    """Zero scores everywhere: no face, no error."""
    assert detector.detect(RED[: detector.side_px, : detector.side_px]) == ()
