"""The forgery types: the species of attacks on documents, and who makes them."""

from enum import StrEnum


class ForgeryType(StrEnum):
    """What was done to a document; the label `species` of a forged item."""

    PORTRAIT_PASTED = "portrait_pasted"
    PORTRAIT_BLENDED = "portrait_blended"
    PORTRAIT_PRINTED_OVER = "portrait_printed_over"
    FACE_MORPH = "face_morph"
    TEXT_SAME_FONT = "text_same_font"
    TEXT_OTHER_FONT = "text_other_font"
    TEXT_INPAINTED = "text_inpainted"
    COPY_MOVE = "copy_move"
    SPLICE = "splice"
    MRZ_EDITED = "mrz_edited"
    MRZ_EDITED_REPAIRED = "mrz_edited_repaired"
    VIZ_MRZ_MISMATCH = "viz_mrz_mismatch"
    BARCODE_MISMATCH = "barcode_mismatch"
    TEMPLATE_FONT = "template_font"
    TEMPLATE_MOVED_FIELD = "template_moved_field"
    TEMPLATE_NO_GHOST = "template_no_ghost"
    EXPIRED = "expired"
    IMPOSSIBLE_DATES = "impossible_dates"
    SCREEN_RECAPTURE = "screen_recapture"
    PRINT_RECAPTURE = "print_recapture"
    GREY_COPY = "grey_copy"
    DIGITAL_COMPOSITE = "digital_composite"
    GENERATED_DOCUMENT = "generated_document"


DIGITAL = frozenset(
    {
        ForgeryType.PORTRAIT_PASTED,
        ForgeryType.PORTRAIT_BLENDED,
        ForgeryType.FACE_MORPH,
        ForgeryType.TEXT_SAME_FONT,
        ForgeryType.TEXT_OTHER_FONT,
        ForgeryType.TEXT_INPAINTED,
        ForgeryType.COPY_MOVE,
        ForgeryType.SPLICE,
    }
)
"""Made in the photograph of a genuine document: swaps, rewrites, splices."""


class Forger(StrEnum):
    """Which of the two implementations made it: training sees the first one's work only."""

    FIRST = "first"
    SECOND = "second"
