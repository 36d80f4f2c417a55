"""`idv webhooks`: what is waiting, sending it now, and sending again."""

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from idv.cli.opened import opened
from idv.domain.stores import Delivery

app = typer.Typer(help="Webhooks: list, replay, deliver.", no_args_is_help=True)


@app.command("list")
def list_deliveries(
    context: typer.Context,
    tenant: Annotated[str | None, typer.Option(help="This tenant's events only.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many, newest first.")] = 50,
) -> None:
    """Show events and where they stand."""
    table = Table("event", "tenant", "type", "created", "attempts", "state", "last failure", box=None)
    with opened(context) as doors:
        for delivery in doors.stores.outbox.list(tenant, limit=limit):
            event = delivery.event
            table.add_row(
                event.id,
                event.tenant,
                event.type,
                event.created_at.isoformat(timespec="seconds"),
                str(delivery.attempts),
                _state(delivery),
                delivery.last_failure or "",
            )
    Console().print(table)


@app.command()
def replay(
    context: typer.Context, event_id: Annotated[str, typer.Argument(help="The event to send again.")]
) -> None:
    """Make a delivered or abandoned event due now."""
    with opened(context) as doors:
        doors.stores.outbox.replay(event_id)
    typer.echo(f"{event_id} is due")


@app.command()
def deliver(
    context: typer.Context,
    follow: Annotated[bool, typer.Option("--follow", help="Keep delivering until interrupted.")] = False,
) -> None:
    """Send what is due now."""
    with opened(context) as doors:
        while True:
            delivered, failed, abandoned = doors.deliveries.run_once()
            idle = not delivered + failed + abandoned
            if not idle:
                typer.echo(f"delivered {delivered}, failed {failed}, given up {abandoned}")
            elif follow:
                time.sleep(1.0)
            else:
                return


def _state(delivery: Delivery) -> str:
    if delivery.delivered_at is not None:
        return "delivered"
    if delivery.next_attempt_at is None:
        return "given up"
    return f"due {delivery.next_attempt_at.isoformat(timespec='seconds')}"
