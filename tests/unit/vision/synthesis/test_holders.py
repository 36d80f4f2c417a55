import datetime as dt
import re

import numpy as np
import pytest

from idv.documents.document_types import load_document_types
from idv.documents.mrz import parse
from idv.documents.mrz_writer import write
from idv.documents.viz import normalised
from idv.domain.documents import FieldName
from idv.vision.synthesis.holders import make_holder, mrz_record, printed_fields

TODAY = dt.date(2026, 11, 22)
TYPES = tuple(load_document_types())


@pytest.mark.parametrize("known", TYPES, ids=lambda known: known.id)
@pytest.mark.parametrize("seed", range(25))
def test_holders_are_consistent(known: object, seed: int) -> None:
    """Adults with a valid document whose number follows the mask, and whose zone verifies."""
    document_type = next(item for item in TYPES if item is known)
    holder = make_holder(document_type, np.random.default_rng(seed), today=TODAY)
    assert holder.date_of_birth < holder.date_of_issue < TODAY < holder.date_of_expiry
    assert (holder.date_of_issue - holder.date_of_birth).days >= 18 * 365
    mask = document_type.number_mask.replace("9", r"\d").replace("A", "[A-Z]")
    assert re.fullmatch(mask, holder.document_number)
    if document_type.mrz is None:
        return
    rows = write(document_type.mrz.format, mrz_record(document_type, holder))
    reading = parse(rows, today=TODAY)
    assert reading.valid
    assert reading.fields[FieldName.DATE_OF_EXPIRY] == holder.date_of_expiry.isoformat()
    printed = printed_fields(document_type, holder)
    for name in (FieldName.DATE_OF_BIRTH, FieldName.DATE_OF_EXPIRY):
        value = normalised(name, printed[name], date_format=document_type.date_format)
        assert value == reading.fields[name]


def test_the_same_seed_gives_the_same_holder() -> None:
    """Randomness is an argument."""
    known = TYPES[0]
    one, other, third = (make_holder(known, np.random.default_rng(s), today=TODAY) for s in (1, 1, 2))
    assert one == other
    assert one != third


def test_a_leap_day_expires_in_a_common_year() -> None:
    """A document issued on 29 February has a day to expire on."""
    dates = {
        make_holder(TYPES[0], np.random.default_rng(seed), today=dt.date(2024, 3, 1)).date_of_expiry
        for seed in range(40)
    }
    assert len(dates) > 30


def test_holders_stay_out_of_a_repr() -> None:
    """Invented persons are treated like real ones."""
    holder = make_holder(TYPES[0], np.random.default_rng(1), today=TODAY)
    assert holder.surname not in repr(holder)
    assert holder.document_number not in repr(holder)
