"""Judges the authenticity of the public specimens, each on the day it was issued, and prints why.

    IDV_DATA=... python -m scripts.bench.document_specimens

They are genuine layouts, scanned and photographed by others, of types that the project does not know. Wanted:
no more than 4 that fail by the tampering, template, recapture or zone signals, no more than 6 inconclusive.
Without an operating point made for the check that is loaded nothing can pass: scores and signals are printed.
"""

import argparse
import datetime as dt
import os
import time
import tomllib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from idv.bootstrap import judges
from idv.checks.document_authenticity.check import DocumentAuthenticity
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.ports import Perceiver
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome
from idv.infra.clock import ThreadClock
from idv.settings import Settings

TRANSCRIPTS, DATES = Path("tests/data/mrz_specimens.toml"), Path("tests/data/specimen_issue_dates.toml")
_DEADLINE_S = 60.0
_MOST_FAILED, _MOST_INCONCLUSIVE = 4, 6
_NO_POINT = frozenset({Reason.NO_OPERATING_POINT, Reason.OPERATING_POINT_MISMATCH})


@dataclass(frozen=True)
class OnADay:
    """A clock that stands at a date and counts the CPU time of its thread. Implements ports.Clock."""

    date: dt.date

    def now(self) -> dt.datetime:
        """Noon of that day."""
        return dt.datetime.combine(self.date, dt.time(12), tzinfo=dt.UTC)

    def monotonic(self) -> float:
        """Seconds that this thread has worked."""
        return time.thread_time()


def main() -> None:
    """Print outcome, reasons, score and signals of each, and the counts."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    folder = Path(os.environ["IDV_DATA"]) / "mrz_specimens"
    specimens = tomllib.loads(TRANSCRIPTS.read_text(encoding="utf-8"))["specimen"]
    tables = tomllib.loads(DATES.read_text(encoding="utf-8"))
    issued = {**tables["printed"], **tables["before_expiry"]}
    results = []
    with judges(Settings(decoder_workers=1), reading_clock=ThreadClock()) as made:
        check = next(one for one in made.runner.checks if one.name is CheckName.DOCUMENT_AUTHENTICITY)
        if not isinstance(check, DocumentAuthenticity):
            raise TypeError("the pack's check is another one")
        for specimen in specimens:
            # A card of format TD1 bears its zone on the back.
            role = ImageRole.DOCUMENT_BACK if specimen["format"] == "TD1" else ImageRole.DOCUMENT_FRONT
            data = EncodedImage((folder / specimen["file"]).read_bytes())
            results.append(_judged(check, made.perceiver, Evidence({role: data}), issued[specimen["file"]]))
            _say(specimen["file"], results[-1])
    _sum_up(results)


def _judged(
    check: DocumentAuthenticity, perceiver: Perceiver, evidence: Evidence, issued: dt.date
) -> CheckResult:
    clock = OnADay(issued)
    dated = replace(check, clock=clock)
    return dated.judge(evidence, perceiver.perceive(evidence), deadline=clock.monotonic() + _DEADLINE_S)


def _say(name: str, result: CheckResult) -> None:
    score = "     –" if result.score is None else f"{result.score:6.2f}"
    print(f"{name:17} {result.outcome:12} {score}  {', '.join(result.reasons) or 'no reason'}")
    print("    " + ", ".join(f"{signal.name} {signal.score:.2f}" for signal in result.signals), flush=True)


def _sum_up(results: list[CheckResult]) -> None:
    counts = Counter(result.outcome for result in results)
    print(f"\npass {counts[Outcome.PASS]}, fail {counts[Outcome.FAIL]} (wanted <= {_MOST_FAILED}), "
          f"inconclusive {counts[Outcome.INCONCLUSIVE]} (wanted <= {_MOST_INCONCLUSIVE}), "
          f"of {len(results)}")  # fmt: skip
    for outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE):
        reasons = Counter(
            reason for result in results if result.outcome is outcome for reason in result.reasons
        )
        print(
            f"{outcome}: {', '.join(f'{reason} {count}' for reason, count in reasons.most_common()) or '–'}"
        )
    without = sum(bool(_NO_POINT & set(result.reasons)) for result in results)
    if without:
        print(f"{without} have a score and no operating point made for this check")


if __name__ == "__main__":
    main()
