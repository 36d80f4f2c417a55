"""The signals that are made of what was read: whether zones and dates contradict, and where that stands."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from idv.checks.document_authenticity.signals import Finding, SignalName
from idv.documents.consistency import Inconsistency
from idv.documents.document_types import DocumentType, RelativeBox, Side, SideName
from idv.domain.documents import DocumentReading, DocumentView, FieldName, Zone
from idv.domain.evidence import ImageRole
from idv.domain.images import DecodedImage
from idv.domain.reasons import Reason
from idv.domain.results import Region
from idv.vision.perception.outlines import in_picture, outline_of_box

CONTRADICTED = -12.0
"""Log-odds of a document whose zones or dates contradict, whatever else it looks like."""
_ABOUT_DATES = frozenset({Reason.DOCUMENT_EXPIRED, Reason.DATE_IMPOSSIBLE})
_DATES = frozenset({FieldName.DATE_OF_BIRTH, FieldName.DATE_OF_ISSUE, FieldName.DATE_OF_EXPIRY})
_SIDES = {ImageRole.DOCUMENT_FRONT: SideName.FRONT, ImageRole.DOCUMENT_BACK: SideName.BACK}


def zone_findings(
    found: Sequence[Inconsistency], readings: Iterable[DocumentReading], regions: Sequence[Region]
) -> Iterator[Finding]:
    """Zones and dates, each only when something of the kind was read: what was not compared says nothing."""
    fields = [field for reading in readings for field in reading.fields]
    about_dates = [item for item in found if item.reason in _ABOUT_DATES]
    about_zones = [item for item in found if item.reason not in _ABOUT_DATES]
    if about_zones or len({field.zone for field in fields}) > 1:
        yield _finding(SignalName.ZONE_CONSISTENCY, about_zones, regions)
    if about_dates or any(field.name in _DATES for field in fields):
        yield _finding(SignalName.DATES, about_dates, regions)


def zone_regions(
    found: Sequence[Inconsistency],
    known: DocumentType | None,
    views: Mapping[ImageRole, tuple[DecodedImage, DocumentView]],
) -> tuple[Region, ...]:
    """Where the contradicting zones stand on a document of a known type."""
    if known is None:
        return ()
    regions: dict[Region, None] = {}
    for item in found:
        for role, (image, view) in views.items():
            side = known.sides.get(_SIDES[role])
            for box in _boxes(side, item) if side else ():
                outline = in_picture(outline_of_box(box), view.corners, image.pixels.shape)
                regions[Region(role, _signal_of(item), outline)] = None
    return tuple(regions)


def _boxes(side: Side, item: Inconsistency) -> Iterator[RelativeBox]:
    if Zone.MRZ in item.zones and side.mrz:
        yield side.mrz.box
    if Zone.BARCODE in item.zones and side.barcode:
        yield side.barcode.box
    field = side.field(item.field) if Zone.VIZ in item.zones and item.field else None
    if field:
        yield field.box


def _finding(name: SignalName, against: Sequence[Inconsistency], regions: Sequence[Region]) -> Finding:
    return Finding(
        name,
        CONTRADICTED if against else -CONTRADICTED,
        reasons=tuple(dict.fromkeys(item.reason for item in against)),
        regions=tuple(region for region in regions if region.signal == name),
    )


def _signal_of(item: Inconsistency) -> SignalName:
    return SignalName.DATES if item.reason in _ABOUT_DATES else SignalName.ZONE_CONSISTENCY
