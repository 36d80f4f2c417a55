from idv.documents.sides import read_sides
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
