from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from idv.domain.errors import EvalSetError
from idv.domain.eval_sets import EvalSet
from idv.domain.results import CheckName
from idv.evaluation.sets.folder import load_set, write_set
from idv.evaluation.sets.generated import GENERATORS, build, draw_items
from idv.evaluation.sets.manifest import Manifest, Recipe, read_manifest
from idv.evaluation.sets.media import MediaRoot
from idv.evaluation.sets.places import find_set, known_sets
from idv.evaluation.sets.verification import verify_media
from tests.unit.evaluation.sets.small_sets import manifest, written

COMMITTED = Path(__file__).resolve().parents[4] / "eval_sets"
DOCUMENTS = GENERATORS["documents"]
RECIPE = Recipe(generator="documents", version=DOCUMENTS.version, seed=3, count=2)


def _head(recipe: Recipe = RECIPE) -> Manifest:
    return manifest(check=CheckName.DOCUMENT_READING, slices=DOCUMENTS.slices, recipe=recipe)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[EvalSet, Path]:
    """A set of two items and its media root."""
    folder = tmp_path_factory.mktemp("generated")
    items = draw_items(RECIPE, MediaRoot(str(folder / "media")), processes=1)
    return write_set(folder / "set", _head(), items), folder


def _copy(source: Path, target: Path, *, keep: Callable[[int], bool]) -> MediaRoot:
    """A media root with some of the files of another."""
    for number, path in enumerate(sorted(path for path in source.rglob("*") if path.is_file())):
        if keep(number):
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())
    return MediaRoot(str(target))


def test_a_drawn_set_is_complete(drawn: tuple[EvalSet, Path]) -> None:
    """Its media are in the root, its labels and truths in the items."""
    frozen, folder = drawn
    state = verify_media(frozen, MediaRoot(str(folder / "media")))
    assert (state.files, state.faults) == (4, ())
    assert all(item.label and item.subject and item.truth["mrz"] for item in frozen.items)


def test_building_draws_only_what_is_absent(drawn: tuple[EvalSet, Path], tmp_path: Path) -> None:
    """An interrupted build goes on where it stopped; progress counts what was there."""
    frozen, folder = drawn
    files = {ref.sha256 for ref in frozen.items[0].media.values()}
    paths = sorted(path for path in (folder / "media").rglob("*") if path.is_file())
    root = _copy(folder / "media", tmp_path, keep=lambda number: paths[number].name in files)
    told: list[int] = []
    assert build(frozen, RECIPE, root, processes=1, on_item=told.append) == (1, 1)
    assert told == [1, 2]
    assert not verify_media(frozen, root).faults
    assert build(frozen, RECIPE, root, processes=1) == (0, 2)


def test_an_item_that_comes_out_otherwise_is_named(drawn: tuple[EvalSet, Path], tmp_path: Path) -> None:
    """Another seed stands for another machine; nothing of it is stored."""
    frozen, _ = drawn
    other = RECIPE.model_copy(update={"seed": 4})
    with pytest.raises(EvalSetError) as caught:
        build(frozen, other, MediaRoot(str(tmp_path)), processes=1)
    assert caught.value.code == "media_differs"
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "code"),
    [({"generator": "landscapes"}, "generator_unknown"), ({"version": "0"}, "generator_version")],
)
def test_a_recipe_for_other_code_is_refused(
    drawn: tuple[EvalSet, Path], tmp_path: Path, change: Mapping[str, str], code: str
) -> None:
    """Before a single item is drawn."""
    with pytest.raises(EvalSetError) as caught:
        build(drawn[0], RECIPE.model_copy(update=change), MediaRoot(str(tmp_path)), processes=1)
    assert caught.value.code == code


def test_a_recipe_must_count_its_items(drawn: tuple[EvalSet, Path], tmp_path: Path) -> None:
    """A recipe of three cannot stand for two items."""
    with pytest.raises(EvalSetError, match="number of items"):
        write_set(tmp_path, _head(RECIPE.model_copy(update={"count": 3})), drawn[0].items)


def test_missing_and_altered_media_are_told_apart(drawn: tuple[EvalSet, Path], tmp_path: Path) -> None:
    """One file absent, one with other bytes; both are named, by item."""
    root = _copy(drawn[1] / "media", tmp_path, keep=lambda number: number > 0)
    kept = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    kept[0].write_bytes(b"other")
    faults = verify_media(drawn[0], root).faults
    assert sorted(fault.code for fault in faults) == ["media_digest_mismatch", "media_missing"]


@pytest.mark.parametrize("name", known_sets(COMMITTED))
def test_a_committed_set_is_whole_and_drawn_by_the_present_code(name: str) -> None:
    """Its digest holds and items come out byte for byte: else the generator's version must rise."""
    folder = find_set(name, committed=COMMITTED)
    frozen, recipe = load_set(folder), read_manifest(folder).recipe
    assert frozen.name == name
    if recipe is not None:
        for number in (2, 15, len(frozen.items) - 1):
            found = GENERATORS[recipe.generator].draw(recipe.seed, number)
            assert found.item == frozen.items[number]


def test_a_set_is_found_by_name_and_by_folder(tmp_path: Path) -> None:
    """In the committed folder, in the imported one, or anywhere; an unknown name lists the known ones."""
    written(tmp_path / "committed" / "one")
    written(tmp_path / "imported" / "two")
    places = {"committed": tmp_path / "committed", "imported": tmp_path / "imported"}
    assert find_set("one", **places) == tmp_path / "committed" / "one"
    assert find_set("two", **places) == tmp_path / "imported" / "two"
    assert find_set(str(tmp_path / "imported" / "two"), **places) == tmp_path / "imported" / "two"
    with pytest.raises(EvalSetError, match="one, two"):
        find_set("three", **places)
