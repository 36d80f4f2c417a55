"""Where runs lie, and how a command opens one that a person named by its folder or its id."""

from pathlib import Path
from typing import Annotated

import typer

from idv.domain.errors import RequestError
from idv.domain.score_tables import Run
from idv.evaluation.runs.tables import RECORD, read_run

RUNS = Path("var/runs")
"""Below the working directory, ignored by git."""

RunsOption = Annotated[Path, typer.Option(envvar="IDV_RUNS_DIR", help="Where runs lie.")]


def opened_run(run: Path, runs: Path) -> Run:
    """A finished run. Raises RequestError `run_missing`, with the runs there are, and as `read_run`."""
    folder = run if (run / RECORD).is_file() or run.is_dir() else runs / run
    if not folder.is_dir():
        known = ", ".join(sorted(path.parent.name for path in runs.glob(f"*/{RECORD}"))) or "none"
        raise RequestError("run_missing", f"no run {run}; below {runs}: {known}", field="run")
    return read_run(folder)
