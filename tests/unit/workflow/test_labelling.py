"""Labels from life: appended, revised by telling again, never touching what was decided."""

import datetime as dt
from dataclasses import replace

import pytest

from idv.domain.decisions import Decision, DecisionRecord
from idv.domain.errors import Conflict, NotFound, RequestError
from idv.domain.labels import LabelSource, Truth, truth_in_force
from idv.domain.stores import Stores, Write
from idv.domain.verifications import Status, Verification
from idv.infra.clock import ManualClock
from idv.infra.storage.keyring import KeyRing
from idv.infra.storage.memory import memory_stores
from idv.workflow.labelling import LABELLED, Labelling, Teller, Told

CLOCK = ManualClock()
TELLER = Teller("acme", "key-1")
KNOWN = CLOCK.now() - dt.timedelta(days=40)
FRAUD = Told(Truth.FRAUD_CONFIRMED, LabelSource.CHARGEBACK, "b.meier", KNOWN)
GENUINE = replace(FRAUD, truth=Truth.GENUINE_CONFIRMED, source=LabelSource.MANUAL_REVIEW)


@pytest.fixture
def stores() -> Stores:
    """One decided verification of acme's."""
    made = memory_stores(keyring=KeyRing.generate(), clock=CLOCK)
    now = CLOCK.now()
    record = DecisionRecord(Decision.ACCEPT, (), (), "onboarding", "p", now)
    case = Verification("v1", "acme", Status.DECIDED, now, now, decisions=(record,))
    made.verifications.write(Write(case, "verification.decided", "key-1"))
    return made


@pytest.fixture
def labelling(stores: Stores) -> Labelling:
    """The use cases over it."""
    return Labelling(stores.verifications, CLOCK)


def test_a_label_is_appended_and_the_decision_stays(labelling: Labelling, stores: Stores) -> None:
    """It is stored with when it was known and when it was told; the verification is as it was."""
    before = stores.verifications.get("acme", "v1")
    (label,) = labelling.tell(TELLER, "v1", FRAUD)
    assert (label.truth, label.known_at, label.recorded_at) == (Truth.FRAUD_CONFIRMED, KNOWN, CLOCK.now())
    assert stores.verifications.get("acme", "v1") == before
    assert stores.audit.entries()[-1].action == LABELLED


def test_the_last_label_is_in_force_and_the_first_is_kept(labelling: Labelling) -> None:
    """A revision does not rewrite history; a withdrawal leaves no truth."""
    labelling.tell(TELLER, "v1", FRAUD)
    labels = labelling.tell(TELLER, "v1", GENUINE)
    assert [label.truth for label in labels] == [Truth.FRAUD_CONFIRMED, Truth.GENUINE_CONFIRMED]
    assert truth_in_force(labels) is Truth.GENUINE_CONFIRMED
    withdrawn = labelling.tell(TELLER, "v1", replace(FRAUD, truth=Truth.WITHDRAWN))
    assert truth_in_force(withdrawn) is None
    assert truth_in_force(()) is None


def test_nobody_knows_the_future(labelling: Labelling) -> None:
    """A label known tomorrow is refused; one known this instant is not."""
    with pytest.raises(RequestError) as raised:
        labelling.tell(TELLER, "v1", replace(FRAUD, known_at=CLOCK.now() + dt.timedelta(seconds=1)))
    assert (raised.value.code, raised.value.field) == ("known_in_the_future", "known_at")
    assert labelling.tell(TELLER, "v1", replace(FRAUD, known_at=CLOCK.now()))


def test_another_tenants_verification_cannot_be_labelled(labelling: Labelling) -> None:
    """It is not found, and stays without a label."""
    with pytest.raises(NotFound):
        labelling.tell(Teller("other", "key-2"), "v1", FRAUD)
    assert labelling.of("acme", "v1") == ()


def test_only_what_says_something_else_is_news(labelling: Labelling) -> None:
    """The same again is none, in whatever time zone; an earlier label revised since is news again."""
    assert labelling.is_news("acme", "v1", FRAUD)
    labelling.tell(TELLER, "v1", FRAUD)
    elsewhere = KNOWN.astimezone(dt.timezone(dt.timedelta(hours=5)))
    assert not labelling.is_news("acme", "v1", replace(FRAUD, known_at=elsewhere))
    labelling.tell(TELLER, "v1", GENUINE)
    assert labelling.is_news("acme", "v1", FRAUD)


class Busy:
    """A store in which somebody else is faster a few times."""

    def __init__(self, stores: Stores, times: int, code: str) -> None:
        self._store = stores.verifications
        self._left = times
        self._code = code

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def write(self, change: Write) -> None:
        """Refuse while somebody else is faster."""
        if self._left:
            self._left -= 1
            raise Conflict(self._code, "busy")
        self._store.write(change)


def test_a_decision_made_at_the_same_moment_does_not_lose_the_label(stores: Stores) -> None:
    """The label is told again of the verification as it is now; not for ever, nor for another conflict."""
    patient = Labelling(Busy(stores, 2, "verification_changed"), CLOCK)  # type: ignore[arg-type] # hands the rest on
    assert len(patient.tell(TELLER, "v1", FRAUD)) == 1
    for times, code in ((9, "verification_changed"), (1, "idempotency_claim_lost")):
        hopeless = Labelling(Busy(stores, times, code), CLOCK)  # type: ignore[arg-type] # hands the rest on
        with pytest.raises(Conflict) as raised:
            hopeless.tell(TELLER, "v1", FRAUD)
        assert raised.value.code == code
