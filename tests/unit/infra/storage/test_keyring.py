"""The keys outside the database."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from idv.domain.errors import ConfigurationError
from idv.infra.storage.keyring import KeyRing, Purpose, open_keyring, replace_keyring


def test_a_ring_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    """The first start makes the file with mode 0600; the second finds the same keys."""
    path = tmp_path / "state" / "keyring.json"
    made = open_keyring(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_keyring(path) == made
    assert [file.name for file in path.parent.iterdir()] == ["keyring.json"]


def test_processes_that_start_at_once_share_one_ring(tmp_path: Path) -> None:
    """Eight simultaneous first starts end with the same ring."""
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(lambda _: open_keyring(tmp_path / "keyring.json"), range(8)))
    assert all(ring == rings[0] for ring in rings)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_ring_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    """The file's mode is checked at every start."""
    path = tmp_path / "keyring.json"
    open_keyring(path)
    path.chmod(mode)
    with pytest.raises(ConfigurationError):
        open_keyring(path)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"active": "k"}', '{"active": 1, "keks": 2}', "\x00"]
)
def test_a_broken_ring_is_a_configuration_error(tmp_path: Path, text: str) -> None:
    """What is not a ring is refused, and the message repeats none of it."""
    path = tmp_path / "keyring.json"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(descriptor, text.encode())
    os.close(descriptor)
    with pytest.raises(ConfigurationError):
        open_keyring(path)


def test_a_short_key_is_refused() -> None:
    """A key of another length than 32 bytes is a fault, not a weaker key."""
    raw = json.loads(KeyRing.generate().to_json())
    raw["root"] = "AAAA"
    with pytest.raises(ConfigurationError):
        KeyRing.from_json(json.dumps(raw))


def test_text_gives_the_same_ring_and_a_repr_gives_nothing() -> None:
    """A ring survives its text form, which is how an environment variable carries it; its repr is safe."""
    ring = KeyRing.generate()
    assert KeyRing.from_json(ring.to_json()) == ring
    assert repr(ring) == f"KeyRing(active='{ring.active}')"


def test_rotation_adds_a_key_and_retirement_drops_the_rest(tmp_path: Path) -> None:
    """After a rotation both keys are there and the new one is active; hashes and signer stay the same."""
    path = tmp_path / "keyring.json"
    old = open_keyring(path)
    replace_keyring(path, old.rotated())
    new = open_keyring(path)
    assert set(new.keks) == {old.active, new.active}
    assert new.keyed_hash(Purpose.AUDIT, "x") == old.keyed_hash(Purpose.AUDIT, "x")
    assert set(new.retired().keks) == {new.active}


def test_keyed_hashes_depend_on_key_purpose_and_parts() -> None:
    """Another ring, another purpose or another way to cut the parts gives another hash."""
    numbers = count()
    ring = KeyRing.generate(lambda size: bytes([next(numbers)]) * size)
    hashes = {
        ring.keyed_hash(Purpose.AUDIT, "a", "b"),
        ring.keyed_hash(Purpose.AUDIT, "ab"),
        ring.keyed_hash(Purpose.AUDIT, "a", "b", ""),
        ring.keyed_hash(Purpose.CURSOR, "a", "b"),
        KeyRing.generate().keyed_hash(Purpose.AUDIT, "a", "b"),
    }
    assert len(hashes) == 5
