"""Facts about laying models over a pack's."""

import hashlib
from pathlib import Path

import pytest

from idv.bootstrap import laid_over
from idv.domain.errors import ModelError
from idv.domain.models import ModelFile, SessionOptions


def pack(folder: Path) -> dict[str, ModelFile]:
    """Two models, the second with options of its own."""
    options = SessionOptions(arena=False)
    return {
        "pad": ModelFile("pad", folder / "pad.onnx", "1" * 64),
        "rec": ModelFile("rec", folder / "rec.onnx", "2" * 64, options),
    }


def put(folder: Path, model: str, data: bytes) -> None:
    """A file where an overlay has it."""
    (folder / model / "1").mkdir(parents=True)
    (folder / model / "1" / "model.onnx").write_bytes(data)


def test_a_file_stands_in_for_the_model_of_its_name(tmp_path: Path) -> None:
    """Its digest is that of its bytes, its session options are the card's; other models stay."""
    put(tmp_path, "rec", b"weaker")
    laid = laid_over(pack(tmp_path), tmp_path)
    assert laid["rec"].sha256 == hashlib.sha256(b"weaker").hexdigest()
    assert laid["rec"].path.read_bytes() == b"weaker"
    assert laid["rec"].options == SessionOptions(arena=False)
    assert laid["pad"] == pack(tmp_path)["pad"]


@pytest.mark.parametrize("model", [None, "unheard-of"])
def test_a_folder_without_a_known_model_is_refused(tmp_path: Path, model: str | None) -> None:
    """A misspelt name would measure the pack itself and say nothing."""
    if model:
        put(tmp_path, model, b"x")
    with pytest.raises(ModelError) as refused:
        laid_over(pack(tmp_path), tmp_path)
    assert refused.value.code == "model_overlay_invalid"
