"""Rotating the master key under a service that runs."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from idv.domain.errors import ConfigurationError, IntegrityError
from idv.domain.stores import Stores, Write
from idv.domain.verifications import Status, Verification
from idv.infra.storage.keyring import KeyRing, open_keyring
from idv.infra.storage.master_keys import MasterKeys
from idv.infra.storage.stores import open_stores
from tests.unit.infra.storage.conftest import StillClock

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


@dataclass
class House:
    """A folder with ring and database, and everybody who opened them."""

    folder: Path
    every: list[Stores] = field(default_factory=list)

    @property
    def ring(self) -> KeyRing:
        """The ring as it stands in the file."""
        return open_keyring(self.folder / "keyring.json")

    @property
    def keys(self) -> MasterKeys:
        """What the command line rotates with."""
        return MasterKeys(self.folder / "keyring.json", self.open)

    def open(self, ring: KeyRing) -> Stores:
        """The stores as a process opens them."""
        opened = open_stores(
            f"sqlite:///{self.folder / 'idv.db'}",
            keyring=ring,
            clock=StillClock(),
            instance="host/1",
            reload=lambda: self.ring,
        )
        self.every.append(opened)
        return opened

    def service(self) -> Stores:
        """A process that read the ring at its start."""
        return self.open(self.ring)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A new house."""
    return House(tmp_path)


def begin(stores: Stores, name: str) -> None:
    """Store a verification of an applicant of this name."""
    case = Verification(name, "acme", Status.PROCESSING, AT, AT, applicant_ref=name)
    stores.verifications.write(Write(case, "verification.decided", "key", private={"x": name.encode()}))


def opens(stores: Stores, *names: str) -> bool:
    """Whether what was sealed for these applicants opens."""
    return all(stores.verifications.private("acme", name) == {"x": name.encode()} for name in names)


def test_a_running_service_reads_and_writes_through_a_rotation(house: House) -> None:
    """What runs with the ring of its start opens rewrapped keys and wraps new ones with the new master."""
    running = house.service()
    begin(running, "anna")
    old = house.ring.active
    assert house.keys.rotate() == 1
    assert house.ring.active != old
    assert opens(running, "anna")
    begin(running, "bob")
    assert running.upkeep.wrapping_keys() == {house.ring.active}


def test_retired_masters_are_needed_for_nothing_made_since(house: House) -> None:
    """After retirement the ring holds the new key alone, and everything opens with it."""
    running = house.service()
    begin(running, "anna")
    house.keys.rotate()
    begin(running, "bob")
    assert house.keys.retire() == 1
    assert set(house.ring.keks) == {house.ring.active}
    assert opens(house.service(), "anna", "bob")
    assert house.keys.retire() == 0


def test_a_copy_from_before_the_retirement_does_not_open(house: House) -> None:
    """The point of retiring: a backup of the database is unreadable with the ring that is left."""
    begin(house.service(), "anna")
    backup = (house.folder / "idv.db").read_bytes()
    house.keys.rotate()
    house.keys.retire()
    (house.folder / "idv.db").write_bytes(backup)
    with pytest.raises(IntegrityError) as raised:
        opens(house.service(), "anna")
    assert raised.value.code == "kek_missing"


def test_a_master_in_use_is_not_retired(house: House) -> None:
    """A rotation cut off between ring and database leaves both keys, the next one finishes it."""
    begin(house.service(), "anna")
    interrupted = MasterKeys(house.folder / "keyring.json", _cut_off)
    with pytest.raises(InterruptedError):
        interrupted.rotate()
    assert house.keys.retire() == 0
    begin(house.service(), "bob")
    assert opens(house.service(), "anna", "bob")
    assert house.keys.rotate() == 2
    assert house.keys.retire() == 2
    assert opens(house.service(), "anna", "bob")


def _cut_off(_: KeyRing) -> Stores:
    raise InterruptedError


def test_rotation_and_retirement_are_audited(house: House) -> None:
    """The log says which keys came and went, and the chain holds."""
    begin(house.service(), "anna")
    old = house.ring.active
    house.keys.rotate()
    house.keys.retire()
    entries = house.service().audit.entries()
    told = [(entry.action, dict(entry.body)) for entry in entries[1:]]
    assert told == [
        ("keyring.rotated", {"key": house.ring.active}),
        ("keyring.rewrapped", {"subjects": "1"}),
        ("keyring.retired", {"keys": old}),
    ]
    assert house.service().audit.verify() == 4


@pytest.mark.parametrize("act", [MasterKeys.rotate, MasterKeys.retire])
def test_without_a_ring_nothing_is_made(house: House, act: Callable[[MasterKeys], int]) -> None:
    """A ring that is not there is a fault, not a reason to make one that opens nothing."""
    with pytest.raises(ConfigurationError):
        act(house.keys)
    assert not (house.folder / "keyring.json").exists()
