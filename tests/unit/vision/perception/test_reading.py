import datetime as dt
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import platformdirs
import pytest
import zxingcpp

from idv.documents.document_types import load_document_types
from idv.documents.mrz_layouts import LAYOUTS
from idv.domain.arrays import Array, RgbImage
from idv.domain.documents import DocumentView, FieldName, MrzFormat, Zone
from idv.domain.errors import ModelError
from idv.domain.images import DecodedImage, MediaType
from idv.domain.reasons import Reason
from idv.infra.clock import ManualClock
from idv.infra.inference.local import LocalInference
from idv.packs.store import ModelStore
from idv.vision.models.ppocr_rec import alphabet_of
from idv.vision.perception.document import DocumentFinder
from idv.vision.perception.effort import Effort
from idv.vision.perception.flat_document import FlatDocument
from idv.vision.perception.reading import DocumentReader
from idv.vision.perception.text_lines import find_strips
from idv.vision.synthesis.cards import DrawnCard, draw_card
from idv.vision.synthesis.holders import make_holder

TODAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ALPHABET = ("", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<", *"abcdefghijklmnopqrstuvwxyz.,'/", " ")
TRANSCRIPTS = Path(__file__).parents[3] / "data" / "mrz_specimens.toml"
ROWS = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")


class ScriptedOcr:
    """A recogniser that says what it is told, line after line, and a detector that sees no line.

    It counts how often each network is asked. A line in the script is spread evenly over the crop.
    """

    def __init__(self, *script: str) -> None:
        self.script = list(script)
        self.asked: dict[str, int] = {}

    def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The next line, or an empty page."""
        self.asked[model] = self.asked.get(model, 0) + 1
        tensor = inputs["x"]
        if model == "ppocr_det":
            return {"map": np.zeros((1, 1, *tensor.shape[2:]), np.float32)}
        return {"posteriors": self._line(self.script.pop(0) if self.script else "", tensor.shape[3] // 8)}

    def digest(self, model: str) -> str:
        """Any digest."""
        return f"digest of {model}"

    def _line(self, text: str, columns: int) -> Array:
        columns = max(columns, 2 * len(text) + 2)
        posteriors = np.full((1, columns, len(ALPHABET)), 1e-5, np.float32)
        posteriors[:, :, 0] = 1.0
        for place, character in zip(
            np.linspace(1, columns - 2, len(text)).round().astype(int), text, strict=True
        ):
            posteriors[0, place, 0] = 0.02
            posteriors[0, place, ALPHABET.index(character)] = 0.97
        return posteriors


def flat(*rows: str) -> DocumentView:
    """A flat card that carries rows of print where a zone stands, and nothing else."""
    card = np.full((540, 856, 3), 220, np.uint8)
    for k, row in enumerate(rows):
        for i, character in enumerate(row):
            place = (45 + round(i * 25.6), 395 + 45 * k)
            cv2.putText(card, character, place, cv2.FONT_HERSHEY_SIMPLEX, 0.85, (25, 25, 25), 2)
    corners = np.array([[0, 0], [856, 0], [856, 540], [0, 540]], np.float32)
    return DocumentView(corners, card, 0.9, reasons=(Reason.DOCUMENT_CUT_OFF,))


def reader(inference: ScriptedOcr) -> DocumentReader:
    """A reader over scripted networks."""
    return DocumentReader(inference, ALPHABET, types=load_document_types(), clock=ManualClock(TODAY))


def test_rows_are_cut_and_read_without_a_full_page() -> None:
    """The specimen of ICAO Doc 9303-5, row by row: fields, digits, and no reason but the capture's own."""
    inference = ScriptedOcr(*ROWS)
    reading = reader(inference).read(flat(*ROWS))
    assert reading.mrz is not None
    assert reading.mrz.format is MrzFormat.TD1
    assert reading.mrz.lines == ROWS
    assert reading.mrz.valid
    assert reading.value(FieldName.SURNAME, Zone.MRZ) == "ERIKSSON"
    assert reading.value(FieldName.DATE_OF_BIRTH, Zone.MRZ) == "1974-08-12"
    assert reading.reasons == (Reason.DOCUMENT_CUT_OFF,)
    assert reading.read_on == TODAY.date()


def test_rows_that_the_finder_saw_are_read_where_it_saw_them() -> None:
    """The same zone comes out, also from a picture in which nobody could find its rows any more."""
    view = flat(*ROWS)
    handed = FlatDocument(view.corners, view.rectified, 0.9, strips=tuple(find_strips(view.rectified)))
    assert reader(ScriptedOcr(*ROWS)).read(handed).mrz == reader(ScriptedOcr(*ROWS)).read(view).mrz
    away = FlatDocument(view.corners, np.full_like(view.rectified, 220), 0.9, strips=handed.strips)
    inference = ScriptedOcr(*ROWS)
    reader(inference).read(away)
    assert inference.asked["ppocr_rec"] >= len(ROWS)


def test_a_code_is_looked_for_only_where_the_type_may_have_one() -> None:
    """The card of Utopia has none on its back; print that is not that card's may have any."""
    rows = (f"ID{ROWS[0][2:]}", *ROWS[1:])
    view = flat(*rows)
    code = zxingcpp.create_barcode(b"SOME CODE", zxingcpp.barcode_format_from_str("QRCode"))
    image = np.array(zxingcpp.write_barcode_to_image(code, scale=2))
    view.rectified[265 : 265 + len(image), 600 : 600 + image.shape[1]] = image[..., None]
    assert reader(ScriptedOcr(*rows)).read(view).barcodes == (b"SOME CODE",)
    for place in ((55, 165), (390, 165), (55, 250)):
        cv2.putText(view.rectified, "1 MAIN ST", place, cv2.FONT_HERSHEY_SIMPLEX, 0.9, (25, 25, 25), 2)
    printed = ("12.05.2020", "12345678901", "1 MAIN ST")
    assert reader(ScriptedOcr(*rows, *printed)).read(view).barcodes == ()


def test_a_reader_without_time_says_so_and_asks_no_network() -> None:
    """A machine too busy to read is no fault of the capture: the reason is technical."""
    inference = ScriptedOcr(*ROWS)
    hurried = DocumentReader(
        inference, ALPHABET, types=load_document_types(), clock=ManualClock(TODAY), patience_s=0.0
    )
    reading = hurried.read(flat(*ROWS))
    assert reading.mrz is None
    assert reading.reasons == (Reason.DOCUMENT_CUT_OFF, Reason.DEADLINE_EXCEEDED)
    assert not inference.asked


def test_a_search_in_vain_ends() -> None:
    """Rows that look like a zone and never hold are cut out again a bounded number of times."""
    inference = ScriptedOcr(*(("7408122F1204159UTO<<<<<<<<<<<0",) * 500))
    reader(inference).mrz.read(
        flat(*ROWS).rectified, today=TODAY.date(), effort=Effort(ManualClock(TODAY), rows=7, seconds=1.0)
    )
    assert 0 < inference.asked["ppocr_rec"] <= 7 + 2


def test_a_proven_field_is_surer_than_its_characters() -> None:
    """A check digit that holds is better evidence than the recogniser's own confidence."""
    reading = reader(ScriptedOcr(*ROWS)).read(flat(*ROWS))
    confidence = {field.name: field.confidence for field in reading.fields if field.zone is Zone.MRZ}
    assert confidence[FieldName.DOCUMENT_NUMBER] == 0.99
    assert confidence[FieldName.SURNAME] < 0.99


def test_a_misprinted_digit_is_reported_not_repaired() -> None:
    """Clear characters and a wrong check digit: the zone stands as printed and is not valid."""
    wrong = (ROWS[0], ROWS[1].replace("7408122", "7408125"), ROWS[2])
    looks = 3  # the rows are cut tighter and looser before the digit is believed to be wrong
    reading = reader(ScriptedOcr(*wrong * looks)).read(flat(*wrong))
    assert reading.mrz is not None
    assert reading.mrz.lines == wrong
    assert not reading.mrz.valid


def test_rows_of_which_no_digit_holds_are_called_unreadable() -> None:
    """Not misprinted but cut wrongly: nothing that would speak against a person."""
    shifted = (ROWS[0][3:] + "<<<", "1F1204159UTO<<<<<<<<<<<6740812", ROWS[2])
    reading = reader(ScriptedOcr(*shifted * 12)).read(flat(*ROWS))
    assert reading.mrz is None or not reading.mrz.valid
    assert {Reason.MRZ_UNREADABLE, Reason.MRZ_NOT_FOUND} & set(reading.reasons)


def test_a_side_without_any_print_says_that_no_zone_was_found() -> None:
    """Only then the full page is asked for."""
    inference = ScriptedOcr()
    reading = reader(inference).read(flat())
    assert reading.mrz is None
    assert reading.document_type is None
    assert Reason.MRZ_NOT_FOUND in reading.reasons
    assert inference.asked["ppocr_det"] == 1


def test_long_rows_of_another_kind_are_no_zone() -> None:
    """Rows that look alike but read as sentences end after the first of them."""
    sentence = "this document must be returned to"
    inference = ScriptedOcr(*[sentence] * 20)
    assert reader(inference).read(flat(*ROWS)).mrz is None


def test_the_digest_names_networks_and_version() -> None:
    """Reading depends on both OCR networks and on this code."""
    assert set(reader(ScriptedOcr()).digest_parts()) == {"ppocr_rec", "ppocr_det", "reading"}


# --- with the real networks -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def networks() -> LocalInference:
    """The OCR networks of the open pack; skips loudly where they are not materialised."""
    repository = Path(__file__).parents[4] / "model_repository"
    cache = os.environ.get("IDV_MODEL_CACHE") or Path(platformdirs.user_cache_dir("idv")) / "models"
    try:
        inference = LocalInference(ModelStore(repository, Path(cache)).files("open"))
        inference.metadata("ppocr_rec")
    except ModelError as error:
        pytest.skip(f"the open pack is not materialised ({error.code}): `idv models pull` fetches it")
    return inference


def drawn(name: str) -> DrawnCard:
    """One of the project's own cards, always the same."""
    known = next(known for known in load_document_types() if known.id == name)
    rng = np.random.default_rng(7)
    holder = make_holder(known, rng, today=TODAY.date())
    return draw_card(known, holder, np.full((400, 300, 3), 190, np.uint8), rng, dpi=300)


def on_a_table(card: RgbImage) -> DecodedImage:
    """The card seen at a slant."""
    tall, wide = card.shape[:2]
    source = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32)
    target = np.array([[180, 190], [1240, 150], [1270, 860], [150, 830]], np.float32)
    pixels = np.full((1050, 1400, 3), (70, 60, 55), np.uint8)
    matrix = cv2.getPerspectiveTransform(source, target)
    cv2.warpPerspective(card, matrix, (1400, 1050), pixels, borderMode=cv2.BORDER_TRANSPARENT)
    return DecodedImage(pixels, MediaType.PNG, 1400, 1050)


