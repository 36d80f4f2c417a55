"""What the document check answers to pictures that are not one whole document: by name, and never a pass.

Over real models, and at an operating point that every score passes: what holds here holds at any threshold.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from idv import bootstrap, settings
from idv.checks.document_authenticity.check import DocumentAuthenticity
from idv.documents.document_types import DocumentType, GroundPattern, SideName, load_document_types
from idv.domain.arrays import RgbImage
from idv.domain.errors import ModelError
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.operating_points import Interval, OperatingPoint
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome
from idv.vision.synthesis.cards import DrawnCard, draw_card
from idv.vision.synthesis.codes import draw_barcode
from idv.vision.synthesis.holders import Holder, make_holder
from idv.vision.synthesis.portraits import draw_portrait

TYPES = {known.id: known for known in load_document_types()}
TODAY = dt.datetime.now(dt.UTC).date()
FRONT, BACK = ImageRole.DOCUMENT_FRONT, ImageRole.DOCUMENT_BACK


@pytest.fixture(scope="module")
def judges() -> Iterator[bootstrap.Judges]:
    """The judges as the service wires them."""
    try:
        with bootstrap.judges(settings.load(decoder_workers=1)) as wired:
            yield wired
    except ModelError as error:
        pytest.skip(f"models are absent: {error}")


@pytest.fixture(scope="module")
def check(judges: bootstrap.Judges) -> DocumentAuthenticity:
    """The check, at a point that every score passes."""
    found = next(c for c in judges.runner.checks if c.name is CheckName.DOCUMENT_AUTHENTICITY)
    assert isinstance(found, DocumentAuthenticity)
    lowest = OperatingPoint(
        CheckName.DOCUMENT_AUTHENTICITY,
        threshold=-1e9,
        check_digest=found.digest,
        eval_set="s",
        eval_set_digest="e",
        target="t",
        measured=0.0,
        interval=Interval(0, 1),
        run_id="r",
        created_on=TODAY,
    )
    return dataclasses.replace(found, point=lowest)


def table(width: int = 1600, height: int = 1200) -> RgbImage:
    """A dark table with grain."""
    rng = np.random.default_rng(3)
    plain = np.full((height, width, 3), (74, 60, 48), np.float32)
    return np.asarray(np.clip(plain + rng.normal(0, 2, plain.shape), 0, 255), np.uint8)


def lay(picture: RgbImage, card: RgbImage, *, left: int, top: int, width: int) -> None:
    """Lay a card on the table, in place."""
    height = round(card.shape[0] * width / card.shape[1])
    small = cv2.resize(card, (width, height), interpolation=cv2.INTER_AREA)
    part = picture[top : top + height, left : left + width]
    part[:] = small[: part.shape[0], : part.shape[1]]


def drawn(
    known: DocumentType, seed: int = 1, *, holder: Holder | None = None, portrait: RgbImage | None = None
) -> DrawnCard:
    """A genuine document of a type."""
    rng = np.random.default_rng(seed)
    made = holder or make_holder(known, rng, today=TODAY)
    return draw_card(known, made, draw_portrait(rng) if portrait is None else portrait, rng, dpi=350)


def photo(card: RgbImage) -> RgbImage:
    """A flat card on the table."""
    picture = table()
    lay(picture, card, left=220, top=200, width=1150)
    return picture


def jpeg(picture: RgbImage) -> bytes:
    """The picture as it is sent."""
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 92])
    return bytes(data)


def judged(
    judges: bootstrap.Judges, check: DocumentAuthenticity, front: bytes, back: bytes | None = None
) -> CheckResult:
    """What the check says, made safe by the runner."""
    images = {FRONT: EncodedImage(front)} | ({BACK: EncodedImage(back)} if back is not None else {})
    evidence = Evidence(images)
    deadline = judges.clock.monotonic() + 300
    return judges.runner.run_one(check, evidence, judges.perceiver.perceive(evidence), deadline=deadline)


def test_one_whole_genuine_document_passes_here(
    judges: bootstrap.Judges, check: DocumentAuthenticity
) -> None:
    """So that the others fail for what they are, not for how these pictures are made."""
    result = judged(judges, check, jpeg(photo(drawn(TYPES["xar_identity_card"]).front.image)))
    assert (result.outcome, result.reasons) == (Outcome.PASS, ())


def test_two_documents(judges: bootstrap.Judges, check: DocumentAuthenticity) -> None:
    """Side by side in one picture."""
    picture = table()
    lay(picture, drawn(TYPES["xar_identity_card"]).front.image, left=40, top=300, width=720)
    lay(picture, drawn(TYPES["uto_passport"], 2).front.image, left=820, top=280, width=740)
    result = judged(judges, check, jpeg(picture))
    assert result.outcome is Outcome.INCONCLUSIVE
    assert Reason.SEVERAL_DOCUMENTS in result.reasons


@pytest.mark.parametrize("offset", [-560, 900])
def test_half_a_document(judges: bootstrap.Judges, check: DocumentAuthenticity, offset: int) -> None:
    """Its left or its right half lies outside the picture."""
    wide = table(width=3600)
    lay(wide, drawn(TYPES["xar_identity_card"]).front.image, left=1000 + offset, top=200, width=1150)
    result = judged(judges, check, jpeg(np.ascontiguousarray(wide[:, 1000:2600])))
    assert result.outcome is Outcome.INCONCLUSIVE
    assert {Reason.DOCUMENT_CUT_OFF, Reason.NO_DOCUMENT, Reason.DOCUMENT_TYPE_UNKNOWN} & set(result.reasons)


def test_a_blank_page(judges: bootstrap.Judges, check: DocumentAuthenticity) -> None:
    """White paper of a passport's shape on the table."""
    result = judged(judges, check, jpeg(photo(np.full((880, 1250, 3), 244, np.uint8))))
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.NO_DOCUMENT,))


