"""What every implementation of `ports.Inference` must do, seen or unseen."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from idv.domain.errors import ModelError
from idv.domain.ports import Inference
from idv.infra.inference.local import LocalInference
from idv.infra.inference.recorded import RecordedInference, RecordingInference, StaticInference
from tests.unit.infra.inference.tiny_models import model_file, scaler

X = np.arange(8, dtype=np.float32).reshape(2, 4)
Build = Callable[[Path], Inference]


def _local(folder: Path) -> LocalInference:
    return LocalInference({"tiny": model_file(folder, scaler().SerializeToString())})


def _recording(folder: Path) -> RecordingInference:
    return RecordingInference(_local(folder), folder / "recording")


def _recorded(folder: Path) -> RecordedInference:
    _recording(folder).infer("tiny", {"x": X})
    return RecordedInference(folder / "recording")


def _static(folder: Path) -> StaticInference:
    return StaticInference({"tiny": {"y": X * 2}})


@pytest.fixture(params=[_local, _recording, _recorded, _static])
def inference(request: pytest.FixtureRequest, tmp_path: Path) -> Inference:
    """Each implementation in turn, holding a model `tiny` that doubles `x` into `y`."""
    build: Build = request.param
    return build(tmp_path)


def test_outputs_come_by_name(inference: Inference) -> None:
    """A model answers all its outputs by name, with values, type and shape."""
    outputs = inference.infer("tiny", {"x": X})
    assert list(outputs) == ["y"]
    assert outputs["y"].dtype == np.float32
    np.testing.assert_array_equal(outputs["y"], X * 2)


def test_the_answer_belongs_to_the_caller(inference: Inference) -> None:
    """Writing into an answer changes neither the next answer nor the input."""
    x = X.copy()
    inference.infer("tiny", {"x": x})["y"][:] = -1
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(inference.infer("tiny", {"x": x})["y"], X * 2)


def test_an_unknown_model_is_named_as_missing(inference: Inference) -> None:
    """Both methods answer an unknown name with the code `model_missing`."""
    with pytest.raises(ModelError) as running:
        inference.infer("absent", {"x": X})
    with pytest.raises(ModelError) as asking:
        inference.digest("absent")
    assert (running.value.code, asking.value.code) == ("model_missing", "model_missing")


def test_the_digest_is_a_stable_sha256(inference: Inference) -> None:
    """The digest is 64 lower-case hexadecimal digits and the same each time."""
    digest = inference.digest("tiny")
    assert len(bytes.fromhex(digest)) == 32
    assert digest == digest.lower() == inference.digest("tiny")


def test_threads_get_the_same_answers(inference: Inference) -> None:
    """Sixteen calls from four threads, the first ones racing to load, agree."""
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: inference.infer("tiny", {"x": X})["y"], range(16)))
    for answer in answers:
        np.testing.assert_array_equal(answer, X * 2)
