"""The closed list of reasons a check or a decision can give, each with its kind and a sentence."""

from enum import StrEnum
from typing import Self


class ReasonKind(StrEnum):
    """What a reason says about the applicant: only `attack` and `mismatch` speak against them."""

    ATTACK = "attack"
    MISMATCH = "mismatch"
    QUALITY = "quality"
    USABILITY = "usability"
    TECHNICAL = "technical"


class Reason(StrEnum):
    """A stable code; `kind` steers the policy, `sentence` is shown to people."""

    kind: ReasonKind
    sentence: str

    def __new__(cls, code: str, kind: ReasonKind = ReasonKind.TECHNICAL, sentence: str = "") -> Self:
        """Make a member whose value is its code; the defaults let type checkers read `Reason(code)`."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.kind = kind
        member.sentence = sentence
        return member

    # attack
    PRESENTATION_ATTACK = (
        "presentation_attack",
        ReasonKind.ATTACK,
        "The selfie looks like a print or a screen held before the camera.",
    )
    DOCUMENT_RECAPTURE = (
        "document_recapture",
        ReasonKind.ATTACK,
        "The document looks photographed from a screen or a print.",
    )
    DOCUMENT_TAMPERED = ("document_tampered", ReasonKind.ATTACK, "Parts of the document look altered.")

    DOCUMENT_TEMPLATE_MISMATCH = (
        "document_template_mismatch",
        ReasonKind.ATTACK,
        "The document does not look like a document of its type.",
    )
    SOFTWARE_TRACE = (
        "software_trace",
        ReasonKind.ATTACK,
        "The file shows that software altered the picture after it was taken.",
    )

    # mismatch
    FACE_MISMATCH = ("face_mismatch", ReasonKind.MISMATCH, "The two faces do not belong to the same person.")
    NAME_MISMATCH = (
        "name_mismatch",
        ReasonKind.MISMATCH,
        "The name claimed is not the name on the document.",
    )
    DATE_OF_BIRTH_MISMATCH = (
        "date_of_birth_mismatch",
        ReasonKind.MISMATCH,
        "The date of birth claimed is not the one on the document.",
    )
    MRZ_CHECK_DIGIT_REFUTED = (
        "mrz_check_digit_refuted",
        ReasonKind.MISMATCH,
        "A check digit in the machine-readable zone is wrong.",
    )
    MRZ_VIZ_MISMATCH = (
        "mrz_viz_mismatch",
        ReasonKind.MISMATCH,
        "The machine-readable zone contradicts the printed fields.",
    )
    BARCODE_MISMATCH = (
        "barcode_mismatch",
        ReasonKind.MISMATCH,
        "The barcode contradicts the printed fields or the machine-readable zone.",
    )
    GHOST_PORTRAIT_MISMATCH = (
        "ghost_portrait_mismatch",
        ReasonKind.MISMATCH,
        "The portrait and its ghost image do not show the same picture.",
    )
    SIDES_MISMATCH = (
        "sides_mismatch",
        ReasonKind.MISMATCH,
        "The front and the back do not belong to the same document.",
    )
    DOCUMENT_EXPIRED = ("document_expired", ReasonKind.MISMATCH, "The document has expired.")
    DATE_IMPOSSIBLE = ("date_impossible", ReasonKind.MISMATCH, "A date on the document cannot be.")

    # quality
    NO_FACE = ("no_face", ReasonKind.QUALITY, "No face was found.")
    SEVERAL_FACES = ("several_faces", ReasonKind.QUALITY, "More than one face was found.")
    FACE_TOO_SMALL = ("face_too_small", ReasonKind.QUALITY, "The face is too small; move closer.")
    FACE_TURNED = ("face_turned", ReasonKind.QUALITY, "The face is turned too far; look at the camera.")
    FACE_BLURRED = ("face_blurred", ReasonKind.QUALITY, "The face is blurred; hold still.")
    FACE_EXPOSURE = ("face_exposure", ReasonKind.QUALITY, "The face is too dark or too bright.")
    FACE_OCCLUDED = (
        "face_occluded",
        ReasonKind.QUALITY,
        "Part of the face is covered or outside the picture.",
    )
    NO_DOCUMENT = ("no_document", ReasonKind.QUALITY, "No identity document was found in the picture.")
    NO_PORTRAIT = ("no_portrait", ReasonKind.QUALITY, "No portrait was found on the document.")
    DOCUMENT_CUT_OFF = (
        "document_cut_off",
        ReasonKind.QUALITY,
        "The document is not wholly inside the picture.",
    )
    DOCUMENT_BLURRED = ("document_blurred", ReasonKind.QUALITY, "The document is blurred; hold still.")
    DOCUMENT_TOO_SMALL = (
        "document_too_small",
        ReasonKind.QUALITY,
        "The document is too small in the picture; move closer.",
    )
    DOCUMENT_GLARE = (
        "document_glare",
        ReasonKind.QUALITY,
        "A reflection covers part of the document; tilt it a little.",
    )
    SEVERAL_DOCUMENTS = (
        "several_documents",
        ReasonKind.QUALITY,
        "More than one document is in the picture.",
    )
    DOCUMENT_TYPE_UNKNOWN = (
        "document_type_unknown",
        ReasonKind.QUALITY,
        "The document is of no type that is known here.",
    )
    AUTHENTICITY_UNCERTAIN = (
        "authenticity_uncertain",
        ReasonKind.QUALITY,
        "The picture does not show well enough whether the document is genuine.",
    )
    MRZ_NOT_FOUND = ("mrz_not_found", ReasonKind.QUALITY, "No machine-readable zone was found.")
    MRZ_UNREADABLE = (
        "mrz_unreadable",
        ReasonKind.QUALITY,
        "The machine-readable zone could not be read with certainty.",
    )
    FIELD_UNREADABLE = ("field_unreadable", ReasonKind.QUALITY, "A field that is needed could not be read.")
    PRESENTATION_UNCERTAIN = (
        "presentation_uncertain",
        ReasonKind.QUALITY,
        "The selfie does not show well enough whether a live person was before the camera.",
    )
    MATCH_UNCERTAIN = (
        "match_uncertain",
        ReasonKind.QUALITY,
        "The faces are neither alike nor different enough to say.",
    )
    MEDIA_UNDECODABLE = ("media_undecodable", ReasonKind.QUALITY, "The picture could not be opened.")

    # usability
    EVIDENCE_MISSING = (
        "evidence_missing",
        ReasonKind.USABILITY,
        "A picture or a field that is needed was not sent.",
    )
    GLANCE_ASIDE = ("glance_aside", ReasonKind.USABILITY, "The person looked aside for a moment.")
    TOO_MANY_ATTEMPTS = ("too_many_attempts", ReasonKind.USABILITY, "This applicant has tried too often.")

    # technical
    CHECK_ERROR = ("check_error", ReasonKind.TECHNICAL, "The check broke while it ran.")
    CHECK_MISSING = ("check_missing", ReasonKind.TECHNICAL, "A required check gave no result.")
    DEADLINE_EXCEEDED = ("deadline_exceeded", ReasonKind.TECHNICAL, "There was no time left for the check.")
    SCORE_NOT_FINITE = ("score_not_finite", ReasonKind.TECHNICAL, "The check gave no usable score.")
    RESULT_STALE = ("result_stale", ReasonKind.TECHNICAL, "The result of the check is too old.")
    OPERATING_POINT_MISMATCH = (
        "operating_point_mismatch",
        ReasonKind.TECHNICAL,
        "The threshold was made for other models than those loaded.",
    )
    NO_OPERATING_POINT = (
        "no_operating_point",
        ReasonKind.TECHNICAL,
        "No threshold with a pedigree exists for the check.",
    )
    AWAITING_PROVIDER = ("awaiting_provider", ReasonKind.TECHNICAL, "A provider has not answered yet.")
    PROVIDER_ANSWER_UNKNOWN = (
        "provider_answer_unknown",
        ReasonKind.TECHNICAL,
        "A provider or model answered something unknown.",
    )
