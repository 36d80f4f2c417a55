import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idv.vision.synthesis.cameras import Camera
from idv.vision.synthesis.document_scenes import Finger, Scene, draw_scene, photographed

CARD = np.full((270, 430, 3), 200, np.uint8)
CLEAN = Camera(jpeg_quality=95)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_the_corners_lie_inside_the_picture(seed: int) -> None:
    """Whatever the scene, the whole document is in the picture."""
    rng = np.random.default_rng(seed)
    shot = photographed(CARD, draw_scene(rng), CLEAN, rng, width=320)
    height, width = shot.pixels.shape[:2]
    assert (shot.corners >= 0).all()
    assert (shot.corners <= [width, height]).all()


def test_a_mark_appears_where_the_corners_say() -> None:
    """Laying the photograph flat by its corners puts a mark back to its place on the card."""
    card = CARD.copy()
    card[100:140, 300:340] = 10
    shot = photographed(card, Scene(tilt=0.8), CLEAN, np.random.default_rng(4), width=800)
    square = np.array([[0, 0], [430, 0], [430, 270], [0, 270]], np.float32)
    flat = cv2.warpPerspective(shot.pixels, cv2.getPerspectiveTransform(shot.corners, square), (430, 270))
    dark = flat.sum(axis=2) < flat.sum(axis=2).mean() / 2
    y, x = np.nonzero(dark[20:250, 20:410])
    assert x.mean() + 20 == pytest.approx(320, abs=2)
    assert y.mean() + 20 == pytest.approx(120, abs=2)


def _middle(scene: Scene) -> float:
    shot = photographed(CARD, scene, CLEAN, np.random.default_rng(4), width=400)
    x, y = np.rint(shot.corners.mean(axis=0)).astype(int)
    return float(shot.pixels[y - 4 : y + 4, x - 4 : x + 4].mean())


def test_a_lamp_in_the_laminate_brightens_the_document() -> None:
    """A mirrored lamp adds light where it stands."""
    assert _middle(Scene(lamp=0.9, lamp_size=0.1)) > _middle(Scene())


def test_a_finger_covers_the_edge() -> None:
    """Pixels near the edge take the colour of skin, those in the middle do not change."""
    finger = Finger(along=0.5, reach=0.05, width=0.15, skin=(0.3, 0.1, 0.05))
    plain = photographed(CARD, Scene(tilt=0), CLEAN, np.random.default_rng(4), width=400)
    held = photographed(CARD, Scene(tilt=0, fingers=(finger,)), CLEAN, np.random.default_rng(4), width=400)
    x, y = np.rint((plain.corners[0] + plain.corners[1]) / 2).astype(int)
    edge = held.pixels[y + 1, x].astype(int)
    assert (
        edge[0] - edge[2] > plain.pixels[y + 1, x].astype(int)[0] - plain.pixels[y + 1, x].astype(int)[2] + 20
    )
