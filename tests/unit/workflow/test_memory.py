"""Facts about private bytes: what perception saw comes back exactly, without pickle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.documents import (
    DigitState,
    DocumentReading,
    FieldName,
    FieldReading,
    MrzFormat,
    MrzReading,
    Zone,
)
from idv.domain.evidence import ClaimedIdentity, ImageRole
from idv.domain.faces import FaceTemplate
from idv.domain.reasons import Reason
from idv.domain.stores import Remembered
from idv.workflow.memory import from_private, to_private

FIELDS = st.builds(
    FieldReading, st.sampled_from(FieldName), st.text(max_size=20), st.sampled_from(Zone), st.floats(0, 1)
)
MRZ = st.builds(
    MrzReading,
    st.sampled_from(MrzFormat),
    st.tuples(st.text(max_size=44), st.text(max_size=44)),
    st.dictionaries(st.sampled_from(FieldName), st.text(max_size=20)),
    st.dictionaries(st.text(max_size=9), st.sampled_from(DigitState)),
    st.integers(0, 9),
)
READINGS = st.builds(
    DocumentReading,
    document_type=st.none() | st.text(max_size=9),
    mrz=st.none() | MRZ,
    fields=st.lists(FIELDS, max_size=3).map(tuple),
    barcodes=st.lists(st.binary(max_size=30), max_size=2).map(tuple),
    reasons=st.lists(st.sampled_from(list(Reason)), max_size=2).map(tuple),
)


@given(st.dictionaries(st.sampled_from(ImageRole), READINGS, max_size=2))
def test_readings_survive_the_vault(readings: dict[ImageRole, DocumentReading]) -> None:
    """Any reading comes back equal from its bytes."""
    assert from_private(to_private(Remembered(readings=readings))).readings == readings


@given(
    st.builds(
        ClaimedIdentity,
        st.none() | st.text(max_size=9),
        st.none() | st.text(max_size=9),
        st.none() | st.text(max_size=9),
        st.none() | st.dates(),
    )
)
def test_a_claim_survives_the_vault(claimed: ClaimedIdentity) -> None:
    """Names and date of birth come back as they were claimed; no claim comes back as none."""
    assert from_private(to_private(Remembered(claimed=claimed))).claimed == claimed
    assert from_private(to_private(Remembered())).claimed is None


def test_templates_survive_the_vault_bit_for_bit() -> None:
    """Vectors keep their order, names and every bit; kept images are passed over."""
    template = FaceTemplate((("b", np.array([0.1, -2], np.float32)), ("a", np.array([3e-8], np.float32))))
    blobs = to_private(Remembered(templates={ImageRole.SELFIE: template}))
    back = from_private(blobs | {"image.selfie": b"jpeg"}).templates[ImageRole.SELFIE]
    assert [name for name, _ in back.vectors] == ["b", "a"]
    for (_, then), (_, now) in zip(template.vectors, back.vectors, strict=True):
        np.testing.assert_array_equal(then, now)


def test_pickled_bytes_are_refused() -> None:
    """A blob that would have to be unpickled raises instead."""
    with pytest.raises((ValueError, OSError)):
        from_private({"template.selfie": b"\x80\x04N."})
