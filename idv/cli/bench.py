"""`idv bench`: run a candidate on an eval set, report what a run measured, compare two runs."""

import typer

app = typer.Typer(no_args_is_help=True, help="Measure candidates on frozen eval sets.")