def test_a_receipt(judges: bootstrap.Judges, check: DocumentAuthenticity) -> None:
    """Rows of print, but of no type that is known, and no machine-readable zone."""
    paper = np.full((880, 1250, 3), 240, np.uint8)
    for row, text in enumerate(
        ("CORNER SHOP", "MILK 1.20", "BREAD 2.40", "TOTAL 3.60", "CASH 5.00", "THANK YOU")
    ):
        cv2.putText(paper, text, (120, 140 + 120 * row), cv2.FONT_HERSHEY_SIMPLEX, 2.0, (30, 30, 30), 4)
    result = judged(judges, check, jpeg(photo(paper)))
    assert result.outcome is Outcome.INCONCLUSIVE
    assert {Reason.NO_DOCUMENT, Reason.DOCUMENT_TYPE_UNKNOWN} & set(result.reasons)


def test_one_pixel(judges: bootstrap.Judges, check: DocumentAuthenticity) -> None:
    """Too small to be decoded: the service answers 422, the check by name."""
    result = judged(judges, check, jpeg(np.zeros((1, 1, 3), np.uint8)))
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.MEDIA_UNDECODABLE,))


def test_forty_megapixels(judges: bootstrap.Judges, check: DocumentAuthenticity) -> None:
    """A large photo is read at reduced scale, and judged as any other."""
    card = drawn(TYPES["xar_identity_card"]).front.image
    picture = np.full((5500, 7300, 3), (74, 60, 48), np.uint8)
    lay(picture, card, left=1000, top=900, width=5300)
    result = judged(judges, check, jpeg(picture))
    assert result.outcome in (Outcome.PASS, Outcome.INCONCLUSIVE)
    assert Reason.MEDIA_UNDECODABLE not in result.reasons


def test_another_script_on_an_unknown_card(judges: bootstrap.Judges, check: DocumentAuthenticity) -> None:
    """Cyrillic names on a card whose ground, labels and places no type has, without a zone on this side."""
    cyrillic = next(k for k in TYPES.values() if k.script == "cyrillic")
    front = cyrillic.sides[SideName.FRONT]
    moved = tuple(
        zone._replace(label="Поле", box=zone.box._replace(top=zone.box.top * 0.9)) for zone in front.fields
    )
    other = dataclasses.replace(front, fields=moved, mrz=None)
    look = dataclasses.replace(
        cyrillic.look,
        seed=4711,
        pattern=next(kind for kind in GroundPattern if kind is not cyrillic.look.pattern),
        ground=((250, 205, 190), (255, 225, 160)),
    )
    unknown = dataclasses.replace(cyrillic, id="x", look=look, sides={SideName.FRONT: other})
    result = judged(judges, check, jpeg(photo(drawn(unknown).front.image)))
    assert result.outcome is Outcome.INCONCLUSIVE
    assert {Reason.DOCUMENT_TYPE_UNKNOWN, Reason.NO_DOCUMENT} & set(result.reasons)


def test_look_alikes_where_no_digit_proves_them(
    judges: bootstrap.Judges, check: DocumentAuthenticity
) -> None:
    """A number of noughts and Os is never held against a genuine document."""
    known = TYPES["uto_passport"]
    rng = np.random.default_rng(4)
    holder = dataclasses.replace(make_holder(known, rng, today=TODAY), document_number="O0O00OO0")
    result = judged(judges, check, jpeg(photo(drawn(known, holder=holder).front.image)))
    assert result.outcome is not Outcome.FAIL, result.reasons


@pytest.mark.parametrize(
    "content",
    [
        b"@\n\x1e\rANSI 636999080001DL99999999DL" + b"DCS" + b"A" * 400,
        b"'; DROP TABLE documents; --\x00\xff\xfe{{7*7}}${jndi:ldap://x}<script>",
        b"\x00" * 200,
    ],
)
def test_a_barcode_with_a_hostile_payload(
    judges: bootstrap.Judges, check: DocumentAuthenticity, content: bytes
) -> None:
    """Lengths that lie, markup, zeros: a named outcome, and no pass by what was not compared."""
    known = TYPES["xca_driving_licence"]
    card = drawn(known)
    zone = known.sides[SideName.BACK].barcode
    assert card.back is not None
    assert zone is not None
    back = card.back.image.copy()
    draw_barcode(back, zone, content)
    result = judged(judges, check, jpeg(photo(card.front.image)), jpeg(photo(back)))
    assert result.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE)
    assert Reason.CHECK_ERROR not in result.reasons
    assert "DROP" not in repr(result)


def test_a_selfie_with_a_document_on_a_phone(judges: bootstrap.Judges, check: DocumentAuthenticity) -> None:
    """A phone lies on the table; its screen shows a face, and nothing that is printed."""
    picture = table()
    rng = np.random.default_rng(6)
    picture[200:1000, 300:1300] = (12, 12, 14)
    face = cv2.resize(draw_portrait(rng), (900, 720), interpolation=cv2.INTER_AREA)
    picture[240:960, 350:1250] = face
    result = judged(judges, check, jpeg(picture))
    assert result.outcome is Outcome.INCONCLUSIVE
    assert {Reason.NO_DOCUMENT, Reason.DOCUMENT_TYPE_UNKNOWN} & set(result.reasons)
