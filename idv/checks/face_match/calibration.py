"""How the likenesses that several embedders see become one log-likelihood ratio."""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from idv.domain.errors import ConfigurationError
from idv.domain.faces import FaceTemplate

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Population:
    """What faces in general look like to one model, so that what everybody shares counts less.

    `centre` (D,): the mean template. `prototypes` (P, D), unit length, around the centre: means of like
    faces. Faces of a kind that the model tells apart badly lie close to a prototype, and close to each other
    too: so the likeness of a pair is discounted by how common its two faces are. That is the cohort
    normalisation of Auckenthaler et al. (Digital Signal Processing 10, 2000), with cluster means for people.
    """

    model: str
    centre: Vector = field(repr=False)
    prototypes: Vector = field(repr=False)
    nearest: int

    def centred(self, vector: Vector) -> Vector:
        """The unit vector seen from the centre."""
        seen = vector - self.centre
        return np.asarray(seen / max(float(np.linalg.norm(seen)), 1e-12))

    def commonness(self, centred: Vector) -> float:
        """Mean cosine with the nearest prototypes, in [-1, 1]: the cohort similarity of a face."""
        return float(np.sort(self.prototypes @ centred)[-self.nearest :].mean())


class Prepared(NamedTuple):
    """A template made ready: llr = vector · vector' + bias + bias' + offset."""

    vector: Vector
    bias: float


@dataclass(frozen=True)
class Calibration:
    """llr = offset + Σ weights[model] · cosine - discount · (mean commonness of the two), natural logarithm.

    The cosine of `population.model` is taken between centred vectors; without a population nothing is centred
    and nothing discounted. `sha256` goes into the check digest: of the file, which pins the population's.
    """

    weights: Mapping[str, float]
    offset: float
    sha256: str
    population: Population | None = None
    discount: float = 0.0

    def prepared(self, template: FaceTemplate) -> Prepared:
        """The template made ready for comparing. Raises ValueError when it lacks a model."""
        vectors = dict(template.vectors)
        absent = self.weights.keys() - vectors.keys()
        if absent:
            raise ValueError(f"the template was made without {', '.join(sorted(absent))}")
        parts, bias = [], 0.0
        for name, weight in self.weights.items():
            vector = vectors[name].astype(np.float64)
            if self.population and self.population.model == name:
                vector = self.population.centred(vector)
                bias = -self.discount * self.population.commonness(vector) / 2
            parts.append(np.sqrt(weight) * vector)
        return Prepared(np.concatenate(parts), bias)

    def cohort_similarity(self, template: FaceTemplate) -> float | None:
        """How near a face is to the population, in [-1, 1]; None without a population.

        1 minus it is the distance to the reference embeddings. Raises ValueError when the template lacks the
        population's model.
        """
        population = self.population
        if population is None:
            return None
        vector = dict(template.vectors).get(population.model)
        if vector is None:
            raise ValueError(f"the template was made without {population.model}")
        return population.commonness(population.centred(vector.astype(np.float64)))


def uncalibrated(models: Sequence[str]) -> Calibration:
    """For embedders nobody has calibrated: the mean of their cosines, in [-1, 1]; no likelihood ratio.

    Its digest is that of no file, so no operating point of a calibrated score is ever taken for its own.
    """
    return Calibration(dict.fromkeys(models, 1 / len(models)), offset=0.0, sha256="uncalibrated")


def load_calibration(path: Path) -> Calibration:
    """Read a calibration and the population beside it.

    Raises ConfigurationError when a file is absent, altered or not what it should be.
    """
    try:
        data = path.read_bytes()
        return _calibration(tomllib.loads(data.decode()), path.parent, hashlib.sha256(data).hexdigest())
    except OSError as error:
        raise ConfigurationError([f"{path.name}: a file of it cannot be read"]) from error
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise ConfigurationError([f"{path.name}: {type(error).__name__}: {error}"]) from error


def _calibration(body: Mapping[str, Any], folder: Path, sha256: str) -> Calibration:
    weights = {str(name): float(weight) for name, weight in body["weights"].items()}
    offset = float(body["offset"])
    discount = float(body["population"]["discount"]) if "population" in body else 0.0
    # A negative weight would mean that likeness speaks against a match: a fit gone wrong, never a wish.
    if (
        not weights
        or min(weights.values()) <= 0
        or not np.isfinite([offset, discount, *weights.values()]).all()
    ):
        raise ValueError("weights must be positive and finite, offset and discount finite")
    population = _population(body["population"], folder) if "population" in body else None
    if population and population.model not in weights:
        raise ValueError("the population is of a model without a weight")
    return Calibration(weights, offset, sha256, population, discount)


def _population(table: Mapping[str, Any], folder: Path) -> Population:
    """The first row of the file is the centre, the others are the prototypes."""
    path = folder / Path(str(table["file"])).name
    if hashlib.sha256(path.read_bytes()).hexdigest() != table["sha256"]:
        raise ValueError(f"{path.name} is not the file the calibration was fitted with")
    rows = np.load(path, allow_pickle=False).astype(np.float64)
    nearest = int(table["nearest"])
    if rows.ndim != 2 or not 0 < nearest < len(rows) or not np.isfinite(rows).all():  # noqa: PLR2004 - a matrix
        raise ValueError(f"{path.name} does not hold a centre and at least {nearest} prototypes")
    lengths = np.linalg.norm(rows[1:], axis=1, keepdims=True)
    return Population(str(table["model"]), rows[0], rows[1:] / np.maximum(lengths, 1e-12), nearest)
