"""Triton's configurations: made from the cards, readable by protobuf, true to the networks."""

from dataclasses import replace
from pathlib import Path

import pytest
from google.protobuf import text_format  # type: ignore[import-untyped]  # no stubs

from idv.domain.errors import ModelError
from idv.domain.models import ModelFile, SessionOptions
from idv.packs.cards import Dtype, Layout, ModelCard, TensorCard, card_path, read_card
from idv.packs.inspection import TensorInfo, inspect_onnx
from idv.packs.lock import LockedModel
from idv.packs.triton import MAX_BATCH, config_path, export, is_batched, triton_config, write_configs
from tests.unit.packs.model_config import parsed
from tests.unit.packs.test_repository import MODELS, NAMES, REPOSITORY, card, materialised

EVERY = sorted({model.name for _, model in MODELS})
TYPES = {"TYPE_FP32": "float32", "TYPE_FP16": "float16", "TYPE_UINT8": "uint8", "TYPE_INT64": "int64"}


def named(name: str) -> ModelCard:
    """The card of a model of this repository."""
    return read_card(card_path(REPOSITORY, name))


@pytest.mark.parametrize("name", EVERY)
def test_the_committed_configuration_is_the_cards(name: str) -> None:
    """Nobody edits it by hand, and nobody forgets to write it again (`idv models config`)."""
    assert config_path(REPOSITORY, name).read_text() == triton_config(named(name))


@pytest.mark.parametrize("name", EVERY)
def test_protobuf_reads_every_configuration(name: str) -> None:
    """Names and types of fields are Triton's; the session options are the card's."""
    described, config = named(name), parsed(config_path(REPOSITORY, name).read_text())
    assert (config.name, config.platform) == (name, "onnxruntime_onnx")
    assert config.parameters["intra_op_thread_count"].string_value == str(described.session.intra_op_threads)
    assert config.HasField("dynamic_batching") is (config.max_batch_size > 0) is is_batched(described)


@pytest.mark.parametrize(("pack", "model"), MODELS, ids=NAMES)
def test_a_configuration_fits_the_network_itself(pack: str, model: LockedModel) -> None:
    """Every name, type and size that the ONNX graph states stands in the configuration alike."""
    network = inspect_onnx(materialised(pack, model))
    config = parsed(config_path(REPOSITORY, model.name).read_text())
    batch = (-1,) if config.max_batch_size else ()
    for told, found in ((config.input, network.inputs), (config.output, network.outputs)):
        assert [tensor.name for tensor in told] == [tensor.name for tensor in found]
        for tensor, actual in zip(told, found, strict=True):
            assert TYPES[_TYPE_NAMES[tensor.data_type]] == actual.dtype
            assert _agree((*batch, *tensor.dims), actual)
    if batch:
        assert all(tensor.shape[0] is None for tensor in network.inputs), "the graph fixes its batch"


_TYPE_NAMES = {2: "TYPE_UINT8", 9: "TYPE_INT64", 10: "TYPE_FP16", 11: "TYPE_FP32"}


def _agree(dims: tuple[int, ...], actual: TensorInfo) -> bool:
    """Equal rank, and equal sizes wherever both state one."""
    return len(dims) == len(actual.shape) and all(
        size is None or told in (-1, size) for told, size in zip(dims, actual.shape, strict=True)
    )


def test_a_batch_is_triton_s_to_add_and_other_free_sizes_are_minus_one() -> None:
    """With a dynamic batch the first dimension is left out; a free width is -1."""
    config = parsed(triton_config(named("ppocr_rec")))
    assert config.max_batch_size == MAX_BATCH
    assert list(config.input[0].dims) == [3, 48, -1]
    assert list(config.output[0].dims) == [-1, 18710]


def test_a_fixed_batch_is_part_of_the_shape() -> None:
    """YuNet takes one image: whole shapes, no batching."""
    config = parsed(triton_config(named("yunet")))
    assert (config.max_batch_size, config.HasField("dynamic_batching")) == (0, False)
    assert list(config.input[0].dims) == [1, 3, 640, 640]


def test_outputs_that_mix_the_rows_of_a_batch_forbid_batching() -> None:
    """SCRFD lists the anchors of all images one after another, so Triton could not take them apart."""
    config = parsed(triton_config(named("scrfd")))
    assert config.max_batch_size == 0
    assert list(config.input[0].dims) == [-1, 3, -1, -1]


@pytest.mark.parametrize(("wanted", "level"), [("all", 0), ("extended", 1), ("basic", -1)])
def test_the_graph_level_is_the_cards(wanted: str, level: int) -> None:
    """`all` is what the backend does unasked."""
    described = replace(named("pad"), session=SessionOptions(graph_optimisation=wanted))
    assert parsed(triton_config(described)).optimization.graph.level == level


def test_an_option_the_backend_lacks_is_refused() -> None:
    """Silently another optimisation than the measured one would be another model."""
    with pytest.raises(ModelError) as caught:
        triton_config(replace(named("pad"), session=SessionOptions(graph_optimisation="none")))
    assert caught.value.code == "model_options_unsupported"


@pytest.mark.parametrize("dtype", Dtype)
def test_names_are_quoted_and_every_type_has_triton_s_name(dtype: Dtype) -> None:
    """A name with a quote stays one name."""
    tensor = TensorCard('a"b\\', ("batch", 2), dtype, Layout.ROWS, "m")
    config = parsed(triton_config(replace(named("pad"), inputs=(tensor,))))
    assert config.input[0].name == 'a"b\\'
    assert TYPES[_TYPE_NAMES[config.input[0].data_type]] == dtype


def test_the_parser_is_no_rubber_stamp() -> None:
    """What is no field of the configuration is refused."""
    with pytest.raises(text_format.ParseError):
        parsed(triton_config(named("pad")) + "max_batch: 3\n")


def test_configurations_are_written_when_they_differ(tmp_path: Path) -> None:
    """The second time nothing changes; a changed file is put right."""
    card_file = card_path(tmp_path, "pad")
    card_file.parent.mkdir()
    card_file.write_bytes(card_path(REPOSITORY, "pad").read_bytes())
    assert write_configs(tmp_path, ["pad"]) == ("pad",)
    assert write_configs(tmp_path, ["pad"]) == ()
    config_path(tmp_path, "pad").write_text("x")
    assert write_configs(tmp_path, ["pad"]) == ("pad",)


def test_an_export_has_triton_s_layout_and_only_locked_files(tmp_path: Path) -> None:
    """Configuration and network stand where Triton looks; an altered network is not exported."""
    source = REPOSITORY / "pad" / "1" / "model.onnx"
    locked = card(next(model for _, model in MODELS if model.name == "pad"))
    files = {"pad": ModelFile("pad", source, locked.sha256)}
    export(files, REPOSITORY, tmp_path)
    export(files, REPOSITORY, tmp_path)
    assert (tmp_path / "pad" / "1" / "model.onnx").read_bytes() == source.read_bytes()
    assert parsed((tmp_path / "pad" / "config.pbtxt").read_text()).name == "pad"
    with pytest.raises(ModelError) as caught:
        export({"pad": ModelFile("pad", source, "0" * 64)}, REPOSITORY, tmp_path / "other")
    assert caught.value.code == "model_digest_mismatch"
