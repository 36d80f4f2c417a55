"""The calibration of the liveness score: a file with pedigree that turns three logits into one ratio."""

import hashlib
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path

from idv.domain.errors import ConfigurationError

_NUMBERS = ("context_weight", "detail_weight", "native_weight", "offset")


@dataclass(frozen=True)
class LivenessCalibration:
    """llr = offset + the sum of each branch's weight times its logit (natural logarithm).

    `sha256`: of the file the numbers came from; it goes into the check digest.
    """

    context_weight: float
    detail_weight: float
    native_weight: float
    offset: float
    sha256: str

    @property
    def weights(self) -> tuple[float, float, float]:
        """Of context, detail and native logit, in the network's order."""
        return self.context_weight, self.detail_weight, self.native_weight

    def llr(self, *, context: float, detail: float, native: float) -> float:
        """Log-likelihood ratio of a bona fide presentation against an attack."""
        logits = (context, detail, native)
        return self.offset + sum(w * logit for w, logit in zip(self.weights, logits, strict=True))


def load_calibration(path: Path) -> LivenessCalibration:
    """Read a calibration file. Raises ConfigurationError when it is absent, incomplete or not finite."""
    try:
        data = path.read_bytes()
        body = tomllib.loads(data.decode())
        context, detail, native, offset = (float(body[name]) for name in _NUMBERS)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError([f"calibration {path.name}: {type(error).__name__}: {error}"]) from error
    if not math.isfinite(context + detail + native + offset):
        raise ConfigurationError([f"calibration {path.name}: a number is not finite"])
    return LivenessCalibration(context, detail, native, offset, hashlib.sha256(data).hexdigest())
