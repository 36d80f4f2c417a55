from collections.abc import Mapping

import numpy as np
import pytest

from idv.domain.arrays import Array
from idv.vision.models.ppocr_rec import TextRecogniser, alphabet_of, greedy, line_tensor

ALPHABET = ("", "A", "B", " ")


class OneLine:
    """Answers every crop with the same posteriors and keeps what it was given."""

    def __init__(self, posteriors: Array) -> None:
        self.posteriors = posteriors
        self.seen: list[Array] = []

    def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Answer, and keep the input where a test asks for it."""
        self.seen.append(inputs["x"])
        return {"fetch_name_0": self.posteriors[np.newaxis]}

    def digest(self, model: str) -> str:
        """Any digest."""
        return f"digest of {model}"


def _posteriors(*classes: int, certainty: float = 0.9) -> Array:
    rows = np.full((len(classes), len(ALPHABET)), (1 - certainty) / (len(ALPHABET) - 1), np.float32)
    rows[np.arange(len(classes)), classes] = certainty
    return rows


def test_the_alphabet_begins_with_the_blank_and_ends_with_a_space() -> None:
    """The metadata lists one character a line; classes 0 and the last are not in it."""
    assert alphabet_of({"character": "A\nB"}) == ALPHABET


def test_a_file_without_an_alphabet_is_a_key_error() -> None:
    """A recogniser whose classes have no names cannot be used silently."""
    with pytest.raises(KeyError):
        alphabet_of({})


def test_repeats_count_once_unless_a_blank_parts_them() -> None:
    """CTC: A A _ A B is read AAB."""
    assert greedy(_posteriors(1, 1, 0, 1, 2), ALPHABET).text == "AAB"


def test_nothing_but_blanks_is_an_empty_text_without_confidence() -> None:
    """An empty crop gives neither text nor a mean over no characters."""
    assert greedy(_posteriors(0, 0, 0), ALPHABET) == ("", 0.0)


def test_confidence_is_the_mean_over_characters_only() -> None:
    """Blanks, which are nearly always certain, do not raise it."""
    posteriors = np.concatenate([_posteriors(1, certainty=0.5), _posteriors(0, 0, certainty=1.0)])
    assert greedy(posteriors, ALPHABET).confidence == pytest.approx(0.5)


def test_a_line_is_bgr_between_minus_one_and_one_at_48_px() -> None:
    """Pure red arrives in the third plane, and the width follows the height."""
    red = np.zeros((24, 96, 3), np.uint8)
    red[:, :, 0] = 255
    tensor = line_tensor(red)
    assert tensor.shape == (3, 48, 192)
    assert tensor[2].min() == pytest.approx(1.0)
    assert tensor[0].max() == pytest.approx(-1.0)


def test_a_short_line_is_followed_by_mid_grey() -> None:
    """A single character still fills the width that the network wants."""
    tensor = line_tensor(np.full((48, 10, 3), 255, np.uint8))
    assert tensor.shape == (3, 48, 96)
    assert np.all(tensor[:, :, 10:] == 0)


def test_an_absurdly_long_line_is_bounded() -> None:
    """A crop one px high cannot ask for a tensor of any size."""
    assert line_tensor(np.zeros((1, 5000, 3), np.uint8)).shape[2] == 2400


def test_reading_goes_through_the_port_and_hides_the_text_in_a_repr() -> None:
    """The text is personal data: a repr shows its length only."""
    inference = OneLine(_posteriors(1, 0, 2))
    line = TextRecogniser(inference, ALPHABET).read(np.zeros((20, 40, 3), np.uint8))
    assert line.text == "AB"
    assert "AB" not in repr(line)
    assert inference.seen[0].shape == (1, 3, 48, 96)
