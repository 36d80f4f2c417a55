import dataclasses

import numpy as np
import pytest

from idv.domain.eval_sets import Comparisons, EvalSet, Part
from idv.evaluation.sets.cards import card_skeleton
from idv.evaluation.sets.contents import contents_of, difference, pairs_across_parts
from idv.evaluation.sets.folder import SetFiles, assembled
from idv.evaluation.sets.item_files import items_bytes, pairs_bytes
from tests.unit.evaluation.sets.small_sets import captures, face_manifest, faces, manifest


def _captures(**changes: object) -> EvalSet:
    of = manifest(**changes)
    return assembled(SetFiles(of, items_bytes(of, captures()), None))


def _faces(comparisons: Comparisons) -> EvalSet:
    of = face_manifest(comparisons)
    pairs = pairs_bytes(faces(), np.array([[0, 1], [1, 2]], np.int32))
    return assembled(
        SetFiles(of, items_bytes(of, faces()), pairs if comparisons is Comparisons.LISTED else None)
    )


def test_everything_is_counted() -> None:
    """By part, label, species and slice; an item without a slice's value is `unknown`."""
    found = contents_of(_captures())
    assert (found.items, found.files, found.subjects) == (4, 4, 4)
    assert found.values["part"] == {"test": 2, "tune": 2}
    assert found.values["species"] == {"print": 1, "screen": 1}
    assert found.values["device"] == {"phone": 2, "unknown": 1, "webcam": 1}


@pytest.mark.parametrize(("comparisons", "non_mated"), [(Comparisons.ALL_PAIRS, 2), (Comparisons.LISTED, 1)])
def test_comparisons_are_counted_by_truth(comparisons: Comparisons, non_mated: int) -> None:
    """Of three photos of two people one pair is mated; listed are one of the two others."""
    assert contents_of(_faces(comparisons)).comparisons == {"test mated": 1, "test non-mated": non_mated}


def test_the_floor_is_the_rule_of_three() -> None:
    """One trial without an error excludes only rates above 95 %; subjects never promise more than trials."""
    floors = {floor.what: floor for floor in contents_of(_captures()).floors}
    assert set(floors) == {"tune attack print", "tune bona_fide", "test attack screen", "test bona_fide"}
    assert floors["tune bona_fide"].by_trials == pytest.approx(0.95)
    pairs = contents_of(_faces(Comparisons.ALL_PAIRS)).floors
    assert [(floor.what, floor.trials, floor.subjects) for floor in pairs] == [
        ("test mated", 1, 1),
        ("test non-mated", 2, 2),
    ]


def test_the_difference_names_items_and_fields() -> None:
    """A changed version, an item less, and a slice that was left out."""
    of = manifest(version="2")
    rows = items_bytes(of, captures()[:3]).replace(b"webcam", b"phone")
    found = difference(_captures(), assembled(SetFiles(of, rows, None)))
    assert (found.only_a, found.only_b) == (("d",), ())
    assert found.changed == {"b": ("slices",)}
    assert found.head == {"version": ("1", "2")}
    assert found.counts == {
        "all": {"items": (4, 3), "files": (4, 3), "subjects": (4, 3)},
        "part": {"test": (2, 1)},
        "label": {"attack": (2, 1)},
        "species": {"screen": (1, 0)},
        "device": {"phone": (2, 3), "unknown": (1, 0), "webcam": (1, 0)},
    }


def test_the_difference_counts_comparisons() -> None:
    """All pairs of three photos against the two that were listed."""
    found = difference(_faces(Comparisons.ALL_PAIRS), _faces(Comparisons.LISTED))
    assert found.counts == {"comparisons": {"test non-mated": (2, 1)}}


def test_pairs_across_parts_are_counted() -> None:
    """One of two listed pairs has its items in two parts; a set without a list has none."""
    listed = _faces(Comparisons.LISTED)
    moved = tuple(dataclasses.replace(i, part=Part.TUNE) if i.id == "f3" else i for i in listed.items)
    assert pairs_across_parts(listed) == 0
    assert pairs_across_parts(dataclasses.replace(listed, items=moved)) == 1
    assert pairs_across_parts(_faces(Comparisons.ALL_PAIRS)) == 0


def test_a_set_does_not_differ_from_itself() -> None:
    """Nothing anywhere."""
    found = difference(_captures(), _captures())
    assert not any(found)


def test_the_card_says_what_is_in_the_set_and_asks_for_the_rest() -> None:
    """Counts and limits stand in it; where it comes from is left to whoever made it."""
    card = card_skeleton(manifest(), captures())
    assert "4 items, 4 files, 4 subjects" in card
    assert "- It is small." in card
    assert card.count("_To be written") == 3
