from pathlib import Path

import numpy as np
import pytest

from idv.domain.arrays import Array
from idv.domain.errors import ModelError
from idv.infra.inference.recorded import (
    RecordedInference,
    RecordingInference,
    StaticInference,
    input_digest,
)

A = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_the_digest_of_inputs_sees_names_types_shapes_and_values() -> None:
    """Inputs that differ in any of the four have different digests."""
    different: list[dict[str, Array]] = [
        {"a": A},
        {"b": A},
        {"a": A.astype(np.float64)},
        {"a": A.reshape(3, 2)},
        {"a": A + 1},
        {"a": A, "b": A},
    ]
    assert len({input_digest(inputs) for inputs in different}) == len(different)


def test_the_digest_of_inputs_ignores_order_and_memory_layout() -> None:
    """The same tensors in another order or stride are the same inputs."""
    assert input_digest({"a": A, "b": A.T}) == input_digest({"b": A.T.copy(), "a": np.asfortranarray(A)})


def test_a_recording_replays_without_the_model(tmp_path: Path) -> None:
    """Two calls recorded are two calls replayed, digests included."""
    inner = StaticInference({"m": {"y": A, "z": A[:1]}})
    recorder = RecordingInference(inner, tmp_path)
    recorder.infer("m", {"x": A})
    recorder.infer("m", {"x": A + 1})
    replay = RecordedInference(tmp_path)
    assert replay.digest("m") == inner.digest("m")
    np.testing.assert_array_equal(replay.infer("m", {"x": A + 1})["z"], A[:1])


def test_inputs_never_recorded_are_an_error(tmp_path: Path) -> None:
    """A replay does not guess."""
    RecordingInference(StaticInference({"m": {"y": A}}), tmp_path).infer("m", {"x": A})
    with pytest.raises(ModelError) as caught:
        RecordedInference(tmp_path).infer("m", {"x": A * 2})
    assert caught.value.code == "model_input_invalid"


def test_a_folder_without_a_recording_is_an_error(tmp_path: Path) -> None:
    """Replaying nothing is told at construction."""
    with pytest.raises(ModelError) as caught:
        RecordedInference(tmp_path)
    assert caught.value.code == "model_missing"
