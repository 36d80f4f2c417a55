"""Facts about settings: checked at start, all faults at once, secrets never shown."""

from pathlib import Path

import pytest

from idv import settings
from idv.domain.errors import ConfigurationError


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine that runs the tests, and an empty working directory."""
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(f"IDV_{name.upper()}", raising=False)
    monkeypatch.setenv("IDV_CONFIG", str(tmp_path / "idv.toml"))


def test_the_defaults_are_sound() -> None:
    """Without any setting the service listens on loopback and wants a key."""
    found = settings.load()
    assert (found.host, found.insecure, found.keep_images_days) == ("127.0.0.1", False, 0.0)


def test_all_faults_are_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two bad values and a misspelt name are three faults of one error."""
    monkeypatch.setenv("IDV_PORT", "99999999")
    monkeypatch.setenv("IDV_DEADLINE_S", "-1")
    monkeypatch.setenv("IDV_DATABSE_URL", "sqlite://")
    with pytest.raises(ConfigurationError) as refused:
        settings.load()
    assert len(refused.value.faults) == 3
    assert any("IDV_DATABSE_URL" in fault for fault in refused.value.faults)


def test_a_fault_never_repeats_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was set may be a secret, so the message names the setting alone."""
    monkeypatch.setenv("IDV_PORT", "canary-7731")
    with pytest.raises(ConfigurationError) as refused:
        settings.load()
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "values",
    [
        {"insecure": True, "host": "0.0.0.0"},  # noqa: S104 - the point of the test
        {"webhook_url": "https://example.org/hook"},
        {"max_part_bytes": 2_000_000, "max_body_bytes": 1_000_000},
    ],
)
def test_settings_that_contradict_each_other_are_refused(values: dict[str, object]) -> None:
    """Insecure beyond loopback, webhooks without a secret, a part larger than the body."""
    with pytest.raises(ConfigurationError):
        settings.load(**values)


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each setting is shown with the source it came from."""
    (tmp_path / "idv.toml").write_text("port = 4000\nqueue_length = 3\n")
    monkeypatch.setenv("IDV_PORT", "5000")
    shown = settings.sources(settings.load())
    assert shown["port"] == ("5000", settings.Source.ENVIRONMENT)
    assert shown["queue_length"] == ("3", settings.Source.FILE)
    assert shown["host"][1] is settings.Source.DEFAULT


def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the database's password nor a webhook secret is shown."""
    monkeypatch.setenv("IDV_DATABASE_URL", "postgresql://u:canary@h/d")
    monkeypatch.setenv("IDV_WEBHOOK_SECRETS", '["canary"]')
    found = settings.load()
    assert "canary" not in repr(found) + repr(settings.sources(found))
    assert found.database.endswith("canary@h/d")


def test_a_broken_file_is_one_sentence(tmp_path: Path) -> None:
    """A settings file that is no TOML is named."""
    (tmp_path / "idv.toml").write_text("port = = 4000")
    with pytest.raises(ConfigurationError, match=r"idv\.toml"):
        settings.load()
