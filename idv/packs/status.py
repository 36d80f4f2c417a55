"""What the model store says about models: their state, their licences, and what a pull did."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from idv.packs.lock import CommercialUse


class State(StrEnum):
    """What stands where a model should stand."""

    OK = "ok"
    MISSING = "missing"
    ALTERED = "altered"


@dataclass(frozen=True)
class ModelStatus:
    """One model of a pack on this machine. `pinned`: its digest is in the lock, not trusted on first use."""

    name: str
    state: State
    sha256: str
    size: int
    path: Path | None
    pinned: bool


@dataclass(frozen=True)
class Licence:
    """What one model may be used for. `accept`: the name to accept before it is added, if any."""

    model: str
    licence: str
    commercial_use: CommercialUse
    note: str
    training_data: str
    training_data_licence: str
    accept: str


@dataclass(frozen=True)
class Pulled:
    """What a pull did: models made, models that were there already, models trusted on first use."""

    made: tuple[str, ...]
    present: tuple[str, ...]
    trusted: tuple[str, ...]
