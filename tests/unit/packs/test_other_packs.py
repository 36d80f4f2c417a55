"""The packs that cannot be downloaded everywhere, with stand-in networks of the same inputs and outputs."""

import hashlib
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from idv.domain.errors import ModelError
from idv.packs.cards import ModelCard, card_path, read_card
from idv.packs.lock import SourceKind
from idv.packs.lock_files import read_lock, write_lock
from idv.packs.sources.https import HttpsFetcher
from idv.packs.status import State
from idv.packs.store import ModelStore

REPOSITORY = Path(__file__).resolve().parents[3] / "model_repository"


def stand_in(card: ModelCard, *, numbered: bool = False) -> bytes:
    """A network with the card's inputs and outputs: each output is the mean of the first input, spread."""
    names = {
        tensor.name: str(400 + index) if numbered else tensor.name
        for index, tensor in enumerate(card.outputs)
    }
    first = card.inputs[0].name
    nodes = [helper.make_node("ReduceMean", [first], ["mean"], keepdims=0)]
    weights = []
    for tensor in card.outputs:
        shape = [1 if isinstance(size, str) else size for size in tensor.shape]
        weights.append(numpy_helper.from_array(np.array(shape, np.int64), f"shape_{tensor.name}"))
        nodes.append(helper.make_node("Expand", ["mean", f"shape_{tensor.name}"], [names[tensor.name]]))
    inputs = [helper.make_tensor_value_info(t.name, TensorProto.FLOAT, list(t.shape)) for t in card.inputs]
    outputs = [
        helper.make_tensor_value_info(names[t.name], TensorProto.FLOAT, list(t.shape)) for t in card.outputs
    ]
    graph = helper.make_graph(nodes, card.name, inputs, outputs, initializer=weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy of this repository's locks and cards."""
    return Path(shutil.copytree(REPOSITORY, tmp_path / "repository"))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A folder served on loopback, and its port."""
    folder = tmp_path / "site"
    folder.mkdir()
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield folder, server.server_address[1]
        server.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files, logs nothing."""

    def log_message(self, *arguments: object) -> None:
        """Silence."""


def point_to(repository: Path, served: tuple[Path, int]) -> None:
    """Serve a stand-in for each model of opencv-zoo, and lock its address and digest."""
    folder, port = served
    lock = read_lock(repository, "opencv-zoo")
    sources, models = [], []
    for model in lock.models:
        data = stand_in(read_card(card_path(repository, model.name)))
        (folder / model.members[0]).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        url = f"http://127.0.0.1:{port}/{model.members[0]}"
        sources.append(replace(lock.source(model), url=url, sha256=digest, size=len(data)))
        models.append(replace(model, sha256=digest, size=len(data)))
    write_lock(repository, replace(lock, sources=tuple(sources), models=tuple(models)))


def test_opencv_zoo_is_fetched_by_url_and_runs(
    repository: Path, served: tuple[Path, int], tmp_path: Path
) -> None:
    """Both files come over HTTP, are checked, kept, and have the tensors that the cards promise."""
    point_to(repository, served)
    fetchers = {SourceKind.HTTPS: HttpsFetcher(allow_loopback_http=True)}
    store = ModelStore(repository, tmp_path / "cache", fetchers=fetchers)
    assert store.pull("opencv-zoo").made == ("yunet", "sface")
    assert {item.state for item in store.verify("opencv-zoo")} == {State.OK}
    for name, file in store.files("opencv-zoo").items():
        card = read_card(card_path(repository, name))
        session = ort.InferenceSession(file.path.read_bytes(), providers=["CPUExecutionProvider"])
        shape = [int(size) for size in card.inputs[0].shape]
        results = session.run(None, {card.inputs[0].name: np.ones(shape, np.float32)})
        assert [result.shape for result in results] == [tensor.shape for tensor in card.outputs]


def test_the_published_digests_stand_in_the_lock() -> None:
    """The digests, sizes and addresses of the two published files, as stated by their publisher."""
    lock = read_lock(REPOSITORY, "opencv-zoo")
    assert {source.id: (source.size, source.sha256[:8]) for source in lock.sources} == {
        "yunet": (232_589, "8f2383e4"),
        "sface": (38_696_353, "0ba9fbfa"),
    }
    assert all(source.url.startswith("https://github.com/opencv/opencv_zoo/") for source in lock.sources)


@pytest.mark.parametrize(
    "files", [("det_10g.onnx", "w600k_r50.onnx"), ("det_500m.onnx", "w600k_mbf.onnx")], ids=["large", "small"]
)
def test_insightface_files_are_read_from_a_folder(
    repository: Path, tmp_path: Path, files: tuple[str, str]
) -> None:
    """Both sizes of both networks are found, renamed as the cards say, and recorded on first use."""
    folder = tmp_path / "insightface"
    folder.mkdir()
    for name, file in zip(("scrfd", "arcface"), files, strict=True):
        card = read_card(card_path(repository, name))
        (folder / file).write_bytes(stand_in(card, numbered=True))
    store = ModelStore(repository, tmp_path / "cache")
    with pytest.raises(ModelError) as caught:
        store.pull("insightface", folder=folder)
    assert caught.value.code == "model_licence_not_accepted"
    pulled = store.pull("insightface", folder=folder, accept=["insightface-non-commercial"])
    assert pulled.trusted == ("scrfd", "arcface")
    for name, model in store.files("insightface").items():
        session = ort.InferenceSession(model.path.read_bytes(), providers=["CPUExecutionProvider"])
        card = read_card(card_path(repository, name))
        assert [tensor.name for tensor in session.get_outputs()] == [tensor.name for tensor in card.outputs]
