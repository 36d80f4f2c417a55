import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from idv.domain.errors import ModelError
from idv.packs.archives import read_members
from idv.packs.lock import CommercialUse, LockedModel, Recipe, RecipeKind, RecipeOutput, Source, SourceKind
from idv.packs.recipes import make_onnx


def model(recipe: Recipe, *members: str) -> LockedModel:
    """A model that comes about by this recipe."""
    return LockedModel("m", "s", members, "MIT", CommercialUse.YES, recipe)


def test_an_unchanged_network_keeps_every_byte(network: Callable[..., bytes]) -> None:
    """So its digest is that of the published file."""
    data = network(1)
    assert make_onnx(model(Recipe(), "a.onnx"), {"a.onnx": data}) == data


def test_an_unchanged_network_is_inspected() -> None:
    """What inspection refuses is refused on the way in, also from a pinned package."""
    with pytest.raises(ModelError) as caught:
        make_onnx(model(Recipe(), "a.onnx"), {"a.onnx": b"nothing"})
    assert caught.value.code == "model_onnx_invalid"


def crossed() -> bytes:
    """A network whose inner tensor already has the name that the output is to get."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2]) for name in ("0", "9")]
    nodes = [helper.make_node("Mul", ["0", "w"], ["y"]), helper.make_node("Neg", ["y"], ["9"])]
    weights = [numpy_helper.from_array(np.array([2, 3], np.float32), "w")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], initializer=weights)
    data: bytes = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
    return data


def test_renaming_makes_way_for_names_that_are_taken() -> None:
    """The values stay the same when an inner tensor has the wanted name."""
    recipe = Recipe(RecipeKind.RENAMED, "x", (RecipeOutput("y"),))
    data = make_onnx(model(recipe, "a.onnx"), {"a.onnx": crossed()})
    onnx.checker.check_model(data)
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    result = session.run(["y"], {"x": np.array([[1, 1]], np.float32)})[0]
    np.testing.assert_array_equal(result, [[-2, -3]])


def test_renaming_refuses_another_number_of_outputs() -> None:
    """A file with other tensors is another network."""
    recipe = Recipe(RecipeKind.RENAMED, "x", (RecipeOutput("y"), RecipeOutput("z")))
    with pytest.raises(ModelError, match="expected 1 and 2"):
        make_onnx(model(recipe, "a.onnx"), {"a.onnx": crossed()})


@pytest.mark.parametrize("kind", [RecipeKind.TFJS, RecipeKind.DLIB])
def test_a_description_that_is_no_json_is_refused(kind: RecipeKind) -> None:
    """A package that changed its layout gives an error, not a traceback."""
    recipe = Recipe(kind, "x", (RecipeOutput("y", ("n",)),))
    with pytest.raises(ModelError) as caught:
        make_onnx(model(recipe, "a.json", "a.bin"), {"a.json": b"\xff", "a.bin": b""})
    assert caught.value.code == "model_source_malformed"


@pytest.mark.parametrize("kind", [SourceKind.PYPI, SourceKind.NPM])
def test_members_are_read_from_both_kinds_of_archive(
    tmp_path: Path, kind: SourceKind, archives: Mapping[SourceKind, Callable[..., bytes]]
) -> None:
    """Only what was asked for is read, in whatever order the archive has it."""
    path = tmp_path / "archive"
    path.write_bytes(archives[kind]({"a/b": b"1", "c": b"2", "d": b"3"}))
    source = Source("s", kind, package="p", version="1")
    assert read_members(source, path, ["d", "a/b"]) == {"d": b"3", "a/b": b"1"}
    for broken in (["d", "nowhere"], ["../c"]):
        with pytest.raises(ModelError) as caught:
            read_members(source, path, broken)
        assert caught.value.code == "model_source_malformed"


@pytest.mark.parametrize("kind", [SourceKind.PYPI, SourceKind.NPM])
def test_a_broken_archive_is_malformed(
    tmp_path: Path, kind: SourceKind, archives: Mapping[SourceKind, Callable[..., bytes]]
) -> None:
    """A truncated package is named as such."""
    path = tmp_path / "archive"
    path.write_bytes(archives[kind]({"a": bytes(5000)})[:40])
    with pytest.raises(ModelError) as caught:
        read_members(Source("s", kind, package="p", version="1"), path, ["a"])
    assert caught.value.code == "model_source_malformed"


def test_a_graph_model_is_converted_by_the_lock_alone() -> None:
    """Members, input and outputs of the recipe are all that the converter needs."""
    dims = [{"size": str(size)} for size in (-1, 2, 2, 1)]
    nodes = [
        {"op": "Placeholder", "name": "in", "attr": {"shape": {"shape": {"dim": dims}}}},
        {"op": "Const", "name": "bias", "attr": {}},
        {"op": "Add", "name": "sum", "input": ["in", "bias"], "attr": {}},
    ]
    manifest = [{"paths": ["m.bin"], "weights": [{"name": "bias", "shape": [1], "dtype": "float32"}]}]
    description = json.dumps({"modelTopology": {"node": nodes}, "weightsManifest": manifest}).encode()
    recipe = Recipe(RecipeKind.TFJS, "image", (RecipeOutput("rows", ("sum",), shape=(4,)),))
    members = {"deep/m.json": description, "deep/m.bin": np.array([3], "<f4").tobytes()}
    session = ort.InferenceSession(
        make_onnx(model(recipe, *members), members), providers=["CPUExecutionProvider"]
    )
    image = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)
    np.testing.assert_array_equal(session.run(["rows"], {"image": image})[0], [[3, 4, 5, 6]])
