import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from idv.domain.errors import ModelError
from idv.domain.models import ModelFile, SessionOptions
from idv.packs.lock import (
    CommercialUse,
    Lock,
    LockedModel,
    Recipe,
    RecipeKind,
    RecipeOutput,
    Source,
    SourceKind,
)
from idv.packs.lock_files import write_lock
from idv.packs.progress import Progress, Stage
from idv.packs.status import Pulled, State
from idv.packs.store import ModelStore


def store(world: Any) -> ModelStore:
    """The store under test over the miniature repository."""
    return ModelStore(world.repository, world.cache, fetchers=world.fetchers)


def code(call: Callable[[], object]) -> str:
    """The code of the ModelError that a call raises."""
    with pytest.raises(ModelError) as caught:
        call()
    return caught.value.code


def test_a_pull_makes_every_model_and_fetches_each_source_once(world: Any) -> None:
    """Two models of one npm package cost one download."""
    pulled = store(world).pull("mini")
    assert pulled == Pulled(made=("one", "two", "three", "four"), present=(), trusted=())
    assert world.fetcher.asked == ["js", "py", "web"]
    assert world.fetcher.closed == 3


def test_files_gives_paths_digests_and_the_cards_options(world: Any) -> None:
    """What inference needs, by model name."""
    built = store(world)
    built.pull("mini")
    one = built.files("mini")["one"]
    digest = world.lock.models[0].sha256
    assert one == ModelFile(
        "one", world.cache / f"{digest}.onnx", digest, SessionOptions(graph_optimisation="extended")
    )
    assert one.path.is_file()


def test_a_second_pull_fetches_nothing(world: Any) -> None:
    """What is here is left alone."""
    built = store(world)
    built.pull("mini")
    world.fetcher.asked.clear()
    assert built.pull("mini").present == ("one", "two", "three", "four")
    assert world.fetcher.asked == []


def test_files_names_everything_that_is_missing(world: Any) -> None:
    """One error with all names and the command that helps."""
    with pytest.raises(ModelError, match=r"four, one, three, two; run `idv models pull mini`") as caught:
        store(world).files("mini")
    assert caught.value.code == "model_missing"


def test_an_altered_file_is_seen_and_made_again(world: Any) -> None:
    """A flipped byte is `altered`, the next pull heals it and touches nothing else."""
    built = store(world)
    built.pull("mini")
    path = built.files("mini")["three"].path
    path.write_bytes(b"x" + path.read_bytes()[1:])
    assert {item.name: item.state for item in built.verify("mini")}["three"] is State.ALTERED
    world.fetcher.asked.clear()
    assert built.pull("mini").made == ("three",)
    assert world.fetcher.asked == ["py"]
    assert {item.state for item in built.verify("mini")} == {State.OK}


def test_a_source_with_another_digest_is_refused_and_thrown_away(world: Any) -> None:
    """A registry that serves other bytes changes nothing on this machine."""
    world.fetcher.files["web"] += b"tail"
    assert code(lambda: store(world).pull("mini")) == "model_digest_mismatch"
    assert not list((world.cache / "partial").iterdir())
    assert not (world.cache / f"{world.lock.models[3].sha256}.onnx").exists()


def test_a_model_that_converts_to_other_bytes_is_refused(world: Any) -> None:
    """The digest of the result is locked apart from the source's: another converter cannot slip in."""
    models = (replace(world.lock.models[0], sha256="0" * 64), *world.lock.models[1:])
    write_lock(world.repository, replace(world.lock, models=models))
    assert code(lambda: store(world).pull("mini")) == "model_digest_mismatch"
    assert not (world.cache / f"{'0' * 64}.onnx").exists()


def test_a_pull_goes_on_where_the_last_one_stopped(world: Any) -> None:
    """A source that arrived before another failed is not fetched again, nor is what was made from it."""
    held = world.fetcher.files.pop("web")
    built = store(world)
    assert code(lambda: built.pull("mini")) == "model_source_unreachable"
    world.fetcher.files["web"] = held
    world.fetcher.asked.clear()
    assert built.pull("mini").made == ("four",)
    assert world.fetcher.asked == ["web"]


def test_sources_are_dropped_once_a_pack_is_whole(world: Any) -> None:
    """The cache ends up with the networks only."""
    store(world).pull("mini")
    assert sorted(path.name for path in world.cache.rglob("*") if path.is_file()) == sorted(
        [*(f"{model.sha256}.onnx" for model in world.lock.models), "lock"]
    )


