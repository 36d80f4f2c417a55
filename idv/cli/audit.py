"""`idv audit`: verify, list, export the audit log, and take checkpoints to keep elsewhere."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TextIO

import typer

from idv.cli.opened import opened
from idv.domain.stores import AuditEntry, AuditLog

app = typer.Typer(help="The audit log: verify, list, export, checkpoint.", no_args_is_help=True)

_BATCH = 1000


@app.command()
def verify(
    context: typer.Context,
    checkpoint: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A checkpoint kept from earlier.")
    ] = None,
) -> None:
    """Check the chain, all verifications against it, and a checkpoint. Exit code 4 when one is broken.

    Without a checkpoint, a cut tail whose end was rewritten too cannot be noticed.
    """
    with opened(context) as doors:
        if checkpoint is not None:
            sequence = doors.stores.audit.verify_checkpoint(checkpoint.read_bytes())
            typer.echo(f"the chain passes through the checkpoint at entry {sequence}")
        typer.echo(f"{doors.stores.audit.verify()} entries verified")
        typer.echo(f"{doors.stores.upkeep.verify_records()} verifications are what the log says they are")


@app.command("list")
def list_entries(
    context: typer.Context,
    after: Annotated[int, typer.Option(min=0, help="Begin after this entry.")] = 0,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 50,
    verification: Annotated[str | None, typer.Option(help="Entries about this verification only.")] = None,
) -> None:
    """Print entries as JSON lines. Persons stand in them as keyed hashes only."""
    with opened(context) as doors:
        audit = doors.stores.audit
        about = None if verification is None else audit.pseudonym(verification)
        for entry in _entries(audit, after=after):
            if about is not None and entry.body.get("verification") != about:
                continue
            typer.echo(_line(entry))
            limit -= 1
            if limit == 0:
                return


@app.command()
def checkpoint(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="File to write (default: stdout).")] = None,
) -> None:
    """Sign where the chain ends now. Keep it where whoever can change the database cannot."""
    with opened(context) as doors:
        signed = doors.stores.audit.checkpoint()
    if out is None:
        typer.echo(signed.decode())
    else:
        out.write_bytes(signed)


@app.command()
def export(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(dir_okay=False, help="File to write: entries as JSON lines.")],
) -> None:
    """Write all entries, and beside them a checkpoint (`<out>.checkpoint`) over exactly these."""
    with opened(context) as doors:
        signed = doors.stores.audit.checkpoint()
        length = int(json.loads(signed)["sequence"])
        with out.open("w", encoding="utf-8") as file:
            _export(doors.stores.audit, length, file)
        out.with_name(f"{out.name}.checkpoint").write_bytes(signed)
    typer.echo(f"{length} entries exported")


def _export(audit: AuditLog, length: int, file: TextIO) -> None:
    for entry in _entries(audit, after=0):
        if entry.sequence > length:
            return
        file.write(_line(entry) + "\n")


def _entries(audit: AuditLog, *, after: int) -> Iterator[AuditEntry]:
    while batch := audit.entries(after=after, limit=_BATCH):
        yield from batch
        after = batch[-1].sequence


def _line(entry: AuditEntry) -> str:
    shown = {
        "sequence": entry.sequence,
        "at": entry.at.isoformat(timespec="microseconds"),
        "action": entry.action,
        "body": dict(entry.body),
        "previous": entry.previous,
        "digest": entry.digest,
    }
    return json.dumps(shown, sort_keys=True)
