import cv2
import numpy as np

from idv.vision.synthesis.heads import draw_head
from idv.vision.synthesis.reproducible import same_bytes


def test_a_head_depends_on_its_draws_alone() -> None:
    """The same generator gives the same bytes, another one another head."""
    first, again, other = (draw_head(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first.shape == (480, 360, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert float(np.abs(first.astype(int) - other).mean()) > 5


def test_skin_lies_in_the_middle_and_the_ground_around_it() -> None:
    """Where a document cuts its portrait, there is the face."""
    image = draw_head(np.random.default_rng(1)).astype(int)
    cheek, corner = image[250:270, 130:150].mean((0, 1)), image[5:25, 5:25].mean((0, 1))
    assert float(np.abs(cheek - corner).max()) > 15


def test_drawing_alike_leaves_the_library_as_it_was() -> None:
    """Threads and optimised code are what they were before."""
    before = cv2.getNumThreads(), cv2.useOptimized()
    with same_bytes():
        assert (cv2.getNumThreads(), cv2.useOptimized()) == (1, False)
    assert (cv2.getNumThreads(), cv2.useOptimized()) == before
