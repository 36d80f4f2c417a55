"""`bentoml build` packages the service, and what it packages serves by itself."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from idv import bootstrap, settings
from idv.domain.errors import ModelError
from scripts.bench.service_process import ServiceProcess, Target

ROOT = Path(__file__).resolve().parents[3]
WANTED = {"idv", "model_repository", "calibrations", "operating_points", "pyproject.toml"}
PAPERS = {"README.md", "LICENSE", "NOTICE", "bentofile.yaml"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """BentoML's home and the tag of the package in it.

    BentoML installs `uv` where it finds none, and then does not use it: a stand-in keeps it from that.
    """
    folder = tmp_path_factory.mktemp("bento")
    tools = folder / "tools"
    tools.mkdir()
    (tools / "uv").write_text("#!/bin/sh\nexit 1\n")
    (tools / "uv").chmod(0o755)
    environment = {
        "BENTOML_HOME": str(folder / "bento"),
        "BENTOML_DO_NOT_TRACK": "True",
        "PATH": f"{tools}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "bentoml", "build", "--output", "tag"],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout.strip().splitlines()[-1].removeprefix("__tag__:")


def packed(built: tuple[Path, str]) -> Path:
    """The folder of the package."""
    folder, tag = built
    return folder / "bento" / "bentos" / Path(*tag.split(":"))


@pytest.mark.slow
def test_the_package_holds_the_service_and_nothing_else(built: tuple[Path, str]) -> None:
    """Code, cards, calibrations and points go in; tests, data, caches and state stay out."""
    source = packed(built) / "src"
    assert WANTED <= {path.name for path in source.iterdir()} <= WANTED | PAPERS
    assert (source / "model_repository" / "pad" / "config.pbtxt").is_file()
    assert not list(source.rglob("__pycache__"))
    assert (packed(built) / "env/python/requirements.txt").read_text().count("--hash=sha256:") > 100


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_package_serves_from_its_own_files(built: tuple[Path, str]) -> None:
    """Started by its tag, away from the repository, it becomes ready and answers."""
    try:
        bootstrap.model_store(settings.load()).files("open")
    except ModelError as error:
        pytest.skip(f"models are absent: {error}")
    folder, tag = built
    given = {"PYTHONPATH": "", "IDV_DATA_DIR": str(folder / "state"), "IDV_INSECURE": "true"}
    with ServiceProcess(folder, Target(tag, "idv", folder), given) as service:
        assert Path(os.readlink(f"/proc/{service.worker}/cwd")) == packed(built) / "src"  # noqa: PTH115
        with httpx.Client(base_url=service.url, trust_env=False) as http:
            assert http.get("/readyz").json() == {"status": "ready"}
            assert http.get("/v1/verifications").json() == {"items": [], "cursor": None}
