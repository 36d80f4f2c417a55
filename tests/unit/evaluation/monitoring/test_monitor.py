"""Looking at live traffic again and again: the sequential test, its state, and alerts told once."""

import datetime as dt
import itertools
import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from idv.domain.decisions import Decision, DecisionRecord
from idv.domain.errors import Conflict, IntegrityError
from idv.domain.results import CheckName, Outcome
from idv.domain.stores import Stores, Write
from idv.domain.verifications import Status, Verification
from idv.evaluation.monitoring.monitor import SETTLED, Monitor, Watch
from idv.evaluation.monitoring.observations import Observed, observe
from idv.evaluation.monitoring.samples import Reference, reference_of_window
from idv.evaluation.monitoring.sequence import Rang, SequenceState, advance
from idv.infra.clock import ManualClock
from idv.infra.storage.keyring import KeyRing
from idv.infra.storage.memory import memory_stores
from tests.unit.evaluation.monitoring.live import AT, case, result

LIVENESS = CheckName.LIVENESS
EVERY = 1000.0


def traffic(seed: int, size: int, *, unsure: float = 0.05, shift: float = 0.0) -> list[Observed]:
    """Live liveness results, some of which could not say."""
    rng = np.random.default_rng(seed)
    outcomes = [Outcome.INCONCLUSIVE if x < unsure else Outcome.PASS for x in rng.random(size)]
    scores = rng.normal(shift, 1.0, size)
    made = (result(float(s), o) for s, o in zip(scores, outcomes, strict=True))
    return list(observe(case(n, r) for n, r in enumerate(made)))


REFERENCE = {LIVENESS: reference_of_window("w", traffic(99, 2000))}


def fed(rows: Sequence[Observed]) -> tuple[SequenceState, tuple[Rang, ...]]:
    """All rows in one go."""
    return advance(SequenceState(), rows, REFERENCE, false_alarm_every=EVERY)


def test_traffic_as_ever_rings_less_often_than_promised() -> None:
    """Ten times 2,000 results in two streams: at most one false alarm in a thousand, on average."""
    rang = sum(len(fed(traffic(seed, 2000))[1]) for seed in range(10))
    assert rang <= 2 * 10 * 2000 / EVERY / 4


def test_a_rise_of_those_that_cannot_say_rings_soon() -> None:
    """From 5 % to 15 % after 1,000 good ones: rung within 400 results."""
    rows = [*traffic(1, 1000), *traffic(2, 400, unsure=0.15)]
    _, rang = fed(rows)
    assert [alarm.stream for alarm in rang][:1] == ["liveness/open/inconclusive"]
    assert rang[0].results > 1000


def test_falling_scores_ring_although_every_outcome_stays() -> None:
    """Half a standard deviation lower."""
    _, rang = fed([*traffic(1, 1000), *traffic(2, 500, shift=-0.5)])
    assert rang[0].stream == "liveness/open/low_score"


def test_scores_of_other_models_are_not_held_against_the_reference() -> None:
    """Another model's scores may all lie lower and mean the same; that it cannot say is still counted."""
    rows = [replace(row, check_digest="e") for row in traffic(2, 500, unsure=0.5, shift=-3.0)]
    state, rang = fed(rows)
    assert {alarm.stream for alarm in rang} == {"liveness/open/inconclusive"}
    assert state.streams.keys() == {"liveness/open/inconclusive"}


def test_what_goes_on_rings_again() -> None:
    """After an alarm the stream begins anew."""
    assert len(fed(traffic(2, 2000, unsure=0.5))[1]) > 1


@pytest.mark.parametrize("cut", [0, 1, 700, 1499, 1500])
def test_looking_in_between_changes_nothing(cut: int) -> None:
    """Fed in two portions, with the state written down and read again, everything is as fed in one."""
    rows = [*traffic(1, 1000), *traffic(2, 500, unsure=0.3)]
    state, first = fed(rows[:cut])
    again = SequenceState.from_json(state.to_json())
    assert again == state
    ended, second = advance(again, rows[cut:], REFERENCE, false_alarm_every=EVERY)
    assert ((*first, *second), ended) == (fed(rows)[1], fed(rows)[0])


@pytest.mark.parametrize("text", ["", "[]", '{"told": []}', '{"told": [], "mark": 3, "streams": {}}'])
def test_a_broken_state_is_named(text: str) -> None:
    """It is not taken for a fresh one: the test would silently begin anew."""
    with pytest.raises(IntegrityError) as raised:
        SequenceState.from_json(text)
    assert raised.value.code == "monitor_unreadable"


