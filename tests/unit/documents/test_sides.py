import pytest

from idv.documents.document_types import SideName, load_document_types
from idv.documents.sides import known_side, read_sides
from idv.domain.documents import DocumentReading, FieldName, FieldReading, Zone
from idv.domain.errors import MediaError, MediaFault
from idv.domain.evidence import ImageRole
from idv.domain.reasons import Reason
from tests.unit.readings import Readings


def test_sides_are_merged_with_the_zone_first() -> None:
    """A field of both sides is listed with the machine-readable zone before the print."""
    front = DocumentReading(fields=(FieldReading(FieldName.SURNAME, "PRINTED", Zone.VIZ, 0.99),))
    back = DocumentReading(
        document_type="card",
        fields=(FieldReading(FieldName.SURNAME, "ZONE", Zone.MRZ, 0.9),),
        reasons=(Reason.DOCUMENT_BLURRED,),
    )
    sides = read_sides(Readings({ImageRole.DOCUMENT_FRONT: front, ImageRole.DOCUMENT_BACK: back}))
    assert [field.value for field in sides.fields(FieldName.SURNAME)] == ["ZONE", "PRINTED"]
    assert sides.document_type == "card"
    assert sides.mrz is None
    assert sides.reasons == (Reason.DOCUMENT_BLURRED,)


def test_a_side_that_cannot_be_opened_gives_its_reason() -> None:
    """Undecodable bytes are a reason, an absent side is nothing."""
    fault = MediaError(MediaFault.CORRUPT, "corrupt")
    sides = read_sides(Readings({ImageRole.DOCUMENT_FRONT: fault}))
    assert sides.readings == {}
    assert sides.reasons == (Reason.MEDIA_UNDECODABLE,)


@pytest.mark.parametrize(
    ("document_type", "fields", "side"),
    [
        ("uto_identity_card", {FieldName.SURNAME: Zone.VIZ}, SideName.FRONT),
        ("uto_identity_card", {FieldName.ADDRESS: Zone.VIZ}, SideName.BACK),
        ("uto_identity_card", {FieldName.SURNAME: Zone.VIZ, FieldName.ADDRESS: Zone.VIZ}, None),
        ("uto_identity_card", {}, None),
        ("uto_passport", {}, SideName.FRONT),
        ("no_such_type", {FieldName.SURNAME: Zone.VIZ}, None),
        (None, {FieldName.SURNAME: Zone.VIZ}, None),
    ],
)
def test_a_side_is_told_by_the_fields_that_only_it_prints(
    document_type: str | None, fields: dict[FieldName, Zone], side: SideName | None
) -> None:
    """Nothing is said of an unknown type, nor where both sides have as much for them."""
    read = tuple(FieldReading(name, "VALUE", zone, 0.9) for name, zone in fields.items())
    found = known_side(DocumentReading(document_type, fields=read), load_document_types())
    assert (found.side if found else None) is side
