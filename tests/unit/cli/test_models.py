import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner, Result

from idv.cli.models import app
from idv.domain.errors import ModelError
from idv.packs.lock import CommercialUse, Lock, LockedModel, Source, SourceKind
from idv.packs.lock_files import write_lock
from idv.packs.sources.fetcher import Report
from idv.packs.store import ModelStore

CARD = """schema = 1
name = "NAME"
task = "other"
summary = "A stand-in."
origin = "made in a test"
licence = "LICENCE"
commercial_use = "no"
licence_note = "For tests."
preprocessing = "none"
weaknesses = []
[[input]]
name = "x"
shape = ["batch", 2]
dtype = "float32"
layout = "rows"
meaning = "numbers"
[[output]]
name = "y"
shape = ["batch", 2]
dtype = "float32"
layout = "rows"
meaning = "numbers"
[training]
data = "noise"
data_licence = "CC0-1.0"
method = "none"
[session]
intra_op_threads = 1
graph_optimisation = "all"
arena = true
flush_denormals = true
measurement = "not measured"
"""


def network() -> bytes:
    """A self-contained network (N, 2) -> (N, 2)."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2]) for name in ("x", "y")]
    weights = [numpy_helper.from_array(np.eye(2, dtype=np.float32), "w")]
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], initializer=weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


class Shelf:
    """A fetcher that has one file."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def fetch(self, source: Source, folder: Path, report: Report) -> Path:
        """Put the file there."""
        report(len(self._data))
        (folder / "file").write_bytes(self._data)
        return folder / "file"

    def close(self) -> None:
        """Nothing to remove."""


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """The pack `open` with one model by URL, and `own` with one from a folder under a bound licence."""
    data, repository = network(), tmp_path / "repository"
    digest = hashlib.sha256(data).hexdigest()
    for name in ("free", "bound"):
        (repository / name).mkdir(parents=True)
        (repository / name / "card.toml").write_text(
            CARD.replace("NAME", name).replace("LICENCE", f"{name} licence")
        )
    web = Source("web", SourceKind.HTTPS, url="https://example.org/free.onnx", sha256=digest, size=len(data))
    free = LockedModel(
        "free", "web", ("free.onnx",), "free licence", CommercialUse.NO, sha256=digest, size=len(data)
    )
    bound = LockedModel(
        "bound", "folder", ("bound.onnx",), "bound licence", CommercialUse.NO, accept="bound-only"
    )
    write_lock(repository, Lock("open", "For tests.", (web,), (free,)))
    write_lock(repository, Lock("own", "Yours.", (Source("folder", SourceKind.FOLDER),), (bound,)))
    return ModelStore(repository, tmp_path / "cache", fetchers={SourceKind.HTTPS: Shelf(data)})


@pytest.fixture
def idv(store: ModelStore) -> Callable[..., Result]:
    """Runs `idv models …` over the store."""

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [str(item) for item in arguments], obj=store)

    return run


def failure(result: Result) -> str:
    """The code of the ModelError that ended a command; the exit code is made of it in idv.cli.main."""
    assert isinstance(result.exception, ModelError), result.output
    return result.exception.code


def test_pull_then_verify(idv: Callable[..., Result]) -> None:
    """A fresh cache is filled and found whole; a second pull has nothing to do; pipes get one line each."""
    first = idv("pull")
    assert (first.exit_code, first.stderr) == (0, "pack open: 1 made (free), 0 were here\n")
    assert idv("pull").stderr == "pack open: nothing to do, 1 were here\n"
    assert idv("verify").exit_code == 0
    (item,) = json.loads(idv("verify", "--json").stdout)
    assert (item["name"], item["state"], item["pinned"]) == ("free", "ok", True)


def test_verify_fails_before_a_pull_and_after_damage(idv: Callable[..., Result], store: ModelStore) -> None:
    """Missing and altered are different errors; the JSON is printed all the same."""
    before = idv("verify", "--json")
    assert failure(before) == "model_missing"
    assert json.loads(before.stdout)[0]["state"] == "missing"
    idv("pull")
    store.files("open")["free"].path.write_bytes(b"damaged")
    assert failure(idv("verify")) == "model_digest_mismatch"


def test_list_shows_every_pack(idv: Callable[..., Result]) -> None:
    """Machines get JSON, people a table with every model."""
    listed = {item["pack"]: item["models"] for item in json.loads(idv("list", "--json").stdout)}
    assert {pack: [model["name"] for model in models] for pack, models in listed.items()} == {
        "open": ["free"],
        "own": ["bound"],
    }
    shown = idv("list")
    assert shown.exit_code == 0
    assert "free" in shown.stdout
    assert "missing" in shown.stdout


def test_licences_say_what_a_model_may_be_used_for(idv: Callable[..., Result]) -> None:
    """Licence, permitted use and how to accept it."""
    (item,) = json.loads(idv("licences", "own", "--json").stdout)
    assert (item["licence"], item["commercial_use"], item["accept"]) == ("bound licence", "no", "bound-only")
    assert "bound-only" in " ".join(idv("licences", "own").stdout.split())


def test_a_pack_of_ones_own_needs_its_licence_and_says_that_it_is_trusted(
    idv: Callable[..., Result], tmp_path: Path
) -> None:
    """The licence is accepted by name; trust on first use is written out loud."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "bound.onnx").write_bytes(network())
    assert failure(idv("pull", "own", "--from", folder)) == "model_licence_not_accepted"
    result = idv("pull", "own", "--from", folder, "--accept-licence", "bound-only")
    assert result.exit_code == 0
    assert "TRUSTED ON FIRST USE: bound" in result.stderr


def test_add_locks_a_model(idv: Callable[..., Result], tmp_path: Path) -> None:
    """The new pack is verified at once."""
    (tmp_path / "m.onnx").write_bytes(network())
    (tmp_path / "m.toml").write_text(CARD.replace("NAME", "mine").replace("LICENCE", "MIT"))
    added = idv("add", tmp_path / "m.onnx", "--card", tmp_path / "m.toml", "--pack", "team")
    assert added.exit_code == 0, added.output
    assert idv("verify", "team").exit_code == 0


@pytest.mark.parametrize("arguments", [("pull", "nosuch"), ("verify", "nosuch"), ("licences", "../x")])
def test_an_unknown_pack_is_an_error(idv: Callable[..., Result], arguments: tuple[str, ...]) -> None:
    """Every command names it the same way."""
    assert failure(idv(*arguments)) == "model_pack_unknown"


def test_the_default_store_comes_from_the_environment(tmp_path: Path, store: ModelStore) -> None:
    """Repository and cache are settings; so is the pack."""
    environment: dict[str, Any] = {
        "IDV_MODEL_REPOSITORY": str(store.repository),
        "IDV_MODEL_CACHE": str(tmp_path / "elsewhere"),
        "IDV_PACK": "own",
        "IDV_CONFIG": str(tmp_path / "none.toml"),
    }
    result = CliRunner().invoke(app, ["verify", "--json"], env=environment)
    assert [item["name"] for item in json.loads(result.stdout)] == ["bound"]