def read(networks: LocalInference, image: DecodedImage) -> tuple[DocumentView, DocumentReader]:
    """The view of a picture, and a reader over the same networks."""
    alphabet = alphabet_of(networks.metadata("ppocr_rec"))
    view = DocumentFinder(networks, alphabet).find(image)
    assert view is not None
    types = load_document_types()
    return view, DocumentReader(networks, alphabet, types=types, clock=ManualClock(TODAY))


def test_a_passport_on_a_table_is_read_in_both_zones(networks: LocalInference) -> None:
    """Every row of the zone exactly, and the printed number and dates as the zone states them."""
    card = drawn("uto_passport")
    view, by = read(networks, on_a_table(card.front.image))
    reading = by.read(view)
    assert reading.document_type == "uto_passport"
    assert reading.mrz is not None
    assert reading.mrz.lines == card.mrz_lines
    for name in (FieldName.DATE_OF_BIRTH, FieldName.DATE_OF_EXPIRY, FieldName.SEX):
        assert reading.value(name, Zone.VIZ) == reading.value(name, Zone.MRZ)


def test_a_front_without_a_zone_is_known_by_its_labels(networks: LocalInference) -> None:
    """The identity card's zone is on its back, so its absence on the front is no fault."""
    card = drawn("uto_identity_card")
    view, by = read(networks, on_a_table(card.front.image))
    reading = by.read(view)
    assert reading.document_type == "uto_identity_card"
    assert reading.value(FieldName.DATE_OF_BIRTH, Zone.VIZ) == card.holder.date_of_birth.isoformat()
    assert Reason.MRZ_NOT_FOUND not in reading.reasons


