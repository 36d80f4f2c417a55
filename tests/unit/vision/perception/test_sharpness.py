import cv2
import numpy as np
import pytest

from idv.vision.perception.sharpness import stroke_edge_share
from idv.vision.perception.text_lines import Strip


def test_blur_widens_the_edges_of_strokes() -> None:
    """The share grows with every step of blur, and does not depend on the contrast."""
    card = np.full((200, 900, 3), 220, np.uint8)
    cv2.putText(card, "SHARP PRINT 123", (40, 110), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (20, 20, 20), 3)
    strips = [Strip((40, 95), (640, 95), 36)]
    blurred = (np.asarray(cv2.GaussianBlur(card, (0, 0), s), np.uint8) for s in (0.4, 2.0, 4.0))
    shares = [stroke_edge_share(picture, strips) for picture in blurred]
    assert shares == sorted(shares)
    assert shares[2] > 2 * shares[0]
    pale = (card // 2 + 100).astype(np.uint8)
    assert stroke_edge_share(pale, strips) == pytest.approx(stroke_edge_share(card, strips), rel=0.25)


def test_no_rows_have_no_sharpness() -> None:
    """A number for nothing would be invented."""
    with pytest.raises(ValueError, match="needs a row"):
        stroke_edge_share(np.zeros((10, 10, 3), np.uint8), [])
