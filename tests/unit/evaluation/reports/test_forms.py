"""Facts about the forms of a report: self-contained, accessible, escaped, and true to the summary."""

import json
import re
from html.parser import HTMLParser

import pytest

from idv.domain.eval_sets import Part
from idv.evaluation.reports.figures import Resampling
from idv.evaluation.reports.html import as_html
from idv.evaluation.reports.json_form import as_json
from idv.evaluation.reports.league import headline, league_of, names_of
from idv.evaluation.reports.markdown import as_markdown
from idv.evaluation.reports.summary import Question, Summary, summarise
from idv.evaluation.reports.wording import milliseconds, money, percent
from tests.unit.evaluation.reports.made_runs import document_run, face_run, liveness_run

QUESTION = Question(how=Resampling(resamples=30))
_VOID = {"meta", "img", "line", "circle", "rect", "path", "polyline", "polygon"}


@pytest.fixture(scope="module")
def summaries() -> dict[str, Summary]:
    """One of each kind."""
    runs = {"face": face_run(), "live": liveness_run(), "document": document_run()}
    return {name: summarise(run, QUESTION) for name, run in runs.items()}


class _Page(HTMLParser):
    """Notes what a page holds, and that every element is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of a kind."""
        return [attributes for name, attributes in self.seen if name == tag]


@pytest.mark.parametrize("name", ["face", "live", "document"])
def test_a_page_is_whole_and_needs_nothing_else(summaries: dict[str, Summary], name: str) -> None:
    """No script, no link, no address; every tag is closed; a policy forbids fetching."""
    text = as_html([summaries[name]])
    page = _Page(text)
    assert page.open == []
    assert not page.all("script")
    assert not page.all("link")
    assert not re.search(r"https?://|@import|url\(", text)
    assert "default-src 'none'" in text


def test_charts_have_names_and_tables_have_heads(summaries: dict[str, Summary]) -> None:
    """What a screen reader needs: every chart is an image with words, every table has header cells."""
    page = _Page(as_html([summaries["live"]]))
    charts = [a for a in page.all("svg") if a.get("role") == "img"]
    assert len(charts) >= 5
    assert all(len(str(a["aria-label"])) > 20 for a in charts)
    assert all(a.get("role") == "img" or a.get("aria-hidden") == "true" for a in page.all("svg"))
    assert len(page.all("table")) <= sum(a.get("scope") == "col" for a in page.all("th"))
    assert {a.get("lang") for a in page.all("html")} == {"en"}


def test_the_page_says_promises_limits_and_figures(summaries: dict[str, Summary]) -> None:
    """The sentence a compliance reader needs stands there word for word."""
    summary = summaries["face"]
    text = as_html([summary])
    for sentence in (*summary.promises, *summary.limits):
        assert sentence in text.replace("&#39;", "'")
    assert percent(headline(summary, "fnmr").value) in text
    assert summary.record.check_digest in text


def test_names_from_outside_are_escaped() -> None:
    """A candidate or an item called like a tag stays text."""
    run = face_run(candidate="<script>alert(1)</script>")
    object.__setattr__(run.table.items, "ids", tuple(f"<img src=x>{i}" for i in range(120)))
    text = as_html([summarise(run, QUESTION)])
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;img src=x&gt;" in text


def test_pictures_stand_at_their_errors(summaries: dict[str, Summary]) -> None:
    """Only those that are given, and none without them."""
    summary = summaries["live"]
    (item,) = summary.worst[0].items
    assert not _Page(as_html([summary])).all("img")
    (picture,) = _Page(as_html([summary], pictures={item: "QUJD"})).all("img")
    assert picture["src"] == "data:image/jpeg;base64,QUJD"
    assert picture["alt"]


def test_no_picture_of_a_sealed_item_is_ever_shown() -> None:
    """Even where one is handed over by mistake."""
    run = liveness_run()
    object.__setattr__(run.table.items.part, "names", (Part.SEALED, Part.TUNE))
    summary = summarise(run, Question(part=Part.SEALED, how=QUESTION.how))
    pictures = {item: "QUJD" for error in summary.worst for item in error.items}
    assert pictures
    assert not _Page(as_html([summary], pictures=pictures)).all("img")


def test_several_candidates_share_one_league_and_one_chart() -> None:
    """Each has its own threshold; runs of the same name are told apart."""
    runs = [face_run(), face_run(1, shift=5.0, run_id="run-2"), face_run(2, candidate="vendor")]
    made = [summarise(run, QUESTION) for run in runs]
    assert names_of(made) == ("open (run-1)", "open (run-2)", "vendor")
    league = league_of(made)
    assert len(league.rows) == 3
    assert all(len(row.cells) == len(league.columns) for row in league.rows)
    text = as_html(made)
    assert "All candidates (DET)" in text
    assert text.count("<h2 id=") == 6


def test_json_is_strict_and_holds_the_figures(summaries: dict[str, Summary]) -> None:
    """NaN and infinity are not JSON; what is undefined is null."""
    body = json.loads(as_json(list(summaries.values())), parse_constant=pytest.fail)
    assert [run["record"]["check"] for run in body["runs"]] == [
        "face_match",
        "liveness",
        "document_reading",
    ]
    assert body["runs"][0]["figures"][0]["name"] == "fmr"
    assert body["runs"][0]["promises"]


def test_markdown_tables_have_equal_rows(summaries: dict[str, Summary]) -> None:
    """A row with a cell too many would break the table; a pipe in a name must not make one."""
    run = liveness_run(candidate="a|b")
    text = as_markdown([summarise(run, QUESTION), *[summaries["live"]]])
    for block in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE):
        cells = {len(re.split(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(cells) == 1
    assert "APCER maximum" in text


@pytest.mark.parametrize(
    ("rate", "words"), [(None, "–"), (0.0, "0 %"), (0.001, "0.1 %"), (0.12345, "12.3 %"), (1.0, "100 %")]
)
def test_rates_in_words(rate: float | None, words: str) -> None:
    """Three figures, and a dash where there is none."""
    assert percent(rate) == words


def test_durations_and_money_in_words() -> None:
    """Without false precision."""
    assert [milliseconds(v) for v in (None, 0.123, 9.6, 1234.5)] == ["–", "0.12 ms", "9.6 ms", "1,234 ms"]
    assert [money(v, "EUR") for v in (None, 0.0, 0.12345)] == ["–", "0 EUR", "0.1235 EUR"]


def test_how_unlike_groups_are_stands_in_every_form(summaries: dict[str, Summary]) -> None:
    """Ratio and Gini a rate, GARBE, discrepancy and inequity of comparisons, with what fair would be."""
    summary = summaries["face"]
    text, document = as_html([summary]), as_markdown([summary])
    for name in ("FMR Gini", "GARBE", "fairness discrepancy rate", "inequity rate"):
        assert f'<th scope="row">{name}</th>' in text
        assert f"| {name} |" in document
    (equity,) = json.loads(as_json([summary]))["runs"][0]["equities"]
    assert equity["groups"] == ["north", "south"]
    assert f"{equity['fairness_discrepancy_rate']:.3g}" in document
    assert "GARBE" not in as_html([summaries["live"]])
