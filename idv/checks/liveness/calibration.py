"""The calibration of the liveness score: a file with pedigree that turns two logits into one ratio."""

import hashlib
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path

from idv.domain.errors import ConfigurationError

_NUMBERS = ("context_weight", "detail_weight", "offset")


@dataclass(frozen=True)
class LivenessCalibration:
    """llr = offset + context_weight · context logit + detail_weight · detail logit (natural logarithm).

    `sha256`: of the file the numbers came from; it goes into the check digest.
    """

    context_weight: float
    detail_weight: float
    offset: float
    sha256: str

    def llr(self, context: float, detail: float) -> float:
        """Log-likelihood ratio of a bona fide presentation against an attack."""
        return self.offset + self.context_weight * context + self.detail_weight * detail


def load_calibration(path: Path) -> LivenessCalibration:
    """Read a calibration file. Raises ConfigurationError when it is absent, incomplete or not finite."""
    try:
        data = path.read_bytes()
        body = tomllib.loads(data.decode())
        context, detail, offset = (float(body[name]) for name in _NUMBERS)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError([f"calibration {path.name}: {type(error).__name__}: {error}"]) from error
    if not math.isfinite(context + detail + offset):
        raise ConfigurationError([f"calibration {path.name}: a number is not finite"])
    return LivenessCalibration(context, detail, offset, hashlib.sha256(data).hexdigest())
