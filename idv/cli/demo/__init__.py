"""`idv demo`: the main job end to end, on sample photos, against the running service."""

import datetime as dt
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from idv import bootstrap, settings
from idv.cli.demo import cases as demo_cases
from idv.cli.demo import page, server
from idv.cli.demo.samples import sample_photos
from idv.cli.models import pull_with_progress
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.results import CheckName
from idv.domain.stores import Scope
from idv.settings import Settings

_COLOURS = {"accept": "green", "reject": "red"}


def demo(
    out: Annotated[Path, typer.Option(help="The HTML page to write.")] = Path("out/demo.html"),
) -> None:
    """Start the service on loopback, upload onboardings, show decisions, write one HTML page.

    Exit code 1 when a decision is not the expected one.
    """
    console = Console()
    base = settings.load()
    pull_with_progress(base.pack, base.model_repository, base.model_cache)
    with console.status("fetching sample photos"):
        samples = sample_photos(base.model_cache.parent / "samples")
    with console.status("drawing cards, photographing them"):
        cases = demo_cases.cases(samples, today=dt.datetime.now(dt.UTC).date())
    with tempfile.TemporaryDirectory(prefix="idv-demo-") as folder:
        own = settings.load(
            data_dir=Path(folder),
            host="127.0.0.1",
            port=server.free_port(),
            database_url=None,
            insecure=False,
        )
        answers = _answers(cases, own, console)
    _show(cases, answers, console)
    out.parent.mkdir(parents=True, exist_ok=True)
    with console.status("annotating images"):
        out.write_text(_page(cases, answers, own), encoding="utf-8")
    console.print(f"page: {out}")
    unexpected = [
        case.title for case, (answer, _) in zip(cases, answers, strict=True) if not _holds(case, answer)
    ]
    if unexpected:
        console.print(f"[red]not as expected:[/red] {', '.join(unexpected)}")
        raise typer.Exit(1)


Answer = tuple[dict[str, Any], float]


def _answers(cases: tuple[demo_cases.Case, ...], own: Settings, console: Console) -> list[Answer]:
    """Each case uploaded to a service with a database of its own."""
    with bootstrap.stores(own, create=True) as stores:
        _, secret = stores.keys.issue("demo", frozenset({Scope.VERIFY}), expires_at=None)
    with (
        console.status("starting the service") as status,
        server.running(own, secret, log=own.data_dir / "service.log") as client,
    ):
        answers = []
        for case in cases:
            status.update(f"uploading: {case.title}")
            answers.append(client.verify(case.parts, case.metadata))
        return answers


def _holds(case: demo_cases.Case, answer: dict[str, Any]) -> bool:
    return case.holds(answer["decision"], [reason["code"] for reason in answer["reasons"]])


_SCORES = {
    CheckName.DOCUMENT_READING: "read",
    CheckName.DOCUMENT_AUTHENTICITY: "genuine",
    CheckName.IDENTITY_MATCH: "claim",
    CheckName.FACE_MATCH: "face",
    CheckName.LIVENESS: "live",
}


def _show(cases: tuple[demo_cases.Case, ...], answers: list[Answer], console: Console) -> None:
    numbers = [Column(title, justify="right", no_wrap=True) for title in (*_SCORES.values(), "ms")]
    table = Table("onboarding", "decision", Column("reasons", no_wrap=True), *numbers, box=None)
    for case, (answer, latency_ms) in zip(cases, answers, strict=True):
        colour = _COLOURS.get(answer["decision"], "yellow")
        scores = {check["name"]: check["score"] for check in answer["checks"]}
        codes = dict.fromkeys(reason["code"] for reason in answer["reasons"])
        table.add_row(
            case.title,
            f"[{colour}]{answer['decision']}[/{colour}]",
            "\n".join(codes) or "–",
            *("–" if scores.get(name) is None else f"{scores[name]:.2f}" for name in _SCORES),
            f"{latency_ms:.0f}",
        )
    console.print(table)


def _page(cases: tuple[demo_cases.Case, ...], answers: list[Answer], own: Settings) -> str:
    shown = []
    with bootstrap.judges(own) as judges:
        for case, (answer, latency_ms) in zip(cases, answers, strict=True):
            images = {ImageRole(name): EncodedImage(data) for name, data in case.parts.items()}
            shown.append(
                page.ShownCase(
                    title=case.title,
                    expected=case.expected,
                    decision=answer["decision"],
                    latency_ms=latency_ms,
                    reasons=answer["reasons"],
                    checks=answer["checks"],
                    images=page.annotated(judges.perceiver.perceive(Evidence(images))),
                )
            )
        return page.render(shown, pack=own.pack, made_at=judges.clock.now())