def test_progress_ends_at_the_total_of_every_source(world: Any) -> None:
    """Whoever draws bars sees each source arrive whole, and each model named as it is converted."""
    seen: list[Progress] = []
    store(world).pull("mini", progress=seen.append)
    fetched = [item for item in seen if item.stage is Stage.FETCH]
    last = {item.label: item for item in fetched}
    assert sorted(last) == ["@x/js 1.0", "four.onnx", "py 2.0"]
    assert all(item.done == item.total for item in last.values())
    assert {"one", "two", "three", "four"} <= {item.label for item in seen if item.stage is Stage.CONVERT}


def test_a_licence_that_asks_for_it_is_accepted_before_anything_is_fetched(world: Any) -> None:
    """Without the licence's name nothing is downloaded; with it the pull goes on; afterwards it rests."""
    models = (replace(world.lock.models[0], accept="research-only"), *world.lock.models[1:])
    write_lock(world.repository, replace(world.lock, models=models))
    built = store(world)
    assert code(lambda: built.pull("mini", accept=["something-else"])) == "model_licence_not_accepted"
    assert world.fetcher.asked == []
    assert len(built.pull("mini", accept=["research-only"]).made) == 4
    assert built.pull("mini").made == ()


def test_licences_come_from_lock_and_card(world: Any) -> None:
    """What a person has to know before using a model."""
    first = store(world).licences("mini")[0]
    assert (first.model, first.licence, first.commercial_use) == ("one", "MIT", CommercialUse.YES)
    assert (first.training_data, first.training_data_licence) == ("noise", "CC0-1.0")


@pytest.mark.parametrize("name", ["nosuch", "../mini", "", "UPPER"])
def test_an_unknown_pack_is_an_error_that_lists_the_known_ones(world: Any, name: str) -> None:
    """Names that could leave the repository are refused like unknown ones."""
    assert code(lambda: store(world).verify(name)) == "model_pack_unknown"


def test_a_cache_that_cannot_be_written_is_a_clear_error(world: Any) -> None:
    """A file in the cache's place does not end in a traceback."""
    world.cache.write_text("in the way")
    assert code(lambda: store(world).pull("mini")) == "model_cache_invalid"


def test_two_pulls_at_once_do_the_work_once(world: Any) -> None:
    """The second waits for the first, then finds everything there."""
    with ThreadPoolExecutor(2) as pool:
        pulls = [pool.submit(store(world).pull, "mini") for _ in range(2)]
        made = sorted(len(pull.result().made) for pull in pulls)
    assert made == [0, 4]
    assert sorted(world.fetcher.asked) == ["js", "py", "web"]


def test_what_a_killed_pull_left_is_swept_and_partial_downloads_stay(world: Any) -> None:
    """Scratch folders and half-written networks go; bytes that a download can continue from do not."""
    (world.cache / "partial" / "npm-abc").mkdir(parents=True)
    (world.cache / "partial" / "npm-abc" / "file").write_bytes(b"-")
    (world.cache / "partial" / ("a" * 64)).write_bytes(b"half")
    (world.cache / ".0000.onnx.xyz").write_bytes(b"half")
    store(world).pull("mini")
    assert sorted(path.name for path in (world.cache / "partial").iterdir()) == ["a" * 64]
    assert not (world.cache / ".0000.onnx.xyz").exists()


# --- a model of the repository itself ----------------------------------------------------------------------


@pytest.fixture
def local(world: Any, network: Callable[..., bytes]) -> tuple[ModelStore, Path]:
    """A pack with one model that is committed beside its card, and that file."""
    data = network(9)
    file = world.repository / "one" / "1" / "model.onnx"
    file.parent.mkdir()
    file.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    model = LockedModel(
        "one", "repository", ("one/1/model.onnx",), "MIT", CommercialUse.YES, sha256=digest, size=len(data)
    )
    write_lock(
        world.repository, Lock("local", "Ours.", (Source("repository", SourceKind.REPOSITORY),), (model,))
    )
    return store(world), file


def test_a_model_of_the_repository_is_used_where_it_stands(local: tuple[ModelStore, Path]) -> None:
    """Nothing is copied; a pull has nothing to do and writes nothing, not even a lock."""
    built, file = local
    assert built.pull("local").present == ("one",)
    assert not built.cache.root.exists()
    assert built.files("local")["one"].path == file