class Station:
    """A store with live verifications, and a monitor over it."""

    def __init__(self) -> None:
        self.clock = ManualClock(AT)
        self.stores: Stores = memory_stores(keyring=KeyRing.generate(), clock=self.clock)
        numbers = itertools.count(1)
        self.monitor = Monitor(
            self.stores.live,
            self.stores.monitors,
            self.stores.outbox,
            self.clock,
            new_id=lambda kind: f"{kind}_{next(numbers)}",
        )
        self._begun = 0

    def add(self, rows: Sequence[Observed], tenant: str = "acme") -> None:
        """One verification a row, a second apart; the clock goes along."""
        for row in rows:
            self._begun += 1
            self.clock.advance(1.0)
            now = self.clock.now()
            made = result(row.score, row.outcome)
            record = DecisionRecord(Decision.ACCEPT, (), (), "onboarding", "p", now)
            item = Verification(
                f"v{self._begun:05d}", tenant, Status.DECIDED, now, now, results=(made,), decisions=(record,)
            )
            self.stores.verifications.write(Write(item, "verification.decided", "k"))

    def alerts(self) -> list[dict[str, object]]:
        """What webhooks are told."""
        due = self.stores.outbox.due(now=self.clock.now(), limit=99)
        return [json.loads(event.payload) for event, _ in due]


WATCH = Watch(REFERENCE, false_alarm_every=EVERY)


def test_nothing_is_announced_while_nothing_moved() -> None:
    """A look at traffic as ever."""
    station = Station()
    station.add(traffic(1, 400))
    station.clock.advance(SETTLED.total_seconds() + 1)
    look = station.monitor.look(WATCH)
    assert not look.alarmed
    assert station.alerts() == []


def test_an_alarm_is_announced_once_and_again_after_it_was_over() -> None:
    """A second look at the same traffic tells nothing new; the distributions still say so."""
    station = Station()
    station.add(traffic(1, 400, shift=-2.0))
    station.clock.advance(SETTLED.total_seconds() + 1)
    first = station.monitor.look(WATCH)
    assert first.alerted
    second = station.monitor.look(WATCH)
    assert second.alarmed
    assert not second.alerted
    (told,) = station.alerts()
    assert told["type"] == "monitor.alert"
    assert "v0000" not in json.dumps(told)
    begun = station.clock.now()
    station.add(traffic(2, 400))
    station.clock.advance(SETTLED.total_seconds() + 1)
    assert not station.monitor.look(replace(WATCH, since=begun)).alarmed
    assert station.monitor.look(WATCH).alerted


def test_verifications_that_may_be_under_way_are_left_for_the_next_look() -> None:
    """The sequential test sees each verification once, and none too early."""
    station = Station()
    station.add(traffic(1, 5))
    station.monitor.look(WATCH)
    name = WATCH.state_name
    assert SequenceState.from_json(str(station.stores.monitors.load(name))).mark is None
    station.clock.advance(SETTLED.total_seconds() + 1)
    for _ in range(2):
        station.monitor.look(WATCH)
        state = SequenceState.from_json(str(station.stores.monitors.load(name)))
        assert {stream.results for stream in state.streams.values()} == {5}


def test_without_anybody_who_listens_nothing_is_stored_for_them() -> None:
    """The look itself still tells."""
    station = Station()
    station.add(traffic(1, 400, shift=-2.0))
    station.clock.advance(SETTLED.total_seconds() + 1)
    look = replace(station.monitor, outbox=None).look(WATCH)
    assert look.alarmed
    assert not look.alerted
    assert station.alerts() == []


def test_watches_of_many_references_keep_apart() -> None:
    """Names that are too long for the store, and begin alike, are still two."""
    reference = REFERENCE[LIVENESS]
    one, other = (
        Watch({check: replace(reference, name=f"{check}{'r' * 90}{last}") for check in list(CheckName)[:3]})
        for last in "ab"
    )
    assert one.state_name != other.state_name
    assert max(len(one.state_name), len(other.state_name)) <= 200


def test_only_the_tenant_asked_for_is_watched() -> None:
    """Another tenant's fall does not ring here, and has a state of its own."""
    station = Station()
    station.add(traffic(1, 300))
    station.add(traffic(2, 300, shift=-3.0), tenant="other")
    station.clock.advance(SETTLED.total_seconds() + 1)
    assert not station.monitor.look(replace(WATCH, tenant="acme")).alarmed
    assert station.monitor.look(replace(WATCH, tenant="other")).alarmed


def test_of_two_looks_at_once_one_moves_the_test_on() -> None:
    """The other gets Conflict, so that nothing is counted twice."""
    station = Station()

    class Overtaken:
        """States that somebody else replaces between reading and writing."""

        def load(self, name: str) -> str | None:
            kept = station.stores.monitors.load(name)
            station.stores.monitors.save(name, SequenceState(told=("x",)).to_json(), before=kept)
            return kept

        def save(self, name: str, state: str, *, before: str | None) -> None:
            station.stores.monitors.save(name, state, before=before)

    with pytest.raises(Conflict):
        replace(station.monitor, states=Overtaken()).look(WATCH)


def test_another_reference_begins_another_test() -> None:
    """What was counted against the old one says nothing about the new."""
    other = Reference("other", REFERENCE[LIVENESS].all)
    assert Watch({LIVENESS: other}).state_name != WATCH.state_name


def test_a_window_begins_where_it_is_told() -> None:
    """Old traffic that moved is not held against today's."""
    station = Station()
    station.add(traffic(1, 400, shift=-2.0))
    begun = station.clock.now() + dt.timedelta(seconds=0.5)
    station.add(traffic(2, 400))
    station.clock.advance(SETTLED.total_seconds() + 1)
    assert not station.monitor.look(replace(WATCH, since=begun)).alarmed
