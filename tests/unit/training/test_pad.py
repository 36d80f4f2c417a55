"""The training of the PAD network: data, one step, export. Needs the extra `train`."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("onnxscript", reason="needs the extra `train`")

from idv.domain.models import ModelFile  # noqa: E402 - after the skip
from idv.infra.inference.local import LocalInference  # noqa: E402
from idv.training.pad_data import (  # noqa: E402
    CAPTURED,
    Instruments,
    Part,
    Source,
    Table,
    captured,
    part_of,
    simulated,
)
from idv.training.pad_export import export  # noqa: E402
from idv.training.pad_fitting import CutName, Schedule, fit, logits  # noqa: E402
from idv.training.pad_network import PadNetwork, cosine_bank  # noqa: E402
from idv.vision.synthesis.presentation import FacePhoto, Species  # noqa: E402
from idv.vision.synthesis.prints import TRAINING_PRINTERS  # noqa: E402
from idv.vision.synthesis.screens import TRAINING_LAYOUTS  # noqa: E402


def _photo(seed: int) -> FacePhoto:
    pixels = np.random.default_rng(seed).integers(0, 256, (120, 120, 3)).astype(np.uint8)
    points = np.array([[45, 45], [75, 45], [60, 60], [50, 75], [70, 75]], np.float32)
    return FacePhoto(pixels, points)


def _source(person: str, species: Species = Species.BONA_FIDE, dataset: str = "lfw") -> Source:
    return Source(Path("nowhere"), dataset, person, species)


@pytest.fixture(scope="module")
def table() -> Table:
    """Two photographs, each presented three ways, and two captures."""
    photos = [(_source("a"), _photo(1)), (_source("b"), _photo(2))]
    made = simulated(photos, instruments=Instruments(TRAINING_LAYOUTS, TRAINING_PRINTERS), seed=0)
    real = captured(
        [(_source("n", dataset="nuaa"), _photo(3)), (_source("n", Species.PRINT, "nuaa"), _photo(4))]
    )
    return Table.joined([made, real])


def test_a_table_says_what_each_row_is(table: Table) -> None:
    """One bona fide, one screen and one print a photograph, and the captures marked as such."""
    assert len(table) == 8
    assert table.species.tolist()[:3] == ["bona_fide", "print", "screen"]
    assert table.genuine.tolist() == (table.species == "bona_fide").tolist()
    assert (table.instrument == CAPTURED).sum() == 2


def test_a_table_survives_the_disk(table: Table, tmp_path: Path) -> None:
    """What is saved is loaded again, column by column."""
    table.save(tmp_path / "t.npz")
    again = Table.load(tmp_path / "t.npz")
    assert np.array_equal(again.detail, table.detail)
    assert again.person.tolist() == table.person.tolist()


def test_simulation_depends_on_seed_and_place_alone(table: Table) -> None:
    """The same seed gives the same rows, whatever was made before."""
    photos = [(_source("a"), _photo(1)), (_source("b"), _photo(2))]
    again = simulated(photos, instruments=Instruments(TRAINING_LAYOUTS, TRAINING_PRINTERS), seed=0)
    assert np.array_equal(again.context, table.context[:6])


def test_a_person_is_in_one_part_only() -> None:
    """The part hangs on the person's name; all three parts occur; NUAA is always training."""
    parts = [part_of(_source(f"person {n}")) for n in range(200)]
    assert parts == [part_of(_source(f"person {n}")) for n in range(200)]
    assert set(parts) == set(Part)
    assert 20 <= parts.count(Part.TEST) <= 60
    assert part_of(_source("nuaa-0001", dataset="nuaa")) is Part.TRAIN


def test_training_moves_the_weights_and_is_reproducible(table: Table) -> None:
    """Two steps with one seed give one set of weights, another seed another."""
    schedules = [Schedule(steps=2, batch=4, seed=seed) for seed in (1, 1, 2)]
    heard: list[int] = []
    one, same, other = (
        fit(table, CutName.CONTEXT, schedule, told=lambda step, _: heard.append(step)).state_dict()
        for schedule in schedules
    )
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["bank.weight"], other["bank.weight"])
    assert heard == []


def test_the_exported_network_says_what_the_trained_one_says(table: Table, tmp_path: Path) -> None:
    """ONNX Runtime and torch agree on both branches, for another batch than the export's."""
    torch.manual_seed(0)
    network = PadNetwork()
    expected = logits(network, table)
    path = tmp_path / "model.onnx"
    export(network, path)
    assert path.stat().st_size <= 2_000_000
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    inference = LocalInference({"pad": ModelFile("pad", path, digest)})
    halves = []
    for step in (1, -1):
        planes = {
            name: np.ascontiguousarray(images[:, :, ::step].transpose(0, 3, 1, 2), np.float32) / 255
            for name, images in (("context", table.context), ("detail", table.detail))
        }
        halves.append(inference.infer("pad", planes)["logits"])
    assert np.allclose(np.mean(halves, axis=0), expected, atol=1e-4)


def test_the_bank_is_orthogonal_within_a_colour() -> None:
    """DCT-II cosines of one colour do not overlap."""
    luma = cosine_bank()[:36, 1].reshape(36, 64)
    products = luma @ luma.T
    off = products - torch.diag(torch.diagonal(products))
    assert float(off.abs().max()) < 1e-5
