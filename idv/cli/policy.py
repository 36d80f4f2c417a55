"""`idv policy`: operating points from shadow to force, and how shadows did on live traffic."""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from idv import bootstrap, settings
from idv.cli.opened import opened
from idv.domain.live import LiveFeed, Window
from idv.domain.operating_points import OperatingPoint
from idv.domain.results import CheckName, Outcome
from idv.evaluation.monitoring.shadows import OnLabelled, ShadowComparison, Share, compare_shadows
from idv.infra.clock import SystemClock
from idv.workflow.operating_points import load_points, load_shadows
from idv.workflow.promotion import PointRegistry

app = typer.Typer(
    help="Operating points: register a shadow, compare it on live traffic, promote it.", no_args_is_help=True
)

PointArgument = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="A shadow point, as `idv tune` writes it.")
]
SinceOption = Annotated[
    dt.datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Begun since (UTC).")
]
TenantOption = Annotated[str | None, typer.Option(help="This tenant's verifications only.")]


_WIDTH = 200
_NEVER_SCORED = (
    "warning: this point was never scored on live traffic, so nobody has seen what it changes there: "
    "`idv policy shadow` registers a point for that, `idv policy shadow-report` tells"
)


@dataclass(frozen=True)
class Policies:
    """What these commands work on; a test hands over its own as the context's object."""

    registry: PointRegistry
    live: LiveFeed


@app.command()
def shadow(
    context: typer.Context,
    point: PointArgument,
    by: Annotated[str, typer.Option(help="Who registers it; in the audit log as a keyed hash.")],
) -> None:
    """Register a point to be scored on live traffic without effect, from the next start of the service on."""
    with _opened(context) as doors:
        kept = doors.registry.register(point, actor=by)
    typer.echo(f"registered as {kept}; restart the service to score it")


@app.command()
def promote(
    context: typer.Context,
    point: PointArgument,
    approver: Annotated[str, typer.Option(help="Who approves: a person's name.")],
    reason: Annotated[str, typer.Option(help="Why, for whoever asks later.")],
) -> None:
    """Put a shadow point in force from the next start of the service on; the earlier one is kept.

    Refused when the point was made for other models than those loaded. Audited before anything changes. Warns
    of a point that was never scored on live traffic.
    """
    with _opened(context) as doors:
        run = doors.registry.read(point).run_id
        compared = compare_shadows(doors.live.cases(Window()))
        scored = max((c.total for c in compared if c.shadow.operating_point == run), default=0)
        done = doors.registry.promote(point, approver=approver, reason=reason)
    typer.echo(f"{done.point.check} at {done.point.threshold:g} is in force: {done.file}")
    if done.earlier is not None:
        typer.echo(f"the earlier point is kept as {done.earlier}")
    typer.echo(f"scored as a shadow on {scored} verifications; audit entry {done.audit_sequence}")
    if not scored:
        typer.echo(_NEVER_SCORED, err=True)
    typer.echo("restart the service to use it")


