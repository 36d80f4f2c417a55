from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from idv.domain.errors import ModelError
from idv.packs.additions import add_model
from idv.packs.cards import read_card
from idv.packs.lock import SourceKind
from idv.packs.lock_files import read_lock
from idv.packs.status import State
from idv.packs.store import ModelStore


@pytest.fixture
def brought(
    tmp_path: Path, network: Callable[..., bytes], card_text: Callable[..., str]
) -> tuple[Path, Path]:
    """An ONNX file of one's own and its card, without a digest in it."""
    file, card = tmp_path / "mine.onnx", tmp_path / "mine.toml"
    file.write_bytes(network(5))
    card.write_text(card_text("mine"))
    return file, card


def test_a_model_is_copied_its_digest_written_and_its_pack_made(
    tmp_path: Path, brought: tuple[Path, Path]
) -> None:
    """One command makes a pack that the store serves."""
    repository = tmp_path / "own"
    repository.mkdir()
    locked = add_model(repository, *brought, pack="team")
    files = ModelStore(repository, tmp_path / "cache").files("team")
    assert files["mine"].path == repository / "mine" / "1" / "model.onnx"
    assert files["mine"].sha256 == locked.sha256 == read_card(repository / "mine" / "card.toml").sha256
    assert 'name: "mine"' in (repository / "mine" / "config.pbtxt").read_text()
    assert (repository / "mine" / "card.toml").read_text().count("# a comment that stays") == 1


def test_a_model_replaces_its_namesake_and_an_unused_source_goes(
    world: Any, brought: tuple[Path, Path]
) -> None:
    """Swapping one model of a pack leaves the others as they are."""
    file, card = brought
    card.write_text(card.read_text().replace('"mine"', '"three"'))
    add_model(world.repository, file, card, pack="mini")
    lock = read_lock(world.repository, "mini")
    assert [model.name for model in lock.models] == ["one", "two", "three", "four"]
    assert lock.source(lock.models[2]).kind is SourceKind.REPOSITORY
    assert [source.id for source in lock.sources] == ["js", "web", "repository"]
    assert lock.models[0] == world.lock.models[0]


def test_adding_the_same_again_changes_nothing(tmp_path: Path, brought: tuple[Path, Path]) -> None:
    """The command is idempotent, also over the files in the repository themselves."""
    repository = tmp_path / "own"
    repository.mkdir()
    add_model(repository, *brought, pack="team")
    before = {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()}
    add_model(repository, repository / "mine/1/model.onnx", repository / "mine/card.toml", pack="team")
    assert {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()} == before


def test_a_model_trained_again_needs_to_be_said(
    tmp_path: Path, brought: tuple[Path, Path], network: Callable[..., bytes]
) -> None:
    """A card's digest is not overwritten by accident; with `replace_digest` card and lock follow."""
    repository = tmp_path / "own"
    repository.mkdir()
    add_model(repository, *brought, pack="team")
    file, card = repository / "mine/1/model.onnx", repository / "mine/card.toml"
    file.write_bytes(network(6))
    with pytest.raises(ModelError) as caught:
        add_model(repository, file, card, pack="team")
    assert caught.value.code == "model_digest_mismatch"
    locked = add_model(repository, file, card, pack="team", replace_digest=True)
    assert read_card(card).sha256 == locked.sha256
    assert ModelStore(repository, tmp_path / "cache").verify("team")[0].state is State.OK


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda model: model.graph.output[0].type.tensor_type.shape.dim.pop(), "model_card_mismatch"),
        (
            lambda model: setattr(model.graph.input[0].type.tensor_type, "elem_type", 10),
            "model_card_mismatch",
        ),
        (lambda model: setattr(model.graph.node[0], "domain", "evil"), "model_onnx_custom_operator"),
        (lambda model: setattr(model.graph.initializer[0], "data_location", 1), "model_onnx_external_data"),
        (lambda model: model.graph.ClearField("node"), "model_onnx_invalid"),
    ],
)
def test_what_does_not_fit_its_card_or_is_unsafe_changes_nothing(
    tmp_path: Path, brought: tuple[Path, Path], change: Callable[[onnx.ModelProto], object], code: str
) -> None:
    """A refused model leaves no file and no lock behind."""
    repository = tmp_path / "own"
    repository.mkdir()
    file, card = brought
    model = onnx.load_from_string(file.read_bytes())
    change(model)
    file.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError) as caught:
        add_model(repository, file, card, pack="team")
    assert caught.value.code == code
    assert list(repository.iterdir()) == []


def test_a_file_that_is_not_there_is_named(tmp_path: Path, brought: tuple[Path, Path]) -> None:
    """The error says which path cannot be read."""
    with pytest.raises(ModelError, match=r"gone\.onnx") as caught:
        add_model(tmp_path, tmp_path / "gone.onnx", brought[1], pack="team")
    assert caught.value.code == "model_source_missing"
