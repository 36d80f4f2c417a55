import dataclasses
import threading
from pathlib import Path

import numpy as np
import pytest

from idv.domain.arrays import Array
from idv.domain.errors import ModelError
from idv.domain.models import Device, ModelFile, SessionOptions
from idv.infra.inference.local import LocalInference, require_provider
from tests.unit.infra.inference.tiny_models import branching, model_file, move_outside, scaler

X = np.ones((1, 4), np.float32)
DENORMAL = np.full((1, 4), 1e-40, np.float32)


def _code_of_loading(file: ModelFile, *, device: Device = Device.CPU) -> str:
    with pytest.raises(ModelError) as caught:
        LocalInference({"tiny": file}, device=device).warm_up()
    return caught.value.code


def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    """One changed byte on disk is a digest mismatch, not a different model."""
    file = model_file(tmp_path, scaler().SerializeToString())
    file.path.write_bytes(scaler(factor=3.0).SerializeToString())
    assert _code_of_loading(file) == "model_digest_mismatch"


def test_an_absent_file_is_missing_for_loading_and_for_its_digest(tmp_path: Path) -> None:
    """A pack that was not pulled is told as such by both methods."""
    file = dataclasses.replace(model_file(tmp_path, b""), path=tmp_path / "nowhere.onnx")
    assert _code_of_loading(file) == "model_missing"
    with pytest.raises(ModelError) as caught:
        LocalInference({"tiny": file}).digest("tiny")
    assert caught.value.code == "model_missing"


@pytest.mark.parametrize("content", [b"", b"no model", scaler().SerializeToString()[:-20]])
def test_what_is_no_model_is_unloadable(tmp_path: Path, content: bytes) -> None:
    """Empty, foreign and truncated files with the right digest are refused with one code."""
    assert _code_of_loading(model_file(tmp_path, content)) == "model_unloadable"


@pytest.mark.parametrize("optimisation", ["all", "none"])
@pytest.mark.parametrize("location", ["weights.bin", "../weights.bin", "*/_ORT_MEM_ADDR_/*"])
def test_values_outside_the_file_are_refused(tmp_path: Path, location: str, optimisation: str) -> None:
    """External data is refused at every optimisation level, though the file it names exists."""
    (tmp_path / "weights.bin").write_bytes(bytes(16))
    model = scaler()
    move_outside(model.graph.initializer[0], location=location)
    options = SessionOptions(graph_optimisation=optimisation)
    file = model_file(tmp_path, model.SerializeToString(), options=options)
    assert _code_of_loading(file) == "model_unloadable"


def test_values_outside_the_file_are_refused_inside_a_branch(tmp_path: Path) -> None:
    """A constant in the body of an `If` cannot smuggle external data in."""
    tensor = scaler().graph.initializer[0]
    inside = model_file(tmp_path, branching(tensor).SerializeToString(), name="inside")
    LocalInference({"tiny": inside}).warm_up()
    outside = branching(move_outside(tensor, location="weights.bin"))
    assert _code_of_loading(model_file(tmp_path, outside.SerializeToString())) == "model_unloadable"


def test_operators_of_an_unknown_domain_are_refused(tmp_path: Path) -> None:
    """A custom operator cannot be loaded: no library of them is ever registered."""
    file = model_file(tmp_path, scaler(domain="com.example").SerializeToString())
    assert _code_of_loading(file) == "model_unloadable"


def test_an_unknown_optimisation_level_is_refused(tmp_path: Path) -> None:
    """A misspelt option is an error, not a default."""
    options = SessionOptions(graph_optimisation="al")
    file = model_file(tmp_path, scaler().SerializeToString(), options=options)
    assert _code_of_loading(file) == "model_unloadable"


@pytest.mark.parametrize("optimisation", ["none", "basic", "extended", "all"])
def test_every_optimisation_level_computes_the_same(tmp_path: Path, optimisation: str) -> None:
    """The level changes speed only."""
    options = SessionOptions(graph_optimisation=optimisation, intra_op_threads=2, arena=False)
    file = model_file(tmp_path, scaler().SerializeToString(), options=options)
    np.testing.assert_array_equal(LocalInference({"tiny": file}).infer("tiny", {"x": X})["y"], X * 2)