def test_an_altered_model_of_the_repository_is_an_error_that_no_pull_heals(
    local: tuple[ModelStore, Path],
) -> None:
    """There is nowhere to fetch it from: the user is told to restore or to lock it."""
    built, file = local
    file.write_bytes(file.read_bytes() + b"x")
    assert built.verify("local")[0].state is State.ALTERED
    assert code(lambda: built.pull("local")) == "model_digest_mismatch"


# --- a folder of the user's own ----------------------------------------------------------------------------


@pytest.fixture
def own(world: Any) -> tuple[ModelStore, Path]:
    """A pack whose files the user brings, under names that a recipe replaces, and the folder they lie in."""
    recipe = Recipe(RecipeKind.RENAMED, "x", (RecipeOutput("y"),))
    members = ("big.onnx", "small.onnx")
    model = LockedModel(
        "one", "folder", members, "research", CommercialUse.NO, recipe, accept="research-only"
    )
    write_lock(world.repository, Lock("own", "Yours.", (Source("folder", SourceKind.FOLDER),), (model,)))
    folder = world.cache.parent / "folder"
    folder.mkdir()
    return store(world), folder


def bring(built: ModelStore, folder: Path) -> Pulled:
    """Pull the user's pack with its licence accepted."""
    return built.pull("own", accept=["research-only"], folder=folder)


def test_a_brought_model_is_renamed_recorded_and_found_again(
    own: tuple[ModelStore, Path], network: Callable[..., bytes]
) -> None:
    """Its tensors get the card's names, its digest is recorded on first use and holds from then on."""
    built, folder = own
    (folder / "small.onnx").write_bytes(network(1, inputs="input.1", outputs="683"))
    assert bring(built, folder).trusted == ("one",)
    (status,) = built.verify("own")
    assert (status.state, status.pinned) == (State.OK, False)
    file = built.files("own")["one"]
    assert hashlib.sha256(file.path.read_bytes()).hexdigest() == file.sha256
    recorded = json.loads((built.cache.root / "trusted.json").read_text())
    assert recorded["one"]["file"] == "small.onnx"
    session = ort.InferenceSession(file.path.read_bytes(), providers=["CPUExecutionProvider"])
    plain = ort.InferenceSession((folder / "small.onnx").read_bytes(), providers=["CPUExecutionProvider"])
    feed = np.array([[1, 2]], np.float32)
    np.testing.assert_array_equal(
        session.run(["y"], {"x": feed})[0], plain.run(["683"], {"input.1": feed})[0]
    )


def test_another_file_than_the_first_is_refused(
    own: tuple[ModelStore, Path], network: Callable[..., bytes]
) -> None:
    """Trust on first use means that the second use must match, also after the cached network is gone."""
    built, folder = own
    (folder / "small.onnx").write_bytes(network(1))
    bring(built, folder)
    built.files("own")["one"].path.unlink()
    (folder / "big.onnx").write_bytes(network(2))
    assert code(lambda: bring(built, folder)) == "model_digest_mismatch"
    (folder / "big.onnx").unlink()
    assert bring(built, folder).made == ("one",)


def test_a_brought_model_needs_its_licence_a_folder_and_a_file(own: tuple[ModelStore, Path]) -> None:
    """Each thing that is lacking has its own error, the licence first."""
    built, folder = own
    assert code(lambda: built.pull("own", folder=folder)) == "model_licence_not_accepted"
    assert code(lambda: built.pull("own", accept=["research-only"])) == "model_folder_missing"
    assert code(lambda: bring(built, folder)) == "model_source_missing"


def test_a_brought_model_of_another_shape_is_refused(
    own: tuple[ModelStore, Path], network: Callable[..., bytes]
) -> None:
    """The card says what the network takes; a file that takes something else is another network."""
    built, folder = own
    other = onnx.load_from_string(network(1))
    other.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 3
    (folder / "big.onnx").write_bytes(other.SerializeToString())
    assert code(lambda: bring(built, folder)) == "model_card_mismatch"
    (folder / "big.onnx").write_bytes(b"no network")
    assert code(lambda: bring(built, folder)) == "model_onnx_invalid"
    assert not (built.cache.root / "trusted.json").exists()
