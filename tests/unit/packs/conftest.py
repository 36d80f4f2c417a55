"""A model repository in miniature: one network a source, fetched by fakes, kept in a temporary cache."""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from idv.domain.errors import ModelError
from idv.packs.lock import CommercialUse, Lock, LockedModel, Source, SourceKind
from idv.packs.lock_files import write_lock
from idv.packs.sources.fetcher import Report

CARD = """schema = 1
# a comment that stays
name = "{name}"
task = "face_embedding"
summary = "A stand-in."
origin = "made in a test"
licence = "MIT"
commercial_use = "yes"
{digest}preprocessing = "none"
weaknesses = ["none of it means anything"]

[[input]]
name = "x"
shape = ["batch", 2]
dtype = "float32"
layout = "rows"
range = [0.0, 1.0]
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
graph_optimisation = "extended"
arena = true
flush_denormals = true
measurement = "not measured"
"""


def made_network(seed: int, *, inputs: str = "x", outputs: str = "y") -> bytes:
    """A self-contained network (N, 2) -> (N, 2), different for each seed."""
    weights = np.random.default_rng(seed).standard_normal((2, 2)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", [inputs, "w"], [outputs])],
        "g",
        [helper.make_tensor_value_info(inputs, TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info(outputs, TensorProto.FLOAT, ["n", 2])],
        initializer=[numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def sha256(data: bytes) -> str:
    """Lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def wheel(members: Mapping[str, bytes]) -> bytes:
    """A zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def tarball(members: Mapping[str, bytes]) -> bytes:
    """A gzipped tar archive."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return file.getvalue()


@dataclass
class FakeFetcher:
    """Hands out bytes by source; counts what it was asked for."""

    files: dict[str, bytes]
    asked: list[str] = field(default_factory=list)
    closed: int = 0

    def fetch(self, source: Source, folder: Path, report: Report) -> Path:
        """Write the bytes in two steps."""
        self.asked.append(source.id)
        if source.id not in self.files:
            raise ModelError("model_source_unreachable", source.id)
        data = self.files[source.id]
        report(len(data) // 2)
        path = folder / f"{source.id}.download"
        path.write_bytes(data)
        return path

    def close(self) -> None:
        """Count."""
        self.closed += 1


@dataclass(frozen=True)
class World:
    """A repository with the pack `mini` (an npm source with two models, a wheel, a URL) and its fakes."""

    repository: Path
    cache: Path
    fetcher: FakeFetcher
    lock: Lock

    @property
    def fetchers(self) -> dict[SourceKind, FakeFetcher]:
        """One fake for everything."""
        return dict.fromkeys((SourceKind.PYPI, SourceKind.NPM, SourceKind.HTTPS), self.fetcher)


@pytest.fixture
def card_text() -> Callable[..., str]:
    """The text of a card for a stand-in network."""

    def text(name: str, data: bytes | None = None) -> str:
        digest = "" if data is None else f'sha256 = "{sha256(data)}"\nsize = {len(data)}\n'
        return CARD.format(name=name, digest=digest)

    return text


@pytest.fixture
def archives() -> dict[SourceKind, Callable[..., bytes]]:
    """Makes an archive of each kind from members."""
    return {SourceKind.PYPI: wheel, SourceKind.NPM: tarball}


@pytest.fixture
def network() -> Callable[..., bytes]:
    """Makes stand-in networks: see `made_network`."""
    return made_network


@pytest.fixture
def world(tmp_path: Path) -> World:
    """See World."""
    networks = {name: made_network(seed) for seed, name in enumerate(("one", "two", "three", "four"))}
    files = {
        "js": tarball(
            {"package/one.onnx": networks["one"], "other": b"-", "package/two.onnx": networks["two"]}
        ),
        "py": wheel({"lib/three.onnx": networks["three"]}),
        "web": networks["four"],
    }
    lock = Lock("mini", "A pack for tests.", _sources(files), _models(networks))
    repository = tmp_path / "repository"
    for name in networks:
        (repository / name).mkdir(parents=True)
        (repository / name / "card.toml").write_text(CARD.format(name=name, digest=""))
    write_lock(repository, lock)
    return World(repository, tmp_path / "cache", FakeFetcher(files), lock)


def _sources(files: Mapping[str, bytes]) -> tuple[Source, ...]:
    digests: dict[str, dict[str, Any]] = {
        name: {"sha256": sha256(data), "size": len(data)} for name, data in files.items()
    }
    return (
        Source("js", SourceKind.NPM, package="@x/js", version="1.0", integrity="sha512-x", **digests["js"]),
        Source("py", SourceKind.PYPI, package="py", version="2.0", file="py-2.0.whl", **digests["py"]),
        Source("web", SourceKind.HTTPS, url="https://example.org/four.onnx", **digests["web"]),
    )


def _models(networks: Mapping[str, bytes]) -> tuple[LockedModel, ...]:
    places = {
        "one": ("js", "package/one.onnx"),
        "two": ("js", "package/two.onnx"),
        "three": ("py", "lib/three.onnx"),
        "four": ("web", "four.onnx"),
    }
    return tuple(
        LockedModel(
            name,
            source,
            (member,),
            "MIT",
            CommercialUse.YES,
            sha256=sha256(networks[name]),
            size=len(networks[name]),
        )
        for name, (source, member) in places.items()
    )
