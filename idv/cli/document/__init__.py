"""`idv document`: judge one document on this machine, storing nothing."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from idv import bootstrap, settings
from idv.cli.document.page import Seen, render
from idv.cli.pages import write_page
from idv.domain.errors import MediaError, RequestError
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.ports import Perception
from idv.domain.results import CheckName, CheckResult, Outcome

app = typer.Typer(no_args_is_help=True, help="Judge one document.")

_EXIT_CODES = {Outcome.PASS: 0, Outcome.INCONCLUSIVE: 10, Outcome.FAIL: 12}
_COLOURS = {Outcome.PASS: "green", Outcome.FAIL: "red"}


@app.command("check")
def check(
    front: Annotated[Path, typer.Argument(help="Photo of the document's front.", metavar="IMAGE")],
    back: Annotated[Path | None, typer.Option(help="Photo of the document's back.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Page to write: the pictures with all that was seen.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell whether a document is genuine: pass (exit 0), inconclusive (10) or fail (12), with reasons.

    The page shows where the document lies, its fields and zones, a map of likely alterations and every
    reason in words. It contains the pictures themselves: keep it as carefully as the document.
    """
    evidence = Evidence(_images(front, back))
    with bootstrap.judges(settings.load()) as judges:
        judge = next((c for c in judges.runner.checks if c.name is CheckName.DOCUMENT_AUTHENTICITY), None)
        if judge is None:
            raise RequestError("check_unknown", "the pack has no check document_authenticity", field="check")
        perception = _perceived(judges.perceiver.perceive(evidence), evidence)
        deadline = judges.clock.monotonic() + judges.settings.deadline_s
        result = judges.runner.run_one(judge, evidence, perception, deadline=deadline)
        if html is not None:
            seen = Seen(judge, perception, tuple(evidence.images))
            write_page(html, render(result, seen, made_at=judges.clock.now()))
        told = to_json(result, perception, tuple(evidence.images))
    if as_json:
        print(json.dumps(told))
    else:
        _show(result)
    raise typer.Exit(_EXIT_CODES.get(result.outcome, 10))


def to_json(result: CheckResult, perception: Perception, roles: tuple[ImageRole, ...]) -> dict[str, Any]:
    """The judgement as JSON: outcome, score, reasons, signals, regions, and each side's place and type."""
    return {
        "outcome": result.outcome,
        "score": result.score,
        "threshold": result.threshold,
        "operating_point": result.operating_point,
        "provider": result.provider,
        "reasons": [{"code": r, "kind": r.kind, "sentence": r.sentence} for r in result.reasons],
        "signals": [{"name": s.name, "score": s.score, "reasons": list(s.reasons)} for s in result.signals],
        "regions": [
            {"image": r.role, "signal": r.signal, "outline": [list(corner) for corner in r.outline]}
            for r in result.regions
        ],
        "sides": {role: _side(perception, role) for role in roles},
        "latency_ms": round(result.latency_ms, 1),
    }


def _side(perception: Perception, role: ImageRole) -> dict[str, Any]:
    view, pixels = perception.document(role), perception.image(role).pixels
    size = (pixels.shape[1], pixels.shape[0])
    return {
        "document_type": perception.reading(role).document_type,
        "quadrilateral": None if view is None else (view.corners / size).round(4).tolist(),
    }


def _images(front: Path, back: Path | None) -> dict[ImageRole, EncodedImage]:
    paths = {ImageRole.DOCUMENT_FRONT: front, ImageRole.DOCUMENT_BACK: back}
    return {role: EncodedImage(_read(path, role)) for role, path in paths.items() if path is not None}


def _read(path: Path, role: ImageRole) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RequestError("file_unreadable", f"{path}: {error.strerror}", field=role) from error


def _perceived(perception: Perception, evidence: Evidence) -> Perception:
    """The perception, once every picture was decoded. Raises MediaError naming the picture."""
    for role in evidence.images:
        try:
            perception.image(role)
        except MediaError as error:
            raise MediaError(error.fault, error.message, field=role) from error
    return perception


def _show(result: CheckResult) -> None:
    console = Console()
    colour = _COLOURS.get(result.outcome, "yellow")
    scored = "" if result.score is None else f"  score {result.score:.2f}"
    against = "" if result.threshold is None else f", threshold {result.threshold:.2f}"
    console.print(f"[bold {colour}]{result.outcome}[/bold {colour}]{scored}{against}", highlight=False)
    for reason in result.reasons:
        console.print(f"  {reason.sentence} [dim]({reason})[/dim]", soft_wrap=True)
    table = Table("signal", "score", "reasons", box=None)
    for signal in result.signals:
        table.add_row(signal.name, f"{signal.score:.2f}", ", ".join(signal.reasons))
    console.print(table)
