import numpy as np
import pytest

from idv.domain.errors import ModelError
from idv.packs.converters.weights import read_weights


def entry(name: str, shape: list[int], dtype: str = "float32") -> dict[str, object]:
    """One tensor of a manifest, stored as it is."""
    return {"name": name, "shape": shape, "dtype": dtype}


def quantised(name: str, shape: list[int], stored: str, **numbers: float) -> dict[str, object]:
    """One float32 tensor of a manifest, stored smaller."""
    return {**entry(name, shape), "quantization": {"dtype": stored, **numbers}}


def test_tensors_follow_each_other_across_shards() -> None:
    """A tensor may begin in one shard and end in the next."""
    values = np.arange(6, dtype="<f4")
    data = values.tobytes() + np.array([7, 8], "<i4").tobytes()
    manifest = [{"paths": ["a", "b"], "weights": [entry("x", [2, 3]), entry("n", [2], "int32")]}]
    tensors = read_weights(manifest, {"a": data[:10], "b": data[10:]})
    np.testing.assert_array_equal(tensors["x"], values.reshape(2, 3))
    np.testing.assert_array_equal(tensors["n"], [7, 8])
    assert tensors["n"].dtype == np.int32


@pytest.mark.parametrize(("dtype", "stored"), [("uint8", "|u1"), ("uint16", "<u2")])
def test_integers_are_scaled_and_shifted(dtype: str, stored: str) -> None:
    """Quantised weights are value × scale + min, in float32."""
    manifest = [{"paths": ["a"], "weights": [quantised("x", [3], dtype, scale=0.5, min=-1.0)]}]
    tensors = read_weights(manifest, {"a": np.array([0, 1, 200], stored).tobytes()})
    np.testing.assert_array_equal(tensors["x"], np.array([-1.0, -0.5, 99.0], np.float32))


def test_half_precision_is_widened() -> None:
    """Weights stored as float16 come back as the same numbers in float32."""
    manifest = [{"paths": ["a"], "weights": [quantised("x", [2], "float16")]}]
    tensors = read_weights(manifest, {"a": np.array([0.1, -3], "<f2").tobytes()})
    assert tensors["x"].dtype == np.float32
    np.testing.assert_array_equal(tensors["x"], np.array([0.1, -3], np.float16).astype(np.float32))


@pytest.mark.parametrize("size", [7, 9, 0])
def test_missing_and_left_over_bytes_are_refused(size: int) -> None:
    """A truncated shard and one with a tail are malformed, not read as far as possible."""
    manifest = [{"paths": ["a"], "weights": [entry("x", [2])]}]
    with pytest.raises(ModelError, match=r"tensor x|no name") as caught:
        read_weights(manifest, {"a": bytes(size)})
    assert caught.value.code == "model_source_malformed"


def test_a_missing_shard_is_named() -> None:
    """The error says which file is absent."""
    with pytest.raises(ModelError, match=r"gone\.bin"):
        read_weights([{"paths": ["gone.bin"], "weights": []}], {})


def test_an_unknown_dtype_is_refused() -> None:
    """Strings and complex numbers have no place in a network."""
    with pytest.raises(ModelError, match="complex64"):
        read_weights([{"paths": ["a"], "weights": [entry("x", [1], "complex64")]}], {"a": bytes(8)})
