"""`idv doctor`: what it finds where nothing is right yet, and that looking changes nothing."""

import json
from pathlib import Path

from typer.testing import CliRunner

from idv.cli import main


def found(folder: Path, **environment: str) -> dict[str, dict[str, str | bool]]:
    """Its findings by what was looked at, on a machine without models."""
    given = {"IDV_DATA_DIR": str(folder / "data"), "IDV_MODEL_CACHE": str(folder / "models")}
    result = CliRunner(env=given | environment).invoke(main.app, ["doctor", "--json"])
    assert result.exit_code == 1, result.output
    return {item["what"]: item for item in json.loads(result.stdout)}


def test_each_thing_is_looked_at_though_another_is_wrong(tmp_path: Path) -> None:
    """Without models the rest is still examined, and the command to run is named."""
    shown = found(tmp_path)
    assert not shown["models"]["ok"]
    assert "idv models pull open" in str(shown["models"]["finding"])
    assert shown["disk"]["ok"]
    assert shown["storage"]["ok"]
    assert {"licences", "calibration", "operating points", "decoding", "api keys", "webhooks"} <= set(shown)


def test_looking_makes_nothing(tmp_path: Path) -> None:
    """Neither a store nor a key ring nor a folder is there afterwards."""
    found(tmp_path)
    assert not (tmp_path / "data").exists()


def test_a_pack_of_face_models_needs_the_default_pack_too(tmp_path: Path) -> None:
    """Both packs are named with what to run for each."""
    finding = str(found(tmp_path, IDV_PACK="opencv-zoo")["models"]["finding"])
    assert "idv models pull open`" in finding
    assert "idv models pull opencv-zoo`" in finding


def test_an_address_for_webhooks_that_leads_inside_is_a_fault(tmp_path: Path) -> None:
    """It is judged as each delivery would be, and the address itself is not repeated."""
    environment = {"IDV_WEBHOOK_URL": "https://127.0.0.1/canary", "IDV_WEBHOOK_SECRETS": '["s"]'}
    shown = found(tmp_path, **environment)["webhooks"]
    assert not shown["ok"]
    assert "canary" not in str(shown)


def test_a_service_nobody_has_a_key_for_is_told(tmp_path: Path) -> None:
    """No fault before the first start, but nobody could call."""
    assert "idv keys issue" in str(found(tmp_path)["api keys"]["finding"])
