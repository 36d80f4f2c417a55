"""The tuning report as one self-contained HTML file."""

from collections.abc import Iterator
from itertools import groupby

from idv.evaluation.catalogue import Rate
from idv.evaluation.reports.charts import Chart, lines_chart
from idv.evaluation.reports.page import filled
from idv.evaluation.reports.targets import Side, rate_on
from idv.evaluation.reports.wording import part_name
from idv.evaluation.tuning.expected import APPLICANTS
from idv.evaluation.tuning.tuned import Tuned

_FATES = {
    "pass": "pass",
    "inconclusive": "inconclusive: asked again or reviewed",
    "fail": "fail",
    "no_score": "no score",
}


def as_html(tuned: Tuned) -> str:
    """The page of one tuning."""
    record = tuned.record
    parts = [{"title": part_name(tuned.chosen_on), "figures": tuned.tuned}]
    if tuned.held_out:
        parts.append({"title": "part test, which it was not chosen on", "figures": tuned.held_out})
    check = record.check.value.replace("_", " ")
    values = {
        "title": f"Operating point for {check}",
        "tuned": tuned,
        "record": record,
        "point": tuned.point,
        "parts": parts,
        "applicants": APPLICANTS,
        "fates": [_FATES[count.fate] for count in tuned.expected[0].counts],
        "charts": list(_charts(tuned)),
        "changes": [
            (name, list(rows))
            for name, rows in groupby(tuned.changes.slices, key=lambda change: change.slice)
        ],
        "provenance": list(_provenance(tuned)),
    }
    return filled("tuning.html", values, package="idv.evaluation.tuning")


def _charts(tuned: Tuned) -> Iterator[Chart]:
    check = tuned.record.check
    at = [(tuned.point.threshold, f"chosen, {tuned.point.threshold:.4g}")]
    if tuned.changes.against is not None:
        at.append((tuned.changes.against.threshold, f"in force, {tuned.changes.against.threshold:.4g}"))
    accepts, rejects = rate_on(check, Side.FALSE_ACCEPT), rate_on(check, Side.FALSE_REJECT)
    yield lines_chart(
        "Trade-off",
        x_name="threshold",
        y_name="error rate",
        lines=[
            (_worst(accepts), [(p.threshold, p.false_accept) for p in tuned.curve]),
            (rejects.name.upper(), [(p.threshold, p.false_reject) for p in tuned.curve]),
        ],
        at=at,
        note=f"On {part_name(tuned.chosen_on)}; probit scale.",
        rates=True,
    )
    costs = [(p.threshold, p.cost) for p in tuned.curve if p.cost is not None]
    if costs:
        yield lines_chart(
            "Expected cost of an applicant",
            x_name="threshold",
            y_name=f"cost, {tuned.record.currency}",
            lines=[("expected cost", costs)],
            at=at,
            note=f"At {100 * tuned.wish.prior:g} % fraud, on {part_name(tuned.chosen_on)}.",
        )


def _worst(rate: Rate) -> str:
    return f"{rate.name.upper()} of the worst species" if rate.per_species else rate.name.upper()


def _provenance(tuned: Tuned) -> Iterator[tuple[str, str]]:
    point, record = tuned.point, tuned.record
    yield "target", point.target
    yield "status", point.status
    yield "check digest", point.check_digest
    yield "set", f"{point.eval_set}, digest {point.eval_set_digest}"
    yield "run", f"{record.run_id}, metric version {record.metric_version}"
    yield "code", record.commit + (" with uncommitted changes" if record.dirty else "")
    yield "chosen on", f"{point.created_on}"
