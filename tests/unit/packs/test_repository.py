"""The packs of this repository: locks and cards agree, and what is materialised does what the cards say."""

import os
from pathlib import Path

import numpy as np
import onnxruntime as ort
import platformdirs
import pytest

from idv.packs.cards import ModelCard, TensorCard, card_path, read_card
from idv.packs.inspection import check_against_card, inspect_onnx
from idv.packs.lock import LockedModel, SourceKind
from idv.packs.lock_files import packs, read_lock
from idv.packs.store import ModelStore, State

REPOSITORY = Path(__file__).resolve().parents[3] / "model_repository"
CACHE = Path(os.environ.get("IDV_MODEL_CACHE", Path(platformdirs.user_cache_dir("idv")) / "models"))
MODELS = [(pack, model) for pack in packs(REPOSITORY) for model in read_lock(REPOSITORY, pack).models]
NAMES = [f"{pack}-{model.name}" for pack, model in MODELS]
SIDES = {"height": 64, "width": 96, "cells_high": 4, "cells_wide": 6, "batch": 3}


def card(model: LockedModel) -> ModelCard:
    """The card of a locked model."""
    return read_card(card_path(REPOSITORY, model.name))


def test_the_three_packs_are_there() -> None:
    """The default pack, the one by URL and the one that a user brings."""
    assert {"open", "opencv-zoo", "insightface"} <= set(packs(REPOSITORY))


@pytest.mark.parametrize(("pack", "model"), MODELS, ids=NAMES)
def test_lock_and_card_say_the_same(pack: str, model: LockedModel) -> None:
    """Digest, size, licence and permitted use stand in both places and agree."""
    described = card(model)
    assert (described.name, described.sha256, described.size) == (model.name, model.sha256, model.size)
    assert (described.licence, described.commercial_use) == (model.licence, model.commercial_use)


@pytest.mark.parametrize("pack", packs(REPOSITORY))
def test_every_digest_is_locked_unless_a_user_brings_the_file(pack: str) -> None:
    """Only a folder may be trusted on first use, and then its licence must be accepted by name."""
    lock = read_lock(REPOSITORY, pack)
    for model in lock.models:
        if not model.sha256:
            assert lock.source(model).kind is SourceKind.FOLDER
            assert model.accept


def materialised(pack: str, model: LockedModel) -> bytes:
    """The model's bytes; skips loudly when it is not on this machine."""
    status = next(item for item in ModelStore(REPOSITORY, CACHE).verify(pack) if item.name == model.name)
    if status.state is State.MISSING:
        pytest.skip(f"{model.name} is not on this machine: run `idv models pull {pack}`")
    assert status.state is State.OK
    assert status.path is not None
    return status.path.read_bytes()


@pytest.mark.parametrize(("pack", "model"), MODELS, ids=NAMES)
def test_a_materialised_model_fits_its_card(pack: str, model: LockedModel) -> None:
    """Names, types and sizes of inputs and outputs, as declared in the file."""
    check_against_card(inspect_onnx(materialised(pack, model)), card(model))


@pytest.mark.parametrize(("pack", "model"), MODELS, ids=NAMES)
def test_a_materialised_model_gives_each_of_a_batch_what_it_gives_it_alone(
    pack: str, model: LockedModel
) -> None:
    """Dynamic batches are real: three inputs at once equal three runs, and outputs stay in range."""
    data, described = materialised(pack, model), card(model)
    if any(tensor.shape[0] != "batch" for tensor in described.inputs):
        pytest.skip(f"{model.name} has a fixed batch")
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    feed = {tensor.name: noise(tensor) for tensor in described.inputs}
    together = session.run(None, feed)
    for index in range(3):
        alone = session.run(None, {name: value[index : index + 1] for name, value in feed.items()})
        for one, all_, tensor in zip(alone, together, described.outputs, strict=True):
            np.testing.assert_allclose(all_[index], one[0], rtol=1e-3, atol=1e-4)
            assert len(all_.shape) == len(tensor.shape)
            if tensor.range:
                assert tensor.range[0] - 1e-5 <= all_.min()
                assert all_.max() <= tensor.range[1] + 1e-5


def noise(tensor: TensorCard) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Three samples inside the input's range."""
    shape = [SIDES.get(size, 96) if isinstance(size, str) else size for size in tensor.shape]
    low, high = tensor.range or (-1.0, 1.0)
    return np.random.default_rng(1).uniform(low, high, shape).astype(np.float32)
