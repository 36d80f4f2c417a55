"""`idv verify`: decide on one document and one selfie, on this machine, storing nothing."""

import datetime as dt
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from idv import bootstrap, settings
from idv.domain.decisions import Decision, DecisionRecord
from idv.domain.errors import MediaError, RequestError
from idv.domain.evidence import ClaimedIdentity, EncodedImage, Evidence, ImageRole
from idv.domain.results import CheckResult
from idv.workflow.policy import decide

_EXIT_CODES = {Decision.ACCEPT: 0, Decision.STEP_UP: 10, Decision.REVIEW: 11, Decision.REJECT: 12}


def verify(
    document: Annotated[Path, typer.Argument(help="Photo of the document's front.")],
    selfie: Annotated[Path, typer.Argument(help="Photo of the person.")],
    back: Annotated[Path | None, typer.Option(help="Photo of the document's back.")] = None,
    name: Annotated[str | None, typer.Option(help="Full name the person claims.")] = None,
    born: Annotated[str | None, typer.Option(help="Date of birth the person claims, YYYY-MM-DD.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Decide: accept (exit 0), step_up (10), review (11) or reject (12), with reasons."""
    evidence = Evidence(_images(document, selfie, back), _claimed(name, born))
    with bootstrap.judges(settings.load()) as judges:
        perception = judges.perceiver.perceive(evidence)
        for role in evidence.images:
            try:
                perception.image(role)
            except MediaError as error:
                raise MediaError(error.fault, error.message, field=role) from error
        deadline = judges.clock.monotonic() + judges.settings.deadline_s
        results = judges.runner.run(evidence, perception, deadline=deadline)
        record = decide(results, judges.rules, now=judges.clock.now(), loaded=judges.loaded)
    if as_json:
        print(json.dumps(to_json(record, results)))
    else:
        _show(record, results)
    raise typer.Exit(_EXIT_CODES[record.decision])


def to_json(record: DecisionRecord, results: tuple[CheckResult, ...]) -> dict[str, Any]:
    """The decision as JSON: `decision`, `reasons[]`, `steps[]`, `checks[]`."""
    return {
        "decision": record.decision,
        "reasons": [
            {"check": f.check, "code": f.reason, "kind": f.reason.kind, "sentence": f.reason.sentence}
            for f in record.findings
        ],
        "steps": list(record.steps),
        "checks": [
            {
                "name": result.name,
                "outcome": result.outcome,
                "score": result.score,
                "threshold": result.threshold,
                "operating_point": result.operating_point,
                "provider": result.provider,
                "reasons": list(result.reasons),
                "latency_ms": round(result.latency_ms, 1),
            }
            for result in results
        ],
    }


def _images(document: Path, selfie: Path, back: Path | None) -> dict[ImageRole, EncodedImage]:
    paths = {ImageRole.DOCUMENT_FRONT: document, ImageRole.SELFIE: selfie}
    if back is not None:
        paths[ImageRole.DOCUMENT_BACK] = back
    return {role: EncodedImage(_read(path, role)) for role, path in paths.items()}


def _read(path: Path, role: ImageRole) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RequestError("file_unreadable", f"{path}: {error.strerror}", field=role) from error


def _claimed(name: str | None, born: str | None) -> ClaimedIdentity | None:
    if name is None and born is None:
        return None
    try:
        date_of_birth = dt.date.fromisoformat(born) if born else None
    except ValueError:
        raise RequestError("date_invalid", "expected a date as YYYY-MM-DD", field="born") from None
    return ClaimedIdentity(full_name=name, date_of_birth=date_of_birth)


_COLOURS = {"accept": "green", "pass": "green", "reject": "red", "fail": "red"}


def _show(record: DecisionRecord, results: tuple[CheckResult, ...]) -> None:
    console = Console()
    colour = _COLOURS.get(record.decision, "yellow")
    console.print(f"[bold {colour}]{record.decision}[/bold {colour}]")
    for finding in record.findings:
        console.print(
            f"  {finding.check}: {finding.reason.sentence} [dim]({finding.reason})[/dim]", soft_wrap=True
        )
    for step in record.steps:
        console.print(f"  asked for: {step}")
    table = Table("check", "outcome", "score", "threshold", "ms", box=None)
    for result in results:
        colour = _COLOURS.get(result.outcome, "yellow")
        table.add_row(
            result.name,
            f"[{colour}]{result.outcome}[/{colour}]",
            _number(result.score),
            _number(result.threshold),
            f"{result.latency_ms:.0f}",
        )
    console.print(table)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