def test_transcripts_have_the_shape_of_their_format() -> None:
    """Nineteen specimens, each with the rows and columns that its format prescribes."""
    specimens = tomllib.loads(TRANSCRIPTS.read_text(encoding="utf-8"))["specimen"]
    assert len({specimen["file"] for specimen in specimens}) == 19
    for specimen in specimens:
        layout = LAYOUTS[MrzFormat(specimen["format"])]
        assert len(specimen["lines"]) == layout.rows, specimen["file"]
        assert {len(line) for line in specimen["lines"]} == {layout.columns}, specimen["file"]


@pytest.mark.slow
def test_at_least_18_of_19_specimens_are_read_exactly(networks: LocalInference) -> None:
    """Against transcripts made by hand; Ñ, which is outside the MRZ alphabet, counts as N."""
    root = os.environ.get("IDV_DATA")
    if not root:
        pytest.skip("IDV_DATA is not set: the specimens are not part of the project")
    specimens = tomllib.loads(TRANSCRIPTS.read_text(encoding="utf-8"))["specimen"]
    exact = 0
    for specimen in specimens:
        stored = cv2.imread(str(Path(root) / "mrz_specimens" / specimen["file"]))
        assert stored is not None
        pixels = np.ascontiguousarray(stored[:, :, ::-1], np.uint8)
        image = DecodedImage(pixels, MediaType.JPEG, pixels.shape[1], pixels.shape[0])
        view, by = read(networks, image)
        zone = by.read(view).mrz
        exact += zone is not None and list(zone.lines) == [
            line.replace("Ñ", "N") for line in specimen["lines"]
        ]
    assert exact >= 18
