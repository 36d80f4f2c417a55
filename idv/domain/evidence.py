"""Evidence: what was uploaded or observed, before anybody looked at it."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property


class ImageRole(StrEnum):
    """The part an uploaded image plays; `reference` and `probe` are two faces to compare as they are."""

    DOCUMENT_FRONT = "document_front"
    DOCUMENT_BACK = "document_back"
    SELFIE = "selfie"
    REFERENCE = "reference"
    PROBE = "probe"

    @property
    def is_document(self) -> bool:
        """Whether the image should show an identity document."""
        return self in (ImageRole.DOCUMENT_FRONT, ImageRole.DOCUMENT_BACK)


@dataclass(frozen=True)
class EncodedImage:
    """The bytes as they came, never decoded, never shown in a repr."""

    data: bytes = field(repr=False)

    @cached_property
    def sha256(self) -> str:
        """Lower-case hexadecimal SHA-256 of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class ClaimedIdentity:
    """What the applicant says of themselves; personal data, so never shown in a repr."""

    given_names: str | None = field(default=None, repr=False)
    surname: str | None = field(default=None, repr=False)
    full_name: str | None = field(default=None, repr=False)
    date_of_birth: dt.date | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Evidence:
    """Everything one verification may judge."""

    images: Mapping[ImageRole, EncodedImage]
    claimed: ClaimedIdentity | None = None
