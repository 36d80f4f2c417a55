"""`idv config`: what is set, and where it came from."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from idv import settings
from idv.settings import Settings

app = typer.Typer(help="Show the settings in force.", no_args_is_help=True)


@app.command()
def show(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Every setting with its value (secrets masked) and source: environment, file, default or derived."""
    checked = settings.load()
    rows = {**settings.sources(checked), **_derived(checked)}
    if as_json:
        print(
            json.dumps({name: {"value": value, "source": source} for name, (value, source) in rows.items()})
        )
        return
    table = Table("setting", "value", "source", box=None)
    for name, (value, source) in rows.items():
        table.add_row(f"IDV_{name.upper()}", value, source)
    Console().print(table)


def _derived(checked: Settings) -> dict[str, tuple[str, str]]:
    """What follows from the settings where they leave it open, and which file was looked for."""
    file = settings.config_file()
    found = {"config": (f"{file}{'' if file.is_file() else ' (absent)'}", "derived")}
    if checked.database_url is None:
        found["database_url"] = (checked.database, "derived")
    if checked.keyring is None:
        found["keyring"] = (str(checked.keyring_file), "derived")
    return found
