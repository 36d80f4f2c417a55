"""`idv bench`: run a candidate on an eval set, report what a run measured, compare two runs."""

import typer

from idv.cli import bench_compare, bench_report, bench_run

app = typer.Typer(no_args_is_help=True, help="Measure candidates on frozen eval sets.")


@app.callback()
def bench() -> None:
    """Measure candidates on frozen eval sets."""


app.command("run")(bench_run.run)
app.command("report")(bench_report.report_runs)
app.command("compare")(bench_compare.compare_runs)
