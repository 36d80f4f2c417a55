"""`idv doctor`: can this machine run the service, and what may its models be used for?"""

import base64
import datetime as dt
import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from idv import bootstrap, settings
from idv.domain.errors import IdvError, StorageUnavailable
from idv.domain.results import CheckName
from idv.domain.stores import ApiKey
from idv.packs.store import DEFAULT_PACK, State
from idv.settings import Settings
from idv.vision.imaging.pixels import EXTRAS
from idv.workflow.operating_points import load_points, unfit

_LEAST_FREE_BYTES = 500_000_000
# A grey square of 64 px.
_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAAAAACPAi4CAAAAKUlEQVR42u3MQREAAAwCIKMb3RD77SAA6VEEAoFAIBAIBAKB"
    "QCAQfA8G320AeXC6efoAAAAASUVORK5CYII="
)


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
        ("calibration", _calibration),
        ("operating points", _points),
        ("decoding", _decoding),
        ("storage", _storage),
        ("api keys", _keys),
        ("webhooks", _webhooks),
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
    packs = dict.fromkeys((DEFAULT_PACK, values.pack))  # a pack of face models borrows the rest
    counts, faults = [], []
    for pack in packs:
        states = store.verify(pack)
        bad = [status.name for status in states if status.state is not State.OK]
        counts.append(f"{len(states)} models of pack {pack} are whole")
        if bad:
            faults.append(f"{', '.join(bad)}: run `idv models pull {pack}`")
    if faults:
        raise IdvError("models_missing", "; ".join(faults))
    return ", ".join(counts)


def _licences(values: Settings) -> str:
    """Not a fault: said so that nobody finds out later."""
    licences = bootstrap.model_store(values).licences(values.pack)
    restricted = [licence.model for licence in licences if licence.commercial_use != "yes"]
    if not restricted:
        return "every model may be used commercially"
    return f"not cleared for commercial use: {', '.join(restricted)} (see `idv models licences`)"


def _calibration(values: Settings) -> str:
    """Not a fault: a pack without calibration works once it has an operating point of its own."""
    if (values.calibrations / values.pack / "face_match.toml").is_file():
        return f"face_match of pack {values.pack} is a calibrated likelihood ratio"
    return f"face_match of pack {values.pack} is uncalibrated: its score is the mean cosine of its embedders"


def _points(values: Settings) -> str:
    """A check without a point made for exactly its models is inconclusive, so nobody could be accepted."""
    points = load_points(values.operating_points / values.pack)
    with bootstrap.judges(values) as judges:
        loaded = judges.loaded
    scoring = (CheckName.DOCUMENT_AUTHENTICITY, CheckName.FACE_MATCH, CheckName.LIVENESS)
    absent = [name for name in scoring if name not in points]
    if absent:
        told = "; ".join(f"{name} has no operating point; {_how_to(name, values)}" for name in absent)
        raise IdvError("no_operating_point", told)
    for name in scoring:
        if points[name].check_digest != loaded[name]:
            raise IdvError(
                "operating_point_mismatch",
                f"the point of {name} was made for other models; {_how_to(name, values)}",
            )
    for point in unfit(values.operating_points / values.pack, loaded):
        made = f"the {point.status} point of {point.check} from {point.run_id} was made for other models"
        raise IdvError("operating_point_mismatch", f"{made}: tune again or take it away")
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


def _how_to(name: CheckName, values: Settings) -> str:
    """The commands that make an operating point for what is loaded."""
    target = {CheckName.FACE_MATCH: "fmr=1e-3", CheckName.LIVENESS: "apcer=0.05"}.get(name, "dfrr=0.05")
    file = values.operating_points / values.pack / f"{name}.toml"
    return (
        f"make one on labelled items: `idv bench run --set SET --candidate {values.pack} --check {name}`, "
        f"`idv tune RUN --target {target} --out {file}`, `idv policy promote`"
    )


def _decoding(values: Settings) -> str:
    """Start the decoder's processes and let them decode a picture of one kind each."""
    with bootstrap.judges(values) as judges:
        judges.decoder.decode(_PNG)
    extras = [media.name for media, (_, module) in EXTRAS.items() if find_spec(module)]
    return f"worker processes decode JPEG, PNG, WebP{''.join(f', {name}' for name in extras)}"


def _keys(values: Settings) -> str:
    """Not a fault: the first key may still have to be issued."""
    if values.insecure:
        return "none needed: insecure is set, on loopback"
    try:
        with bootstrap.stores(values) as stores:
            now = dt.datetime.now(dt.UTC)
            live = [key for key in stores.keys.list() if _is_live(key, now)]
    except StorageUnavailable:
        live = []
    return f"{len(live)} live" if live else "none: nobody can call before `idv keys issue TENANT`"


def _is_live(key: ApiKey, now: dt.datetime) -> bool:
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > now)


def _webhooks(values: Settings) -> str:
    if values.webhook_url is None:
        return "none: IDV_WEBHOOK_URL is not set"
    bootstrap.judge_webhook_address(values)
    return f"one address, allowed by the rules; {len(values.webhook_secrets)} live secrets"


def _disk(values: Settings) -> str:
    # The folder may be made later: what counts is the disk it will lie on.
    place = next(
        folder for folder in (values.data_dir, *values.data_dir.absolute().parents) if folder.exists()
    )
    free = shutil.disk_usage(place).free
    if free < _LEAST_FREE_BYTES:
        raise IdvError("disk_full", f"only {free / 1e6:.0f} MB free where the data lie")
    return f"{free / 1e9:.0f} GB free"
