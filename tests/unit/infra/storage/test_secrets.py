"""Secrets of API keys."""

import pytest

from idv.infra.storage.secrets import hashed, key_id_of, matches, new_secret


def test_a_secret_is_its_id_and_256_random_bits() -> None:
    """The format is `idv_<12 hex>_<43 base64url>`, also when the random part holds underscores."""
    secret = new_secret(lambda size: b"\xff" * size)
    assert secret.text == "idv_ffffffffffff_" + "_" * 42 + "8"
    assert key_id_of(secret.text) == secret.key_id == "ffffffffffff"


@pytest.mark.parametrize("text", ["", "idv", "idv_a", "IDV_a_b", "idv-a-b", "idv_é_b", "idv_\n_b", "x_a_b"])
def test_what_is_no_secret_has_no_id(text: str) -> None:
    """Anything else is not looked up at all."""
    assert key_id_of(text) is None


def test_only_the_right_secret_matches() -> None:
    """The stored form is a digest, which does not match itself, and an unknown key matches nothing."""
    stored = hashed("idv_a_b")
    assert matches("idv_a_b", stored)
    assert not matches("idv_a_c", stored)
    assert not matches(stored, stored)
    assert not matches("idv_a_b", None)
    assert not matches("\ud800", stored)
