"""`idv config`."""

import json
from pathlib import Path

from typer.testing import CliRunner

from idv.cli import main
from idv.settings import Settings


def shown(environment: dict[str, str]) -> dict[str, dict[str, str]]:
    """What `idv config show --json` prints."""
    result = CliRunner(env=environment).invoke(main.app, ["config", "show", "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, dict[str, str]] = json.loads(result.stdout)
    return found


def test_every_setting_is_shown_with_its_source(tmp_path: Path) -> None:
    """None is left out; what the settings leave open is shown as it will be used."""
    found = shown({"IDV_DATA_DIR": str(tmp_path), "IDV_PORT": "4000"})
    assert set(Settings.model_fields) | {"config"} == set(found)
    assert found["port"] == {"value": "4000", "source": "environment"}
    assert found["database_url"] == {"value": f"sqlite:///{tmp_path}/idv.db", "source": "derived"}
    assert found["keyring"] == {"value": f"{tmp_path}/keyring.json", "source": "derived"}


def test_a_password_in_the_database_url_is_not_shown() -> None:
    """A URL that was given is a secret as a whole."""
    found = shown({"IDV_DATABASE_URL": "postgresql://idv:canary@localhost/idv"})
    assert "canary" not in str(found)
    assert found["database_url"]["source"] == "environment"


def test_the_file_of_settings_is_named_whether_it_is_there_or_not(tmp_path: Path) -> None:
    """A mistyped IDV_CONFIG shows as absent."""
    file = tmp_path / "idv.toml"
    assert shown({"IDV_CONFIG": str(file)})["config"]["value"] == f"{file} (absent)"
    file.write_text("attempts = 3\n")
    found = shown({"IDV_CONFIG": str(file)})
    assert found["config"]["value"] == str(file)
    assert found["attempts"] == {"value": "3", "source": "file"}
