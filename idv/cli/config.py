"""`idv config`: what is set, and where it came from."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from idv import settings

app = typer.Typer(help="Show the settings in force.", no_args_is_help=True)


@app.command()
def show(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Every setting with its value (secrets masked) and source: environment, file or default."""
    rows = settings.sources(settings.load())
    if as_json:
        print(
            json.dumps({name: {"value": value, "source": source} for name, (value, source) in rows.items()})
        )
        return
    table = Table("setting", "value", "source", box=None)
    for name, (value, source) in rows.items():
        table.add_row(f"IDV_{name.upper()}", value, source)
    Console().print(table)
