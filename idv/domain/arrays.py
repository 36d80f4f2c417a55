"""Names for the array types that cross module borders."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""Any tensor that goes into or comes out of a model."""
RgbImage = NDArray[np.uint8]
"""An upright image: (H, W, 3) uint8 RGB."""
FloatArray = NDArray[np.float32]
"""float32 array; the layout stands where it enters."""
