"""Documents that are not there: photographs of screens, prints and copies; pictures never photographed."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from idv.domain.arrays import RgbImage
from idv.vision.synthesis.cameras import draw_camera
from idv.vision.synthesis.document_scenes import Shot, replayed, reprinted
from idv.vision.synthesis.face_draws import FACE_LAYOUTS, draw_face_print, draw_face_screen
from idv.vision.synthesis.forgeries.case import Case
from idv.vision.synthesis.forgeries.species import Forger, ForgeryType
from idv.vision.synthesis.prints import HELD_OUT_PRINTERS, TRAINING_PRINTERS, Printer
from idv.vision.synthesis.screens import HELD_OUT_LAYOUTS
from idv.vision.synthesis.tabletop import PICTURE_ASPECT, background, hand_pose, outline
from idv.vision.synthesis.viewing import View, whole_view

Recapture = Callable[[Case, RgbImage, Forger, np.random.Generator], Shot]

_WIDTH = 1600
_SCAN_WIDTH = 1500


def _on_screen(case: Case, side: RgbImage, forger: Forger, rng: np.random.Generator) -> Shot:
    """A photograph of the document shown on a screen; the second forger has screens of other layouts."""
    shown = _shown(case, side, rng)
    view = _view(shown, rng)
    layouts = FACE_LAYOUTS if forger is Forger.FIRST else HELD_OUT_LAYOUTS
    screen = draw_face_screen(rng, layouts=layouts, view=view, picture_px=shown.pixels.shape[1])
    return replayed(shown, screen, draw_camera(rng), rng, surroundings=shown.pixels, view=view)


def _on_paper(case: Case, side: RgbImage, forger: Forger, rng: np.random.Generator) -> Shot:
    """A print of the document, cut out or not; the second forger has printers of other kinds."""
    shown = _scan(side) if rng.random() < 0.6 else _shown(case, side, rng)  # noqa: PLR2004 - most print a scan
    printers = TRAINING_PRINTERS if forger is Forger.FIRST else HELD_OUT_PRINTERS
    return _printed(shown, printers, rng)


def _grey(case: Case, side: RgbImage, forger: Forger, rng: np.random.Generator) -> Shot:  # noqa: ARG001 - the table's
    """A copy without colour, of a scan; the second copier is harder and dirtier."""
    shown = _scan(side)
    grey = cv2.cvtColor(shown.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    if forger is Forger.SECOND:
        specks = rng.random(grey.shape) < 0.0006  # noqa: PLR2004 - dust
        harder = np.asarray(np.clip((grey - 128) * 1.5 + 150, 0, 255), np.float32)
        grey = np.asarray(np.where(specks, 40, harder), np.float32)
    copied = Shot(np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2), shown.corners)
    return _printed(copied, (Printer.LASER if forger is Forger.FIRST else Printer.OFFICE_COLOUR,), rng)


def _composite(case: Case, side: RgbImage, forger: Forger, rng: np.random.Generator) -> Shot:
    """A drawing laid over a picture of a table, never before a camera; second: over a real photograph."""
    size = (_WIDTH, round(_WIDTH * PICTURE_ASPECT))
    corners = hand_pose(side.shape[1] / side.shape[0], size, severity=float(rng.uniform(0, 1)), rng=rng)
    if forger is Forger.FIRST:
        ground = np.asarray(background(size, rng), np.float32)
    else:
        blank = np.full((200, 300, 3), 127, np.uint8)
        empty = case.photograph(blank).pixels
        far = cv2.GaussianBlur(cv2.resize(empty, size).astype(np.float32), (0, 0), 25)
        ground = np.asarray(far, np.float32)
        ground = ground + rng.normal(0, 2, ground.shape).astype(np.float32)
    tall, wide = side.shape[:2]
    source = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    how = cv2.INTER_LINEAR if forger is Forger.FIRST else cv2.INTER_AREA
    soft = cv2.GaussianBlur(side, (0, 0), max(0.3, 0.35 * wide / float(np.ptp(corners[:, 0]))))
    laid = cv2.warpPerspective(soft, matrix, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpPerspective(outline(wide, tall), matrix, size, flags=cv2.INTER_LINEAR)
    shadow = cv2.GaussianBlur(mask, (0, 0), 9).astype(np.float32)[..., None] / 255
    alpha = mask.astype(np.float32)[..., None] / 255
    mixed = ground * (1 - 0.4 * shadow) * (1 - alpha) + laid * alpha
    return Shot(np.clip(mixed, 0, 255).astype(np.uint8), corners.astype(np.float32))


def _shown(case: Case, side: RgbImage, rng: np.random.Generator) -> Shot:
    """What is put on the screen: a photograph of the document as often as a scan."""
    return case.photograph(side) if rng.random() < 0.5 else _scan(side)  # noqa: PLR2004 - half


def _scan(side: RgbImage) -> Shot:
    """The side itself, a little margin around it."""
    scale = _SCAN_WIDTH / side.shape[1]
    flat = cv2.resize(side, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    margin = round(0.03 * _SCAN_WIDTH)
    height, width = flat.shape[:2]
    framed = np.full((height + 2 * margin, width + 2 * margin, 3), 255, np.uint8)
    framed[margin : margin + height, margin : margin + width] = flat
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) + margin
    return Shot(framed, corners)


def _printed(shown: Shot, printers: tuple[Printer, ...], rng: np.random.Generator) -> Shot:
    straight = _view(shown, rng)
    bend = float(rng.choice([0.0, rng.uniform(-0.03, 0.03)]))
    view = View(straight.to_picture, straight.height, straight.width, bend)
    copy = draw_face_print(rng, printers=printers, view=view, picture_px=shown.pixels.shape[1])
    return reprinted(shown, copy, draw_camera(rng), rng, surroundings=shown.pixels, view=view)


def _view(shown: Shot, rng: np.random.Generator) -> View:
    """Before the shown picture, so that most of it fills the frame."""
    height, width = shown.pixels.shape[:2]
    return whole_view(
        (height, width),
        rng,
        height=round(_WIDTH * PICTURE_ASPECT),
        width=_WIDTH,
        fill=float(rng.uniform(0.75, 1.0)),
        tilt=0.12,
    )


RECAPTURED: Mapping[ForgeryType, Recapture] = {
    ForgeryType.SCREEN_RECAPTURE: _on_screen,
    ForgeryType.PRINT_RECAPTURE: _on_paper,
    ForgeryType.GREY_COPY: _grey,
    ForgeryType.DIGITAL_COMPOSITE: _composite,
}
"""How a side comes to be seen without being there."""
