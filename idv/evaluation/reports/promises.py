"""What a threshold can be said to promise, in sentences a compliance reader can quote; and what it cannot."""

from collections.abc import Iterator, Sequence

from idv.domain.score_tables import RunRecord, Trials
from idv.evaluation.catalogue import RATES, rates_of
from idv.evaluation.reports.cuts import Cut
from idv.evaluation.reports.figures import Figure, Resampling, figure_of
from idv.evaluation.reports.operation import Operation
from idv.evaluation.reports.targets import Side, groups_of, side_of
from idv.evaluation.reports.wording import figure_name, percent
from idv.metrics.intervals import clopper_pearson, rule_of_30, rule_of_three

_CONFIDENCE = 0.95
_FEW_SUBJECTS = 30
_OF_PAIRS = ("fmr", "fnmr")
_NON_RESPONSES = tuple(rate.name for rate in RATES if side_of(rate) is Side.NON_RESPONSE)


def promises(record: RunRecord, trials: Trials, cut: Cut, how: Resampling) -> tuple[str, ...]:
    """One sentence for each rate that a threshold moves; of a rate by species, one for the worst species."""
    return tuple(_promises(record, trials, cut, how))


def _promises(record: RunRecord, trials: Trials, cut: Cut, how: Resampling) -> Iterator[str]:
    if not len(trials):
        return
    # The upper end of a two-sided 90 % interval is a one-sided bound with 95 % confidence.
    two_sided = Resampling(how.resamples, 2 * _CONFIDENCE - 1, how.seed)
    where = (
        "As the candidate itself decides" if cut.threshold is None else f"At threshold {cut.threshold:.6g}"
    )
    for rate in rates_of(record.check):
        if side_of(rate) is Side.NON_RESPONSE:
            continue
        bounds = [
            (upper_bound(figure), figure)
            for group in groups_of(rate, trials)
            for figure in [figure_of(rate, group.trials, cut.threshold, two_sided, group=group.name)]
            if figure.value is not None
        ]
        if not bounds:
            yield f"{rate.name.upper()} cannot be stated: no trial of this set counts for it."
            continue
        bound, figure = max(bounds, key=lambda item: item[0])
        of_species = f" of the worst species ({figure.group})" if figure.group else ""
        yield (
            f"{where}, {rate.name.upper()}{of_species} is at most {percent(bound)} with 95 % confidence, "
            f"measured on {figure.trials:,} {_trials_word(record, figure)} of {figure.subjects:,} subjects "
            f"with {figure.errors:,} error{'' if figure.errors == 1 else 's'}{_basis(figure)}."
        )


def reading_promises(operation: Operation) -> tuple[str, ...]:
    """At least so many documents are read exactly; the exact bound of Clopper and Pearson."""
    reads = operation.reads
    if reads is None:
        return ()
    bound = clopper_pearson(reads.exact, reads.items, confidence=2 * _CONFIDENCE - 1).low
    measured = f"measured on {reads.items:,} documents of which {reads.exact:,} were"
    return (f"At least {percent(bound)} of documents are read exactly with 95 % confidence, {measured}.",)


def upper_bound(figure: Figure) -> float:
    """What holds with 95 % confidence: the interval's end, or without an error the rule of three.

    The rule of three counts each subject once, for comparisons each pair of subjects, however many trials
    they gave: trials of one subject repeat each other. `figure` must carry a two-sided 90 % interval.
    """
    if figure.errors == 0:
        return rule_of_three(independent_trials(figure), confidence=_CONFIDENCE)
    return 1.0 if figure.interval is None else figure.interval.high


def independent_trials(figure: Figure) -> int:
    """Trials of which no two share a subject, at least one; of comparisons, half as many as subjects."""
    pairs = figure.name in _OF_PAIRS
    return max(1, min(figure.trials, figure.subjects // 2 if pairs else figure.subjects))


def _basis(figure: Figure) -> str:
    if figure.errors:
        return " (bootstrap over subjects)"
    if independent_trials(figure) == figure.trials:
        return " (rule of three)"
    hopeful = rule_of_three(figure.trials, confidence=_CONFIDENCE)
    return (
        f" (rule of three over {independent_trials(figure):,} trials that share no subject; were all trials "
        f"independent, {percent(hopeful)})"
    )


def _trials_word(record: RunRecord, figure: Figure) -> str:
    if record.comparisons.value != "none":
        return "comparisons"
    return "presentations" if figure.name in ("apcer", "bpcer") else "documents"


def limits(record: RunRecord, figures: Sequence[Figure], cut: Cut, *, unknown: int) -> tuple[str, ...]:
    """What the set cannot show: its own limits, then what its size forbids to say."""
    return (*record.limits, *_by_size(figures), *_by_choice(cut), *_by_truth(unknown), *_by_record(record))


def _by_size(figures: Sequence[Figure]) -> Iterator[str]:
    stated = [f for f in figures if f.value is not None and not f.worst and f.name not in _NON_RESPONSES]
    spotless = [
        f"{figure_name(f)} of {percent(rule_of_three(independent_trials(f)))}"
        for f in stated
        if f.errors == 0
    ]
    if spotless:
        yield f"No error was seen, but these cannot be excluded (rule of three): {'; '.join(spotless)}."
    people = min((f.subjects for f in stated), default=_FEW_SUBJECTS)
    if people < _FEW_SUBJECTS:
        yield (
            f"Only {people} subjects stand behind some of the rates: how much people differ can hardly be "
            "seen, so intervals are rough."
        )
    few = [f"{figure_name(f)} ({f.errors})" for f in stated if f.errors and not rule_of_30(f.errors)]
    if few:
        yield (
            "Fewer than 30 errors, so the true rate may well lie more than 30 % off the measured one "
            f"(rule of 30): {', '.join(few)}."
        )


def _by_choice(cut: Cut) -> Iterator[str]:
    if cut.optimistic:
        yield (
            "The threshold was chosen on the very trials it is reported on, so the rates at it flatter; "
            "tune on one part and report another."
        )


def _by_truth(unknown: int) -> Iterator[str]:
    if unknown:
        yield f"{unknown:,} items have no label that may be used here and count nowhere."


def _by_record(record: RunRecord) -> Iterator[str]:
    if record.dirty:
        yield "The run was made with uncommitted code: nobody else can make it again exactly."
    if record.finished_at is None:
        yield "The run is not finished: what is missing may differ from what is here."
