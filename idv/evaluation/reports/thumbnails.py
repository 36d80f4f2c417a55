"""Small pictures of the worst errors, from media found by digest; never of sealed items."""

import base64
from collections.abc import Mapping, Sequence

import cv2

from idv.domain.errors import IdvError
from idv.domain.eval_sets import EvalItem, EvalSet, MediaRef, Part
from idv.domain.ports import ImageDecoder
from idv.evaluation.reports.summary import Summary
from idv.evaluation.runs.judging import Media

_SIDE_PX = 220
_JPEG_QUALITY = 78


def thumbnails(
    summaries: Sequence[Summary], eval_set: EvalSet, media: Media, decoder: ImageDecoder
) -> Mapping[str, str]:
    """Item id -> JPEG in base64, of the items in the summaries' worst errors whose media can be had.

    What is missing, altered or unreadable is left out: a report does not fail for want of a picture.
    """
    wanted = {item for summary in summaries for error in summary.worst for item in error.items}
    made = {}
    for item in eval_set.items:
        if item.id in wanted and item.part is not Part.SEALED:
            picture = _thumbnail(_shown(item), media, decoder)
            if picture is not None:
                made[item.id] = picture
    return made


def _shown(item: EvalItem) -> MediaRef:
    """The first file of an item: the front of a document, the selfie."""
    return next(iter(item.media.values()))


def _thumbnail(ref: MediaRef, media: Media, decoder: ImageDecoder) -> str | None:
    try:
        pixels = decoder.decode(media.bytes_of(ref), max_side_px=_SIDE_PX).pixels
    except IdvError:
        return None
    scale = min(1.0, _SIDE_PX / max(pixels.shape[:2]))
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return base64.b64encode(encoded.tobytes()).decode()
