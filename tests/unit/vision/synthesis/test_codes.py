import datetime as dt

import numpy as np
import pytest
import zxingcpp

from idv.documents.barcodes import parse_aamva
from idv.documents.document_types import DocumentType, SideName, load_document_types
from idv.documents.mrz_writer import write
from idv.domain.documents import FieldName
from idv.vision.synthesis.cards import Contradictions, draw_card
from idv.vision.synthesis.codes import payload
from idv.vision.synthesis.holders import make_holder, mrz_record

TODAY = dt.date(2026, 11, 22)
CODED = [
    known
    for known in load_document_types()
    if SideName.BACK in known.sides and known.sides[SideName.BACK].barcode
]
PORTRAIT = np.full((120, 100, 3), 90, np.uint8)


@pytest.mark.parametrize("known", CODED, ids=lambda known: known.id)
def test_a_drawn_barcode_is_read_back(known: DocumentType) -> None:
    """What the reader finds on the back is the payload, byte for byte."""
    holder = make_holder(known, np.random.default_rng(2), today=TODAY)
    card = draw_card(known, holder, PORTRAIT, np.random.default_rng(1), dpi=300)
    zone = known.sides[SideName.BACK].barcode
    assert card.back is not None
    assert zone is not None
    found = zxingcpp.read_barcodes(card.back.image)
    assert [code.bytes for code in found] == [payload(zone, holder, card.mrz_lines)]


def test_an_aamva_payload_states_the_holder() -> None:
    """Number, names and dates survive writing and parsing."""
    known = next(known for known in CODED if known.id == "xca_driving_licence")
    holder = make_holder(known, np.random.default_rng(5), today=TODAY)
    zone = known.sides[SideName.BACK].barcode
    assert zone is not None
    fields = {field.name: field.value for field in parse_aamva(payload(zone, holder, ()))}
    assert fields[FieldName.DOCUMENT_NUMBER] == holder.document_number
    assert fields[FieldName.DATE_OF_BIRTH] == holder.date_of_birth.isoformat()
    assert fields[FieldName.DATE_OF_EXPIRY] == holder.date_of_expiry.isoformat()
    assert fields[FieldName.SEX] == holder.sex


def test_a_qr_code_states_the_rows_of_the_zone() -> None:
    """A code of content `mrz` holds the rows, one a line."""
    known = next(known for known in CODED if known.id == "xbo_identity_card")
    holder = make_holder(known, np.random.default_rng(5), today=TODAY)
    zone = known.sides[SideName.BACK].barcode
    assert zone is not None
    assert known.mrz is not None
    lines = write(known.mrz.format, mrz_record(known, holder))
    assert payload(zone, holder, lines).decode().split("\n") == list(lines)


@pytest.mark.parametrize("known", CODED, ids=lambda known: known.id)
def test_a_contradicting_barcode_states_the_other_holder(known: DocumentType) -> None:
    """A barcode of either content that is said to be another person's is, and the zone stays the holder's."""
    holder = make_holder(known, np.random.default_rng(2), today=TODAY)
    other = make_holder(known, np.random.default_rng(3), today=TODAY)
    plain = draw_card(known, holder, PORTRAIT, np.random.default_rng(1))
    forged = draw_card(
        known, holder, PORTRAIT, np.random.default_rng(1), contradictions=Contradictions(barcode_holder=other)
    )
    strange = draw_card(known, other, PORTRAIT, np.random.default_rng(1))
    assert forged.back is not None
    assert strange.back is not None
    stated = [code.bytes for code in zxingcpp.read_barcodes(forged.back.image)]
    assert stated == [code.bytes for code in zxingcpp.read_barcodes(strange.back.image)]
    assert forged.mrz_lines == plain.mrz_lines
