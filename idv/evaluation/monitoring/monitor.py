"""One look at live traffic: distributions of a window, the sequential test from where it stopped, alerts."""

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from idv.domain.live import LiveFeed, MonitorStates, Window
from idv.domain.ports import Clock
from idv.domain.results import CheckName
from idv.domain.stores import Outbox
from idv.evaluation.monitoring.alerts import EVERYBODY, alert
from idv.evaluation.monitoring.drift import GroupDrift, Limits, measure_drift
from idv.evaluation.monitoring.observations import READINGS, observe
from idv.evaluation.monitoring.samples import Reference
from idv.evaluation.monitoring.sequence import Rang, SequenceState, advance

SETTLED = dt.timedelta(minutes=10)
"""Verifications begun later are left for the next look: one still under way would be passed over for ever."""


@dataclass(frozen=True)
class Watch:
    """What is watched: traffic of one tenant or all, begun since then, against references by check."""

    references: Mapping[CheckName, Reference]
    since: dt.datetime | None = None
    tenant: str | None = None
    limits: Limits = field(default_factory=Limits)
    false_alarm_every: float = 100_000.0

    @property
    def reference(self) -> str:
        """The names of all references."""
        return ",".join(sorted(reference.name for reference in self.references.values()))

    @property
    def state_name(self) -> str:
        """Under which the sequential test goes on: another reference begins anew."""
        name = f"{self.tenant or EVERYBODY}/{self.reference}"
        if len(name) <= _NAME_LENGTH:
            return name
        digest = hashlib.sha256(name.encode()).hexdigest()  # two long names may begin alike
        return name[: _NAME_LENGTH - len(digest)] + digest


_NAME_LENGTH = 200


@dataclass(frozen=True)
class Look:
    """What one look found. `new`: names of alarms that the look before did not have."""

    groups: tuple[GroupDrift, ...]
    rang: tuple[Rang, ...]
    new: tuple[str, ...]
    alerted: bool = False

    @property
    def alarmed(self) -> bool:
        """Whether anything moved too far."""
        return bool(self.rang) or any(group.alarms for group in self.groups)


@dataclass(frozen=True)
class Monitor:
    """Looks at live traffic. `outbox`: where alerts go; None when nobody receives webhooks."""

    live: LiveFeed
    states: MonitorStates
    outbox: Outbox | None
    clock: Clock
    new_id: Callable[[str], str]

    def look(self, watch: Watch) -> Look:
        """Measure, go on with the sequential test, and announce what is new, at least once.

        Raises StorageUnavailable, IntegrityError `monitor_unreadable`, Conflict `monitor_changed` when two
        looks run at once: both may announce, only one moves the test on.
        """
        until = self.clock.now() - SETTLED
        kept = self.states.load(watch.state_name)
        state = SequenceState() if kept is None else SequenceState.from_json(kept)
        state, rang = self._advanced(state, watch, until)
        window = Window(since=watch.since, until=until, tenant=watch.tenant)
        groups = measure_drift(
            list(observe(self.live.cases(window, kinds=READINGS))), watch.references, watch.limits
        )
        names = tuple(name for group in groups for name in group.names)
        new = tuple(name for name in names if name not in state.told)
        state = dataclasses.replace(state, told=names)
        look = Look(groups, rang, new, alerted=bool(new or rang) and self.outbox is not None)
        if look.alerted:
            self._announce(watch, look)
        self.states.save(watch.state_name, state.to_json(), before=kept)
        return look

    def _advanced(
        self, state: SequenceState, watch: Watch, until: dt.datetime
    ) -> tuple[SequenceState, tuple[Rang, ...]]:
        """What came since the last look; the first one begins where the watch does."""
        window = Window(since=watch.since, until=until, tenant=watch.tenant)
        if state.mark is not None:
            window = Window(until=until, tenant=watch.tenant, after=state.mark)
        rows = observe(self.live.cases(window))
        return advance(state, rows, watch.references, false_alarm_every=watch.false_alarm_every)

    def _announce(self, watch: Watch, look: Look) -> None:
        if self.outbox is None:
            return
        told = alert(
            self.new_id("evt"),
            tenant=watch.tenant,
            reference=watch.reference,
            drifted=[group for group in look.groups if set(group.names) & set(look.new)],
            rang=look.rang,
            now=self.clock.now(),
        )
        self.outbox.announce(told)
