"""`idv doctor`: can this machine run the service, and what may its models be used for?"""

import json
import shutil
from collections.abc import Callable
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from idv import bootstrap, settings
from idv.domain.errors import IdvError, StorageUnavailable
from idv.domain.results import CheckName
from idv.packs.store import State
from idv.settings import Settings
from idv.workflow.operating_points import load_points

_LEAST_FREE_BYTES = 500_000_000


class Examination(NamedTuple):
    """One thing looked at; the service would not run, or would accept nobody, when `ok` is False."""

    what: str
    ok: bool
    finding: str


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check settings, models, thresholds, storage and disk. Exit code 1 when the service would not work."""
    found = examine(settings.load())
    if as_json:
        print(json.dumps([examination._asdict() for examination in found]))
    else:
        table = Table("", "what", "finding", box=None)
        for what, ok, finding in found:
            table.add_row("[green]ok[/green]" if ok else "[red]no[/red]", what, finding)
        Console().print(table)
    raise typer.Exit(0 if all(examination.ok for examination in found) else 1)


def examine(values: Settings) -> list[Examination]:
    """Everything that has to be right, each looked at even when another is wrong."""
    looks: list[tuple[str, Callable[[Settings], str]]] = [
        ("models", _models),
        ("licences", _licences),
        ("operating points", _points),
        ("storage", _storage),
        ("disk", _disk),
    ]
    return [_examined(what, look, values) for what, look in looks]


def _examined(what: str, look: Callable[[Settings], str], values: Settings) -> Examination:
    try:
        return Examination(what, ok=True, finding=look(values))
    except (IdvError, OSError) as error:
        return Examination(what, ok=False, finding=str(error))


def _models(values: Settings) -> str:
    store = bootstrap.model_store(values)
    states = store.verify(values.pack)
    bad = [status.name for status in states if status.state is not State.OK]
    if bad:
        raise IdvError("models_missing", f"{', '.join(bad)}: run `idv models pull {values.pack}`")
    return f"{len(states)} models of pack {values.pack} are whole"


def _licences(values: Settings) -> str:
    """Not a fault: said so that nobody finds out later."""
    licences = bootstrap.model_store(values).licences(values.pack)
    restricted = [licence.model for licence in licences if licence.commercial_use != "yes"]
    if not restricted:
        return "every model may be used commercially"
    return f"not cleared for commercial use: {', '.join(restricted)} (see `idv models licences`)"


def _points(values: Settings) -> str:
    """A check without a point made for exactly its models is inconclusive, so nobody could be accepted."""
    points = load_points(values.operating_points / values.pack)
    with bootstrap.judges(values) as judges:
        loaded = judges.loaded
    for name in (CheckName.FACE_MATCH, CheckName.LIVENESS):
        point = points.get(name)
        if point is None:
            raise IdvError("no_operating_point", f"{name} has no operating point")
        if point.check_digest != loaded[name]:
            raise IdvError("operating_point_mismatch", f"the point of {name} was made for other models")
    return ", ".join(f"{name} at {point.threshold:.2f} ({point.target})" for name, point in points.items())


def _storage(values: Settings) -> str:
    """Looking makes no store: that none is there yet is no fault before the first start."""
    try:
        with bootstrap.stores(values) as stores:
            length = stores.audit.verify()
    except StorageUnavailable as error:
        if error.code != "store_not_found":
            raise
        return f"none yet: the first `idv serve` or `idv keys issue` makes it in {values.data_dir}"
    return f"reachable, audit chain of {length} entries holds"


def _disk(values: Settings) -> str:
    # The folder may be made later: what counts is the disk it will lie on.
    place = next(
        folder for folder in (values.data_dir, *values.data_dir.absolute().parents) if folder.exists()
    )
    free = shutil.disk_usage(place).free
    if free < _LEAST_FREE_BYTES:
        raise IdvError("disk_full", f"only {free / 1e6:.0f} MB free where the data lie")
    return f"{free / 1e9:.0f} GB free"
