"""The ports: what the inside asks of the outside, and what every judge of evidence looks like."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from idv.domain.arrays import Array
from idv.domain.documents import DocumentReading, DocumentView
from idv.domain.evidence import Evidence, ImageRole
from idv.domain.faces import Acquired, Face, FaceTemplate, SubjectFace
from idv.domain.images import DecodedImage
from idv.domain.results import CheckName, CheckResult
from idv.domain.stores import Remembered


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> dt.datetime:
        """Wall-clock time, timezone-aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never going back; deadlines are expressed in it."""
        ...


class Inference(Protocol):
    """Runs a model by name. Implementations are thread-safe."""

    def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run `model` on named tensors; returns its named outputs. Raises ModelError."""
        ...

    def digest(self, model: str) -> str:
        """SHA-256 of the ONNX file behind `model`. Raises ModelError when it is absent."""
        ...


class ImageDecoder(Protocol):
    """Turns hostile bytes into pixels within limits. Implementations are thread-safe."""

    def decode(self, data: bytes, *, max_side_px: int | None = None) -> DecodedImage:
        """Decode, apply EXIF orientation; at reduced scale when `max_side_px` allows it.

        The result's longer side may exceed `max_side_px` by less than a factor of two.
        Raises MediaError with the named fault.
        """
        ...


class Perception(Protocol):
    """What several checks see in the evidence; each thing is computed once, on first use, then shared.

    Every method raises MediaError when the image cannot be decoded and KeyError when it was not sent.
    """

    def image(self, role: ImageRole) -> DecodedImage:
        """The decoded image."""
        ...

    def faces(self, role: ImageRole) -> tuple[Face, ...]:
        """All faces in the whole image, largest first."""
        ...

    def subject(self, role: ImageRole) -> SubjectFace:
        """The one face the image is about; for a document, the portrait on its rectified view."""
        ...

    def template(self, role: ImageRole) -> FaceTemplate:
        """The subject's template. Raises ValueError when there is no subject."""
        ...

    def document(self, role: ImageRole) -> DocumentView | None:
        """The document laid flat, or None when there is none."""
        ...

    def reading(self, role: ImageRole) -> DocumentReading:
        """What was read from the document."""
        ...

    @property
    def stage_ms(self) -> Mapping[str, float]:
        """Wall-clock time spent so far by stage, in ms; a stage's time includes no other stage's."""
        ...


class Perceiver(Protocol):
    """Starts perception of some evidence; nothing is computed before it is asked for."""

    def perceive(self, evidence: Evidence, remembered: Remembered | None = None) -> Perception:
        """Perception over the evidence; templates and readings of images not sent come from `remembered`."""
        ...


class Check(Protocol):
    """A judgement over evidence: an own model, a vendor, or a router over checks.

    `judge` is synchronous and thread-safe. It answers `inconclusive` with a reason where it cannot say;
    what it raises all the same, the runner turns into `inconclusive` with a technical reason.
    """

    @property
    def name(self) -> CheckName:
        """Which judgement this is."""
        ...

    @property
    def provider(self) -> str:
        """Who judges: the pack's name for own models, the vendor's name otherwise."""
        ...

    @property
    def digest(self) -> str:
        """The check digest: over all models, preprocessing and calibration behind the score."""
        ...

    def judge(self, evidence: Evidence, context: Perception, *, deadline: float) -> CheckResult:
        """Judge the evidence before `deadline` (seconds of Clock.monotonic)."""
        ...


class PreparedTemplates(Protocol):
    """Templates made ready for many comparisons; a position is where a template stood when it was given.

    A score is what `judge` gives for the same two templates, up to the order in which sums are rounded.
    """

    def across(self, rows: NDArray[np.int32], columns: NDArray[np.int32]) -> NDArray[np.float64]:
        """Scores (len(rows), len(columns)) of every row with every column."""
        ...

    def along(self, rows: NDArray[np.int32], columns: NDArray[np.int32]) -> NDArray[np.float64]:
        """Scores (N,) of rows[i] with columns[i]."""
        ...


@runtime_checkable
class TemplateCheck(Check, Protocol):
    """A check whose score compares two templates: many comparisons cost one template an image."""

    def acquire(
        self, role: ImageRole, evidence: Evidence, context: Perception, *, deadline: float
    ) -> Acquired:
        """The template of one image, as `judge` would use it. Raises DeadlineExceeded, ModelError."""
        ...

    def prepare(self, templates: Sequence[FaceTemplate]) -> PreparedTemplates:
        """Make templates ready for comparing. Raises ValueError when one lacks a model."""
        ...
