"""The fakes beside `SqlLiveFeed` and `SqlMonitorStates`."""

from collections.abc import Iterator

from idv.domain.labels import truth_in_force
from idv.domain.live import LiveCase, Window
from idv.domain.verifications import Verification
from idv.infra.storage.live import monitor_changed
from idv.infra.storage.memory.verifications import MemoryVerificationStore


class MemoryLiveFeed:
    """The port `LiveFeed`."""

    def __init__(self, store: MemoryVerificationStore) -> None:
        self._store = store

    def cases(self, window: Window, *, kinds: frozenset[str] = frozenset()) -> Iterator[LiveCase]:
        """Oldest first."""
        for verification in self._store.everything():
            case = self._case(verification, kinds)
            if _inside(case, window):
                yield case

    def _case(self, verification: Verification, kinds: frozenset[str]) -> LiveCase:
        private = self._store.private(verification.tenant, verification.id) if kinds else {}
        record = verification.decision
        return LiveCase(
            id=verification.id,
            tenant=verification.tenant,
            created_at=verification.created_at,
            decision=record.decision if record else None,
            results=verification.results,
            truth=truth_in_force(self._store.labels(verification.tenant, verification.id)),
            private={kind: blob for kind, blob in private.items() if kind in kinds},
        )


class MemoryMonitorStates:
    """The port `MonitorStates`."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}

    def load(self, name: str) -> str | None:
        """The state last saved."""
        return self._states.get(name)

    def save(self, name: str, state: str, *, before: str | None) -> None:
        """Replace it."""
        if self._states.get(name) != before:
            raise monitor_changed()
        self._states[name] = state


def _inside(case: LiveCase, window: Window) -> bool:
    return (
        (window.tenant is None or case.tenant == window.tenant)
        and (window.since is None or case.created_at >= window.since)
        and (window.until is None or case.created_at < window.until)
        and (window.after is None or case.mark > window.after)
    )
