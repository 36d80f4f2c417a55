from collections.abc import Callable
from pathlib import Path

import pytest

from idv.domain.errors import ModelError
from idv.domain.models import SessionOptions
from idv.packs.cards import Dtype, Layout, Task, TensorCard, read_card


def test_a_card_becomes_a_value(tmp_path: Path, card_text: Callable[..., str]) -> None:
    """Every part of the file is in the value."""
    path = tmp_path / "card.toml"
    path.write_text(card_text("one"))
    card = read_card(path)
    assert (card.name, card.task, card.sha256) == ("one", Task.FACE_EMBEDDING, "")
    assert card.inputs == (TensorCard("x", ("batch", 2), Dtype.FLOAT32, Layout.ROWS, "numbers", (0.0, 1.0)),)
    assert card.session == SessionOptions(graph_optimisation="extended")
    assert card.weaknesses == ("none of it means anything",)


def test_a_missing_card_has_its_own_error(tmp_path: Path) -> None:
    """A model without a card is not silently run with defaults."""
    with pytest.raises(ModelError) as caught:
        read_card(tmp_path / "card.toml")
    assert caught.value.code == "model_card_missing"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('name = "one"', 'name = "../one"', "must be lower-case"),
        ('task = "face_embedding"', 'task = "magic"', "task must be one of"),
        ('summary = "A stand-in."', "", "summary is missing"),
        ('summary = "A stand-in."', 'summary = ""', "summary must be a text"),
        ("schema = 1", "schema = 9", "schema must be 1"),
        ("range = [0.0, 1.0]", "range = [1.0, 0.0]", "smallest and the largest"),
        ('shape = ["batch", 2]', 'shape = ["batch", 0]', "positive integers and names"),
        ('dtype = "float32"', 'dtype = "float8"', "input x: dtype must be one of"),
        ("arena = true", 'arena = "yes"', "session: arena must be true or false"),
        ("arena = true", "arena = true\nspin = true", "unknown key 'spin'"),
        ('data = "noise"', "data = 3", "training: data must be a text"),
        ("[[output]]", "[[outputs]]", "there is no output"),
    ],
)
def test_each_fault_of_a_card_is_named_where_it_stands(
    tmp_path: Path, card_text: Callable[..., str], old: str, new: str, fault: str
) -> None:
    """Wrong, missing and unknown keys are faults; nothing is guessed."""
    path = tmp_path / "card.toml"
    text = card_text("one")
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ModelError) as caught:
        read_card(path)
    assert caught.value.code == "model_card_invalid"
    assert fault in caught.value.message


def test_all_faults_of_a_card_come_at_once(tmp_path: Path, card_text: Callable[..., str]) -> None:
    """Two faults, one error."""
    path = tmp_path / "card.toml"
    path.write_text(card_text("one").replace("schema = 1", "schema = 9\nodd = 1").replace('"MIT"', "7"))
    with pytest.raises(ModelError, match=r"schema must be 1.*licence must be a text.*unknown key 'odd'"):
        read_card(path)
