"""The demo's onboardings: what is uploaded, and what has to come out."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from idv.cli.demo.samples import Samples
from idv.documents.document_types import DocumentType, SideName, load_document_types
from idv.domain.arrays import RgbImage
from idv.domain.decisions import Decision
from idv.domain.evidence import ImageRole
from idv.domain.reasons import Reason
from idv.vision.synthesis.cameras import Camera
from idv.vision.synthesis.cards import Contradictions, DrawnCard, draw_card
from idv.vision.synthesis.document_scenes import Scene, Shot, photographed
from idv.vision.synthesis.forgeries import case as forgery
from idv.vision.synthesis.forgeries.make import forge
from idv.vision.synthesis.forgeries.species import Forger, ForgeryType
from idv.vision.synthesis.holders import Holder, make_holder
from idv.vision.synthesis.presentation import replay_whole
from idv.vision.synthesis.screens import HELD_OUT_LAYOUTS, Screen

_SEED = 7
_DPI = 400.0
# A two-line card: portrait, ghost portrait, printed fields and machine-readable zone all stand on its front.
_TYPE = "xgo_identity_card"
# Somebody who takes care: a plain table, an even light, a good phone.
_SCENE = Scene(tilt=0.4, gradient=0.15, haze=0.005)
_CAMERA = Camera(
    mosaic=True, shot_noise=0.008, read_noise=0.002, smoothing=0.2, sharpening=0.5, jpeg_quality=95
)


@dataclass(frozen=True)
class Case:
    """One onboarding, as expected when the decision is one of `decisions` and one of `reasons` is given."""

    title: str
    parts: Mapping[str, bytes]
    metadata: Mapping[str, Any]
    decisions: tuple[Decision, ...]
    reasons: tuple[Reason, ...] = ()

    @property
    def expected(self) -> str:
        """What has to come out, in words."""
        wanted = " or ".join(self.decisions)
        return f"{wanted} with {' or '.join(self.reasons)}" if self.reasons else wanted

    def holds(self, decision: str, reasons: list[str]) -> bool:
        """Whether an answer is the expected one."""
        return decision in self.decisions and (not self.reasons or not set(self.reasons).isdisjoint(reasons))


def cases(samples: Samples, *, today: dt.date) -> tuple[Case, ...]:
    """Five onboardings built from the sample photos and a card of a country that does not exist."""
    rng = np.random.default_rng(_SEED)
    known = next(known for known in load_document_types() if known.id == _TYPE)
    holder = make_holder(known, rng, today=today)
    portrait = _head_and_shoulders(_decoded(samples.person))
    genuine = _photographed(draw_card(known, holder, portrait, rng, dpi=_DPI), rng)
    swapped = _swapped(known, holder, portrait, _decoded(samples.other), rng)
    contradicting = _contradicting(known, holder, portrait, rng, today=today)
    claim = {
        "surname": holder.surname,
        "given_names": holder.given_names,
        "date_of_birth": holder.date_of_birth.isoformat(),
    }
    not_accepted = (Decision.STEP_UP, Decision.REVIEW, Decision.REJECT)

    def case(
        title: str,
        document: bytes,
        selfie: bytes,
        decisions: tuple[Decision, ...],
        *reasons: Reason,
    ) -> Case:
        parts = {ImageRole.DOCUMENT_FRONT.value: document, ImageRole.SELFIE.value: selfie}
        return Case(title, parts, {"claimed": claim}, decisions, reasons)

    return (
        case("Same person", genuine, samples.person_again, (Decision.ACCEPT,)),
        case("Different person", genuine, samples.other, (Decision.REJECT,), Reason.FACE_MISMATCH),
        case(
            "Selfie on a screen",
            genuine,
            _on_screen(samples.person_again),
            not_accepted,
            Reason.PRESENTATION_ATTACK,
            Reason.PRESENTATION_UNCERTAIN,
        ),
        case(
            "MRZ contradicts",
            _photographed(contradicting, rng),
            samples.person_again,
            not_accepted,
            Reason.MRZ_VIZ_MISMATCH,
        ),
        # Everything but the document agrees: the impostor's face is on it.
        case(
            "Portrait swapped",
            swapped,
            samples.other,
            not_accepted,
            Reason.DOCUMENT_TAMPERED,
            Reason.GHOST_PORTRAIT_MISMATCH,
        ),
    )


def _head_and_shoulders(photo: RgbImage) -> RgbImage:
    """The part of the sample photo that an identity portrait would show."""
    height, width = photo.shape[:2]
    return photo[: round(0.62 * height), round(0.25 * width) : round(0.83 * width)]


def _contradicting(
    known: DocumentType, holder: Holder, portrait: RgbImage, rng: np.random.Generator, *, today: dt.date
) -> DrawnCard:
    """A card whose MRZ, check digits in order, states another date of birth and number than is printed."""
    other = make_holder(known, rng, today=today)
    edited = dataclasses.replace(
        holder, date_of_birth=other.date_of_birth, document_number=other.document_number
    )
    return draw_card(known, holder, portrait, rng, dpi=_DPI, contradictions=Contradictions(mrz_holder=edited))


def _swapped(
    known: DocumentType, holder: Holder, portrait: RgbImage, stranger: RgbImage, rng: np.random.Generator
) -> bytes:
    """A photograph of the holder's card in which a stranger's face was blended over the portrait."""
    case = forgery.Case(known, holder, holder, portrait, stranger, lambda side: _shot(side, rng), dpi=_DPI)
    forged = forge(case, ForgeryType.PORTRAIT_BLENDED, Forger.SECOND, rng)
    return _jpeg(forged.shots[SideName.FRONT].pixels)


def _photographed(card: DrawnCard, rng: np.random.Generator) -> bytes:
    return _jpeg(_shot(card.front.image, rng).pixels)


def _shot(side: RgbImage, rng: np.random.Generator) -> Shot:
    return photographed(side, _SCENE, _CAMERA, rng)


def _on_screen(selfie: bytes) -> bytes:
    """The selfie replayed on a display whose sub-pixel layout no training has seen."""
    rng = np.random.default_rng(_SEED)
    screen = Screen(layout=HELD_OUT_LAYOUTS[0], glare=0.1, ambient=0.02)
    return _jpeg(replay_whole(_decoded(selfie), rng, screen=screen, camera=Camera()))


def _decoded(data: bytes) -> RgbImage:
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        msg = "a sample photo cannot be decoded"
        raise ValueError(msg)
    return np.ascontiguousarray(bgr[..., ::-1], np.uint8)


def _jpeg(pixels: RgbImage) -> bytes:
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])
    return encoded.tobytes()