@app.command("list")
def list_points(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show the points of the pack: in force, and scored without effect."""
    values = settings.load()
    folder = values.operating_points / values.pack
    points = [*load_points(folder).values(), *(p for found in load_shadows(folder).values() for p in found)]
    if as_json:
        print(json.dumps([_point_body(point) for point in points]))
        return
    table = Table("check", "status", "threshold", "target", "measured", "on", "run", "made", box=None)
    for point in points:
        low, high = point.interval.low, point.interval.high
        measured = f"{point.measured:.3%} \\[{low:.3%}, {high:.3%}]"
        row = (point.check, point.status, f"{point.threshold:g}", point.target)
        table.add_row(*row, measured, point.eval_set, point.run_id, point.created_on.isoformat())
    _console().print(table)


@app.command("shadow-report")
def shadow_report(
    context: typer.Context,
    check: Annotated[CheckName | None, typer.Option(help="This check only.")] = None,
    since: SinceOption = None,
    tenant: TenantOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare what shadow points would have said with what was in force; with labels, who was right."""
    begun = None if since is None else since.replace(tzinfo=dt.UTC)
    with _live(context) as live:
        found = compare_shadows(live.cases(Window(since=begun, tenant=tenant)))
    wanted = [comparison for comparison in found if check in (None, comparison.shadow.check)]
    if as_json:
        print(json.dumps([_body(comparison) for comparison in wanted], indent=1))
        return
    if not wanted:
        typer.echo(
            "no shadow point was scored yet: register one with `idv policy shadow`, restart the service"
        )
    for comparison in wanted:
        _show(comparison, _console())


@contextmanager
def _live(context: typer.Context) -> Iterator[LiveFeed]:
    """Live traffic alone: reading it needs no model."""
    if isinstance(context.obj, Policies):
        yield context.obj.live
        return
    with opened(context) as doors:
        yield doors.stores.live


@contextmanager
def _opened(context: typer.Context) -> Iterator[Policies]:
    """With the models, whose digests a point has to fit; the audit entry may be a store's first."""
    if isinstance(context.obj, Policies):
        yield context.obj
        return
    values = settings.load()
    with bootstrap.judges(values) as judges, bootstrap.stores(values, create=True) as stores:
        folder = values.operating_points / values.pack
        registry = PointRegistry(folder, stores.audit, SystemClock(), judges.loaded)
        yield Policies(registry, stores.live)


def _console() -> Console:
    """As wide as the terminal; wide enough for a row where there is none."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)


def _show(comparison: ShadowComparison, console: Console) -> None:
    point = comparison.shadow
    title = f"{point.check} by {point.provider}: shadow {point.operating_point} at {point.threshold:g}"
    table = Table("in force", *(f"shadow {outcome}" for outcome in Outcome), box=None, title=escape(title))
    for enforced in Outcome:
        cells = [str(comparison.matrix.get((enforced, shadow), 0)) for shadow in Outcome]
        table.add_row(enforced, *cells)
    console.print(table)
    console.print(f"  agree {_told(comparison.agreement)}", highlight=False)
    console.print(f"  only the shadow passes {_told(comparison.newly_passed)}", highlight=False)
    console.print(f"  only the point in force passes {_told(comparison.newly_held)}", highlight=False)
    for labelled in comparison.labelled:
        wrong = "passed" if labelled.truth == "fraud_confirmed" else "not passed"
        both = f"in force {_told(labelled.enforced)}, shadow {_told(labelled.shadow)}"
        console.print(f"  {labelled.truth}, {wrong}: {both}, p {labelled.p_value:.2g}", highlight=False)
    if not comparison.labelled:
        console.print("  no labels from life yet: which of them is right cannot be said")


def _told(share: Share) -> str:
    interval = share.interval
    if interval is None:
        return "0 of 0"
    return f"{share.count} of {share.total} \\[{interval.low:.1%}, {interval.high:.1%}]"


def _body(comparison: ShadowComparison) -> dict[str, Any]:
    return {
        **comparison.shadow._asdict(),
        "total": comparison.total,
        "matrix": {
            enforced: {shadow: comparison.matrix.get((enforced, shadow), 0) for shadow in Outcome}
            for enforced in Outcome
        },
        "agreement": _share_body(comparison.agreement),
        "newly_passed": _share_body(comparison.newly_passed),
        "newly_held": _share_body(comparison.newly_held),
        "labelled": [_labelled_body(labelled) for labelled in comparison.labelled],
    }


def _labelled_body(labelled: OnLabelled) -> dict[str, Any]:
    return {
        "truth": labelled.truth,
        "wrong_in_force": _share_body(labelled.enforced),
        "wrong_shadow": _share_body(labelled.shadow),
        "p_value": labelled.p_value,
    }


def _share_body(share: Share) -> dict[str, Any]:
    interval = share.interval
    return {
        "count": share.count,
        "total": share.total,
        "interval": [interval.low, interval.high] if interval else None,
    }


def _point_body(point: OperatingPoint) -> dict[str, Any]:
    return {
        "check": point.check,
        "status": point.status,
        "threshold": point.threshold,
        "reject_below": point.reject_below,
        "target": point.target,
        "measured": point.measured,
        "interval": [point.interval.low, point.interval.high],
        "eval_set": point.eval_set,
        "run": point.run_id,
        "check_digest": point.check_digest,
        "created_on": point.created_on.isoformat(),
    }
