"""Where the zones of a known document type lie on a picture, and the print cut out of them."""

from typing import NamedTuple

import cv2
import numpy as np

from idv.documents.document_types import MrzZone, RelativeBox
from idv.domain.arrays import FloatArray, RgbImage
from idv.vision.perception.text_lines import Strip, cut, print_density

_SLACK_X, _SLACK_Y = 0.010, 0.012
# How far the zone's rows may lie from where the type has them before the picture is fitted to them.
_TOLERANCE = 0.02
_LEAST_PRINT = 9.0
_MARGIN_HEIGHTS = 0.35


class Registration(NamedTuple):
    """Maps relative coordinates of a document's side to px of a picture: px = (x, y, 1) · matrix, (3, 2)."""

    matrix: FloatArray

    def corners(self, box: RelativeBox, *, slack: tuple[float, float] = (0.0, 0.0)) -> FloatArray:
        """(4, 2) float32 px of a relative box, clockwise from the top left, widened by `slack`."""
        left, top = box.left - slack[0], box.top - slack[1]
        right, bottom = box.left + box.width + slack[0], box.top + box.height + slack[1]
        unit = np.array([[left, top, 1], [right, top, 1], [right, bottom, 1], [left, bottom, 1]])
        return np.asarray(unit @ self.matrix, np.float32)


def whole(shape: tuple[int, ...]) -> Registration:
    """The picture is exactly the document's side."""
    height, width = shape[:2]
    return Registration(np.array([[width, 0], [0, height], [0, 0]], np.float32))


def registered(
    shape: tuple[int, ...], zone: MrzZone, rows: tuple[Strip, ...], *, aspect: float
) -> Registration:
    """The picture's side by where its machine-readable rows were found.

    A picture whose rows lie where the type has them is taken as it is, since its sides are farther apart
    than the rows; otherwise the rows fix place, size and turn. `aspect`: the side's width over height.
    """
    straight = whole(shape)
    boxes = zone.row_boxes()
    expected = np.array(
        [[(b.left, b.top + b.height / 2), (b.left + b.width, b.top + b.height / 2)] for b in boxes]
    )
    points = expected.reshape(-1, 2)
    found = np.array([[row.left, row.right] for row in rows], np.float32).reshape(-1, 2)
    if len(points) != len(found):
        return straight
    predicted = np.hstack([points, np.ones((len(points), 1))]) @ straight.matrix
    if float(np.abs(predicted - found).max()) <= _TOLERANCE * shape[1]:
        return straight
    plane = (points * [aspect, 1.0]).astype(np.float32)
    similarity, _ = cv2.estimateAffinePartial2D(plane, found, method=cv2.LMEDS)
    if similarity is None:
        return straight  # type: ignore[unreachable] # OpenCV gives None where no fit exists; its stubs deny it
    scaled = similarity[:, :2] @ np.diag([aspect, 1.0])
    return Registration(np.vstack([scaled.T, similarity[:, 2]]).astype(np.float32))


def cut_print(pixels: RgbImage, registration: Registration, box: RelativeBox) -> RgbImage | None:
    """The print in a zone, cut to its length at 48 px height; None when the zone is empty."""
    corners = registration.corners(box, slack=(_SLACK_X, _SLACK_Y))
    crop = cut(pixels, corners, height=48)
    columns = print_density(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY))[8:40].max(axis=0)
    marked = np.flatnonzero(columns >= max(_LEAST_PRINT, 0.3 * float(columns.max())))
    if marked.size == 0:
        return None
    margin = round(_MARGIN_HEIGHTS * crop.shape[0])
    left, right = max(0, int(marked[0]) - margin), min(crop.shape[1], int(marked[-1]) + margin)
    return np.ascontiguousarray(crop[:, left:right])
