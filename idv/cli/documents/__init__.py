"""`idv documents`: the catalogue of document types of this installation, and how new ones are made."""

import typer

from idv.cli.documents import capture, catalogue, trial

app = typer.Typer(no_args_is_help=True, help="The types of document that are known, and new ones.")
app.command("list")(catalogue.list_types)
app.command("show")(catalogue.show)
app.command("test")(trial.try_out)
app.command("capture")(capture.capture)
