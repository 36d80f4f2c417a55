"""Use cases of labels from life: told late, revised by telling again, joined to results by verification."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from idv.domain.errors import Conflict, RequestError
from idv.domain.labels import LabelSource, LifeLabel, Truth
from idv.domain.ports import Clock
from idv.domain.stores import Claim, StoredReply, VerificationStore, Write

LABELLED = "verification.labelled"
_TRIES = 5
Render = Callable[[str, Sequence[LifeLabel]], StoredReply]
"""Makes the reply from a verification's id and all of its labels."""


@dataclass(frozen=True)
class Told:
    """A label as somebody tells it: `known_at` is when they knew."""

    truth: Truth
    source: LabelSource
    labelled_by: str
    known_at: dt.datetime


@dataclass(frozen=True)
class Teller:
    """Who tells: the tenant, and the key or person the audit entry is about."""

    tenant: str
    actor: str
    claim: Claim | None = None


@dataclass(frozen=True)
class Labelling:
    """Appends labels; nothing of a verification but its list of labels ever changes."""

    store: VerificationStore
    clock: Clock

    def tell(
        self, teller: Teller, verification_id: str, told: Told, *, render: Render | None = None
    ) -> tuple[LifeLabel, ...]:
        """Append a label; returns all of them, oldest first.

        Raises NotFound, RequestError `known_in_the_future`, Conflict, StorageUnavailable.
        """
        label = self._label(told)
        for attempt in range(_TRIES):
            try:
                return self._append(teller, verification_id, label, render)
            except Conflict as error:
                # A decision made at the same moment: the label is about the verification as it is now.
                if error.code != "verification_changed" or attempt == _TRIES - 1:
                    raise
        raise AssertionError

    def of(self, tenant: str, verification_id: str) -> tuple[LifeLabel, ...]:
        """All labels of a verification, oldest first. Raises NotFound."""
        return self.store.labels(tenant, verification_id)

    def is_news(self, tenant: str, verification_id: str, told: Told) -> bool:
        """Whether the label in force says anything else. Raises NotFound."""
        labels = self.of(tenant, verification_id)
        return not labels or _said(labels[-1]) != told

    def _append(
        self, teller: Teller, verification_id: str, label: LifeLabel, render: Render | None
    ) -> tuple[LifeLabel, ...]:
        verification = self.store.get(teller.tenant, verification_id)
        labels = (*self.store.labels(teller.tenant, verification_id), label)
        change = Write(
            verification=verification,
            action=LABELLED,
            actor=teller.actor,
            claim=teller.claim,
            reply=render(verification_id, labels) if render else None,
            labels=(label,),
        )
        self.store.write(change)
        return labels

    def _label(self, told: Told) -> LifeLabel:
        now = self.clock.now()
        if told.known_at > now:
            raise RequestError("known_in_the_future", "Nobody knows this yet.", field="known_at")
        return LifeLabel(told.truth, told.source, told.labelled_by, told.known_at.astimezone(dt.UTC), now)


def _said(label: LifeLabel) -> Told:
    return Told(label.truth, label.source, label.labelled_by, label.known_at)
