"""The report as Markdown: tables for a pull request or a wiki, without charts and pictures."""

from collections.abc import Iterator, Sequence

from idv.evaluation.reports.equity import Measure, measures
from idv.evaluation.reports.league import league_of, names_of
from idv.evaluation.reports.slices import SliceTable
from idv.evaluation.reports.summary import Summary
from idv.evaluation.reports.wording import figure_name, part_name, percent, span


def as_markdown(summaries: Sequence[Summary]) -> str:
    """All summaries of a report as one document."""
    first = summaries[0]
    names = names_of(summaries)
    lines = [
        f"# {first.record.check}: {', '.join(names)} on {first.record.set_name}",
        "",
        f"Set `{first.record.set_name}` version {first.record.set_version}, {part_name(first.part)}.",
        f"{first.counted.trials:,} trials of {first.counted.subjects:,} subjects.",
        f"Digest `{first.record.set_digest}`.",
        "",
    ]
    if len(summaries) > 1:
        league = league_of(summaries)
        lines += [
            *_table(["candidate", *league.columns], [[r.name, *map(str, r.cells)] for r in league.rows]),
            "",
        ]
    for name, summary in zip(names, summaries, strict=True):
        lines += _section(name, summary)
    return "\n".join(lines).rstrip() + "\n"


def _section(name: str, summary: Summary) -> Iterator[str]:
    yield from (f"## {name}", "")
    yield from (f"> {sentence}\n" for sentence in summary.promises)
    yield f"Cut: {summary.cut.origin}.\n"
    yield from _table(
        ["rate", "value", "interval", "errors", "trials", "subjects"],
        [
            [
                figure_name(f),
                percent(f.value),
                span(f.interval),
                f"{f.errors:,}",
                f"{f.trials:,}",
                f"{f.subjects:,}",
            ]
            for f in summary.figures
        ],
    )
    yield ""
    yield from _table(
        ["held", "value", "interval", "threshold"],
        [
            [t.name, percent(t.value), span(t.interval), "–" if t.threshold is None else f"{t.threshold:.4g}"]
            for t in summary.trade_offs
        ],
    )
    yield ""
    for table in summary.slices:
        yield from _slices(table)
        yield from _measures(measures(summary.differentials, summary.equities, table.name))
    yield from ("### What this set cannot show", "")
    yield from (f"- {sentence}" for sentence in summary.limits)
    record = summary.record
    yield ""
    yield (
        f"Run `{record.run_id}`, check digest `{record.check_digest}`, commit `{record.commit}`"
        f"{' with uncommitted changes' if record.dirty else ''}, metric version {record.metric_version}."
    )
    yield ""


def _slices(table: SliceTable) -> Iterator[str]:
    yield from (f"### By {table.name}", "")
    names = [figure.name.upper() for row in table.rows[:1] for figure in row.figures]
    yield from _table(
        [table.name, "trials", *names],
        [
            [
                row.value,
                f"{row.trials:,}",
                *(f"{percent(f.value)} {span(f.interval)}".strip() for f in row.figures),
            ]
            for row in table.rows
        ],
    )
    yield ""


def _measures(found: Sequence[Measure]) -> Iterator[str]:
    if not found:
        return
    yield from ("How unlike the groups are, by those of five subjects or more:", "")
    yield from _table(
        ["measure", "value", "if alike", "what it is"],
        [[m.name, "–" if m.value is None else f"{m.value:.3g}", str(m.fair), m.meaning] for m in found],
    )
    yield ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A pipe table, numbers to the right; a pipe in a cell would end it."""
    yield "| " + " | ".join(_cell(cell) for cell in head) + " |"
    yield "|---|" + "---:|" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(_cell(cell) for cell in row) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
