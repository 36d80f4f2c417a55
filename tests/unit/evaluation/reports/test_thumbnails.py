"""Facts about thumbnails: by digest, small, and never of what is sealed."""

import base64
import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from idv.domain.errors import EvalSetError, SetFault
from idv.domain.eval_sets import EvalItem, EvalSet, MediaRef, Part
from idv.domain.evidence import ImageRole
from idv.domain.results import CheckName
from idv.evaluation.reports.figures import Resampling
from idv.evaluation.reports.summary import Question, summarise
from idv.evaluation.reports.thumbnails import thumbnails
from idv.vision.imaging.decoder import InProcessDecoder
from tests.unit.evaluation.reports.made_runs import liveness_run


@dataclass(frozen=True)
class Shelf:
    """Media in memory, by digest."""

    files: Mapping[str, bytes]

    def bytes_of(self, ref: MediaRef) -> bytes:
        """The file, or the error a media root raises."""
        if ref.sha256 not in self.files:
            raise EvalSetError([SetFault("media_missing", "is not here")])
        return self.files[ref.sha256]


def _jpeg(side: int) -> bytes:
    _, encoded = cv2.imencode(".jpg", np.full((side, side, 3), 90, np.uint8))
    data: bytes = encoded.tobytes()
    return data


def _set(count: int, refs: Mapping[int, str], *, sealed: frozenset[int]) -> EvalSet:
    items = tuple(
        EvalItem(
            f"item-{i}",
            {ImageRole.SELFIE: MediaRef(refs.get(i, "0" * 64))},
            part=Part.SEALED if i in sealed else Part.TEST,
        )
        for i in range(count)
    )
    day = dt.date(2026, 11, 22)
    return EvalSet("tiny", "1", CheckName.LIVENESS, "5" * 64, "", "CC0-1.0", day, items)


def test_pictures_are_made_of_the_worst_errors_that_can_be_had() -> None:
    """One is there, one is no picture, one is sealed, the others are missing: one thumbnail."""
    run = liveness_run()
    summary = summarise(run, Question(how=Resampling(resamples=20)))
    wanted = [int(error.items[0].removeprefix("item-")) for error in summary.worst]
    good, broken = _jpeg(900), b"no picture"
    digest = {data: hashlib.sha256(data).hexdigest() for data in (good, broken)}
    refs = {wanted[0]: digest[good], wanted[1]: digest[broken], wanted[2]: digest[good]}
    eval_set = _set(240, refs, sealed=frozenset({wanted[2]}))
    shelf = Shelf({digest[data]: data for data in digest})
    made = thumbnails([summary], eval_set, shelf, InProcessDecoder())
    assert set(made) == {f"item-{wanted[0]}"}
    pixels = cv2.imdecode(np.frombuffer(base64.b64decode(made[f"item-{wanted[0]}"]), np.uint8), 1)
    assert pixels is not None
    assert pixels.shape == (220, 220, 3)
