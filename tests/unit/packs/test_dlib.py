"""dlib's network against the same architecture written out in NumPy, with made-up weights."""

from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from idv.domain.errors import ModelError
from idv.packs.converters.dlib import convert_dlib

Array = np.ndarray[Any, Any]
STAGES = (
    *(("conv32_1", 32, 32), ("conv32_2", 32, 32), ("conv32_3", 32, 32)),
    *(("conv64_down", 32, 64), ("conv64_1", 64, 64), ("conv64_2", 64, 64), ("conv64_3", 64, 64)),
    *(("conv128_down", 64, 128), ("conv128_1", 128, 128), ("conv128_2", 128, 128)),
    *(("conv256_down", 128, 256), ("conv256_1", 256, 256), ("conv256_2", 256, 256)),
    ("conv256_down_out", 256, 256),
)


def tensors() -> dict[str, Array]:
    """Weights of the right shapes, small enough that values neither vanish nor explode."""
    rng = np.random.default_rng(3)
    made: dict[str, Array] = {"fc": rng.standard_normal((256, 128)) / 16}

    def layer(name: str, kernel: int, inputs: int, outputs: int) -> None:
        spread = np.sqrt(1.0 / (kernel * kernel * inputs))
        made[f"{name}/conv/filters"] = rng.standard_normal((kernel, kernel, inputs, outputs)) * spread
        for part in ("conv/bias", "scale/biases"):
            made[f"{name}/{part}"] = rng.standard_normal(outputs) / 10
        made[f"{name}/scale/weights"] = rng.uniform(0.5, 1.5, outputs)

    layer("conv32_down", 7, 3, 32)
    for block, inputs, outputs in STAGES:
        layer(f"{block}/conv1", 3, inputs, outputs)
        layer(f"{block}/conv2", 3, outputs, outputs)
    return {name: value.astype(np.float32) for name, value in made.items()}


def packed(values: dict[str, Array]) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """A weight manifest and its shard."""
    weights = [
        {"name": name, "shape": list(value.shape), "dtype": "float32"} for name, value in values.items()
    ]
    shard = b"".join(value.astype("<f4").tobytes() for value in values.values())
    return [{"paths": ["w.bin"], "weights": weights}], {"w.bin": shard}


def conv(image: Array, values: dict[str, Array], layer: str, *, stride: int, pad: int) -> Array:
    """Convolution, bias, scale, shift; one kernel tap at a time."""
    filters = values[f"{layer}/conv/filters"].astype(np.float64)
    wide = np.pad(image, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    size = filters.shape[0]
    side = (wide.shape[1] - size) // stride + 1
    last = stride * (side - 1) + 1
    out = np.zeros((len(image), side, side, filters.shape[3]))
    for row in range(size):
        for column in range(size):
            out += wide[:, row : row + last : stride, column : column + last : stride] @ filters[row, column]
    out += values[f"{layer}/conv/bias"]
    scaled: Array = out * values[f"{layer}/scale/weights"] + values[f"{layer}/scale/biases"]
    return scaled


def pooled(image: Array, size: int, reduce: Any) -> Array:
    """Windows of `size` every two px, without padding."""
    side = (image.shape[1] - size) // 2 + 1
    places = range(side)
    rows = [
        [reduce(image[:, 2 * y : 2 * y + size, 2 * x : 2 * x + size], axis=(1, 2)) for x in places]
        for y in places
    ]
    return np.stack([np.stack(row, axis=1) for row in rows], axis=1)


def block(image: Array, values: dict[str, Array], name: str) -> Array:
    """One residual block, halving or not."""
    down = "down" in name
    inner = np.maximum(conv(image, values, f"{name}/conv1", stride=2 if down else 1, pad=0 if down else 1), 0)
    outer = conv(inner, values, f"{name}/conv2", stride=1, pad=1)
    shortcut = pooled(image, 2, np.mean) if down else image
    edge = shortcut.shape[1] - outer.shape[1]
    outer = np.pad(outer, ((0, 0), (0, edge), (0, edge), (0, 0)))
    more = outer.shape[3] - shortcut.shape[3]
    result: Array = np.maximum(outer + np.pad(shortcut, ((0, 0), (0, 0), (0, 0), (0, more))), 0)
    return result


def embedding(image: Array, values: dict[str, Array]) -> Array:
    """The whole network."""
    out = np.maximum(conv(image, values, "conv32_down", stride=2, pad=0), 0)
    out = pooled(out, 3, np.max)
    for name, _, _ in STAGES:
        out = block(out, values, name)
    result: Array = out.mean(axis=(1, 2)) @ values["fc"]
    return result


def test_the_network_agrees_with_numpy_for_a_batch() -> None:
    """All 29 convolutions, shortcuts with zero channels and those that grow are where dlib has them."""
    values = tensors()
    image = np.random.default_rng(4).uniform(-0.5, 0.5, (2, 150, 150, 3)).astype(np.float32)
    session = ort.InferenceSession(convert_dlib(*packed(values)), providers=["CPUExecutionProvider"])
    actual = session.run(None, {"image": np.ascontiguousarray(image.transpose(0, 3, 1, 2))})[0]
    expected = embedding(image, values)
    assert actual.shape == (2, 128)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_the_same_weights_give_the_same_bytes() -> None:
    """The digest depends on the weights alone."""
    values = tensors()
    assert convert_dlib(*packed(values)) == convert_dlib(*packed(values))


def test_a_missing_layer_is_named() -> None:
    """Another network's manifest is refused, with the first tensor it lacks."""
    values = {name: value for name, value in tensors().items() if not name.startswith("conv128_2/")}
    with pytest.raises(ModelError, match="conv128_2/conv1/conv/filters") as caught:
        convert_dlib(*packed(values))
    assert caught.value.code == "model_source_malformed"