def test_asking_for_an_absent_device_is_an_error() -> None:
    """A provider that the runtime or the finished session does not list is never replaced by the CPU."""
    with pytest.raises(ModelError) as caught:
        require_provider("CUDAExecutionProvider", ["CPUExecutionProvider"])
    assert caught.value.code == "model_device_missing"
    require_provider("CPUExecutionProvider", ["CPUExecutionProvider"])


@pytest.mark.parametrize("device", [Device.CUDA, Device.TENSORRT])
def test_a_gpu_is_not_silently_a_cpu(tmp_path: Path, device: Device) -> None:
    """Loading for a GPU on a machine without one fails."""
    file = model_file(tmp_path, scaler().SerializeToString())
    assert _code_of_loading(file, device=device) == "model_device_missing"


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"z": X},
        {"x": X, "z": X},
        {"x": X.astype(np.float64)},
        {"x": np.ones((1, 5), np.float32)},
        {"x": np.ones(4, np.float32)},
    ],
)
def test_inputs_that_do_not_fit_are_named(tmp_path: Path, inputs: dict[str, Array]) -> None:
    """Wrong names, types and shapes are one code, and the next call works."""
    inference = LocalInference({"tiny": model_file(tmp_path, scaler().SerializeToString())})
    with pytest.raises(ModelError) as caught:
        inference.infer("tiny", inputs)
    assert caught.value.code == "model_input_invalid"
    np.testing.assert_array_equal(inference.infer("tiny", {"x": X})["y"], X * 2)


def test_models_are_loaded_on_first_use_only(tmp_path: Path) -> None:
    """A broken model beside a good one hurts nobody who does not ask for it; `warm_up` asks for all."""
    good = model_file(tmp_path, scaler().SerializeToString(), name="good")
    bad = model_file(tmp_path, b"no model", name="bad")
    inference = LocalInference({"good": good, "bad": bad})
    inference.infer("good", {"x": X})
    with pytest.raises(ModelError):
        inference.warm_up()


def test_a_loaded_model_no_longer_needs_its_file(tmp_path: Path) -> None:
    """The session holds the verified bytes: what happens to the file later does not matter."""
    file = model_file(tmp_path, scaler().SerializeToString())
    inference = LocalInference({"tiny": file})
    inference.warm_up()
    file.path.write_bytes(b"altered")
    np.testing.assert_array_equal(inference.infer("tiny", {"x": X})["y"], X * 2)


@pytest.mark.parametrize(
    ("options", "expected"),
    [(SessionOptions(flush_denormals=True), 0.0), (SessionOptions(flush_denormals=False), 2e-40)],
)
def test_denormals_are_flushed_on_every_thread_and_only_inside(
    tmp_path: Path, options: SessionOptions, expected: float
) -> None:
    """A thread older than the session flushes as its option says, and computes denormals again after."""
    file = model_file(tmp_path, scaler().SerializeToString(), options=options)
    inference = LocalInference({"tiny": file})
    loaded, seen = threading.Event(), []

    def work() -> None:
        loaded.wait()
        seen.append(inference.infer("tiny", {"x": DENORMAL})["y"])
        seen.append(DENORMAL * np.float32(1))

    thread = threading.Thread(target=work)
    thread.start()
    inference.warm_up()
    loaded.set()
    thread.join()
    np.testing.assert_allclose(seen[0], np.full((1, 4), expected), rtol=1e-3)
    np.testing.assert_array_equal(seen[1], DENORMAL)
    np.testing.assert_array_equal(DENORMAL * np.float32(1), DENORMAL)


def test_metadata_come_out_of_the_verified_file(tmp_path: Path) -> None:
    """Key-value pairs of the ONNX file, and `model_missing` for a model that is not there."""
    model = scaler()
    model.metadata_props.add(key="character", value="A\nB")
    inference = LocalInference({"tiny": model_file(tmp_path, model.SerializeToString())})
    assert inference.metadata("tiny") == {"character": "A\nB"}
    with pytest.raises(ModelError) as caught:
        inference.metadata("absent")
    assert caught.value.code == "model_missing"
