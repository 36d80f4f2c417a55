"""`idv keys`: issue, list, rotate and revoke API keys; rotate the key that wraps what is sealed.

A secret is printed once, at its making.
"""

import datetime as dt
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from idv import bootstrap, settings
from idv.cli.opened import opened
from idv.domain.stores import ApiKey, Scope

app = typer.Typer(
    help="API keys: issue, list, rotate, revoke; the master key: rotate, retire.", no_args_is_help=True
)


@app.command()
def issue(
    context: typer.Context,
    tenant: Annotated[str, typer.Argument(help="Whose verifications the key opens.")],
    scope: Annotated[
        list[Scope] | None, typer.Option(help="What the key may do; repeat (default: verify, read).")
    ] = None,
    expires_days: Annotated[
        float | None, typer.Option(min=0, help="Days until it expires (default: never).")
    ] = None,
) -> None:
    """Make a key and print its secret: it is shown now and never again."""
    scopes = frozenset(scope or (Scope.VERIFY, Scope.READ))
    expires_at = None
    if expires_days is not None:
        expires_at = dt.datetime.now(dt.UTC) + dt.timedelta(days=expires_days)
    with opened(context, create=True) as doors:
        _show_secret(*doors.stores.keys.issue(tenant, scopes, expires_at=expires_at))


@app.command("list")
def list_keys(
    context: typer.Context,
    tenant: Annotated[str | None, typer.Option(help="This tenant's keys only.")] = None,
) -> None:
    """Show all keys; secrets are not stored, so none can be shown."""
    table = Table("id", "tenant", "scopes", "created", "expires", "revoked", box=None)
    with opened(context) as doors:
        for key in doors.stores.keys.list(tenant):
            table.add_row(
                key.id,
                key.tenant,
                ", ".join(sorted(key.scopes)),
                _time(key.created_at),
                _time(key.expires_at),
                _time(key.revoked_at),
            )
    Console().print(table)


@app.command()
def rotate(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(help="The key to replace.")],
    grace_hours: Annotated[float, typer.Option(min=0, help="How long the old key still works.")] = 24.0,
) -> None:
    """Make a successor with the same tenant and scopes; the old key ends after the grace."""
    with opened(context) as doors:
        _show_secret(*doors.stores.keys.rotate(key_id, grace_s=grace_hours * 3600))


@app.command()
def revoke(context: typer.Context, key_id: Annotated[str, typer.Argument(help="The key to end.")]) -> None:
    """End a key now."""
    with opened(context) as doors:
        doors.stores.keys.revoke(key_id)
    typer.echo(f"revoked {key_id}")


@app.command("rotate-master")
def rotate_master() -> None:
    """Make a new master key and wrap every applicant's key with it; the service may go on running.

    The old master key stays in the key ring until `retire-master`, so that an interrupted rotation can be
    repeated and backups can still be opened.
    """
    rewrapped = bootstrap.master_keys(settings.load()).rotate()
    typer.echo(f"a new master key is active; {rewrapped} applicants' keys were wrapped with it")


@app.command("retire-master")
def retire_master() -> None:
    """Drop the master keys that wrap nothing any more: older backups cannot be opened from then on."""
    typer.echo(f"{bootstrap.master_keys(settings.load()).retire()} master keys retired")


def _show_secret(key: ApiKey, secret: str) -> None:
    """The secret alone on stdout, so that it can be piped; the rest on stderr."""
    typer.echo(
        f"key {key.id} of {key.tenant}, may {', '.join(sorted(key.scopes))}; store the secret now:", err=True
    )
    typer.echo(secret)


def _time(at: dt.datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="seconds")
