"""`idv score`: any check over any list of images."""

import os
from pathlib import Path
from typing import Annotated

import typer

from idv import bootstrap, settings
from idv.cli.bars import counting
from idv.domain.errors import RequestError
from idv.domain.results import CheckName
from idv.evaluation.items import read_items
from idv.evaluation.scoring import Scoring


def score(
    check: Annotated[CheckName, typer.Argument(help="The check to run.")],
    items: Annotated[Path, typer.Argument(help="CSV with the check's inputs as columns.")],
    root: Annotated[Path, typer.Option(help="Folder that the paths in the CSV start from.")],
    out: Annotated[Path, typer.Option(help="CSV to write; a file begun earlier is continued.")],
    threads: Annotated[int, typer.Option(min=1, help="Rows scored at a time.")] = os.cpu_count() or 1,
) -> None:
    """Score every row: the rows in order, plus outcome, score, reasons and latency_ms.

    Columns: `path` for liveness and document_reading (adds mrz, mrz_valid); `document_front,document_back` or
    `path` (the front alone) for document_authenticity; `path_a,path_b` or `document,selfie` for face_match.
    Other columns are carried through. A bad file is a row, not a crash.
    """
    listed = read_items(items, check)
    with bootstrap.judges(settings.load()) as judges, counting(check, len(listed.rows)) as tell:
        scored_check = next((c for c in judges.runner.checks if c.name is check), None)
        if scored_check is None:
            raise RequestError("check_unknown", f"the pack has no check {check}", field="check")
        scoring = Scoring(
            check=scored_check,
            runner=judges.runner,
            perceiver=judges.perceiver,
            items=listed,
            root=root,
            deadline_s=judges.settings.deadline_s,
            threads=threads,
        )
        scoring.write(out, on_row=tell)
