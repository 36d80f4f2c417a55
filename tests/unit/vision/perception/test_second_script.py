import cv2
import numpy as np
import pytest

from idv.domain.arrays import RgbImage
from idv.vision.perception.second_script import after_stroke


def _line(text: str) -> RgbImage:
    """A line of print on tinted ground, as wide as its text."""
    face = cv2.FontFace("sans")
    wide = cv2.getTextSize((0, 0), text, (0, 0), face, 36, 600)[2]
    line = np.full((48, wide + 24, 3), (225, 215, 205), np.uint8)
    cv2.putText(line, text, (10, 38), (60, 50, 60), face, 36, 600)
    return line


@pytest.mark.parametrize("text", ["ИВАНОВА / IVANOVA", "ЯНА МАРИЯ / IANA MARIIA", "ЖУКОВ / ZHUKOV"])
def test_what_follows_the_stroke_is_cut_out(text: str) -> None:
    """The cut begins between the stroke and the first Latin letter, however many words there are."""
    line = _line(text)
    stroke = text.index("/") + 1
    found = after_stroke(line)
    assert found is not None
    assert found.shape[0] == 48
    assert found.shape[1] / line.shape[1] == pytest.approx((len(text) - stroke) / len(text), abs=0.12)
    assert found.shape[1] >= _line(text[stroke + 1 :]).shape[1] - 24


def test_a_shade_across_the_line_does_not_hide_the_stroke() -> None:
    """Half of the line in shadow gives the same cut to a few pixels."""
    line = _line("ПАВЛОВА / PAVLOVA")
    fall = np.linspace(1.0, 0.5, line.shape[1])[None, :, None]
    plain, dim = after_stroke(line), after_stroke((line * fall).astype(np.uint8))
    assert plain is not None
    assert dim is not None
    assert abs(plain.shape[1] - dim.shape[1]) <= 3


@pytest.mark.parametrize("text", ["IVANOVA", "IVANOVA PAVLOVA", "/ IVANOVA", ""])
def test_print_without_a_stroke_between_words_has_no_second_script(text: str) -> None:
    """Nothing is cut where no stroke stands between two words: the name counts as unread."""
    assert after_stroke(_line(text)) is None
