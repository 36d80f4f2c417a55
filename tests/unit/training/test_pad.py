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
from idv.training.pad_network import PadNetwork, Spectrum, cosine_bank  # noqa: E402
from idv.vision.imaging.squares import planes  # noqa: E402
from idv.vision.synthesis.face_draws import FACE_LAYOUTS  # noqa: E402
from idv.vision.synthesis.presentation import FacePhoto, Species  # noqa: E402
from idv.vision.synthesis.prints import TRAINING_PRINTERS  # noqa: E402


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
    made = simulated(photos, instruments=Instruments(FACE_LAYOUTS, TRAINING_PRINTERS), seed=0)
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
    assert np.array_equal(again.native, table.native)
    assert again.person.tolist() == table.person.tolist()


def test_simulation_depends_on_seed_and_place_alone(table: Table) -> None:
    """The same seed gives the same rows, whatever was made before."""
    photos = [(_source("a"), _photo(1)), (_source("b"), _photo(2))]
    again = simulated(photos, instruments=Instruments(FACE_LAYOUTS, TRAINING_PRINTERS), seed=0)
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
    """ONNX Runtime and torch agree on all branches, for another batch than the export's."""
    torch.manual_seed(0)
    network = PadNetwork()
    expected = logits(network, table)
    path = tmp_path / "model.onnx"
    export(network, path)
    assert path.stat().st_size <= 2_000_000
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    inference = LocalInference({"pad": ModelFile("pad", path, digest)})
    halves = []
    for patch, step in enumerate((1, -1)):
        cuts = {
            "context": planes(table.context[:, :, ::step]),
            "detail": planes(table.detail[:, :, ::step]),
            "native": planes(table.native[:, patch]),
        }
        halves.append(inference.infer("pad", cuts)["logits"])
    assert np.allclose(np.mean(halves, axis=0), expected, atol=1e-4)


def test_each_cut_has_a_branch_that_trains(table: Table) -> None:
    """One step on any cut leaves a branch of the kind that the network holds for it."""
    network = PadNetwork()
    for cut in CutName:
        branch = fit(table, cut, Schedule(steps=1, batch=4))
        assert branch.state_dict().keys() == network.get_submodule(cut).state_dict().keys()


def test_the_spectrum_is_that_of_a_fast_fourier_transform() -> None:
    """Two matrix products give NumPy's power spectrum of the windowed luma."""
    image = np.random.default_rng(0).random((3, 128, 128)).astype(np.float32)
    spectrum = Spectrum(128)
    found = spectrum.power(torch.from_numpy(image)[None])[0, 0].numpy()
    luma = np.tensordot((0.299, 0.587, 0.114), image, 1)
    window = np.outer(*2 * [0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(128) + 0.5) / 128)])
    expected = np.fft.fftshift(np.abs(np.fft.fft2((luma - luma.mean()) * window)) ** 2)[:, 64:]
    assert np.allclose(np.exp(found), expected + 1e-3, rtol=0.02, atol=0.02)


def test_fine_screens_are_drawn_where_they_are_asked_for() -> None:
    """A share of one changes every screen and no bona fide presentation."""
    photos = [(_source("a"), _photo(1))]
    coarse, fine = (
        simulated(photos, instruments=Instruments(FACE_LAYOUTS, TRAINING_PRINTERS, share), seed=0)
        for share in (0.0, 1.0)
    )
    same = [bool(np.array_equal(*pair)) for pair in zip(coarse.detail, fine.detail, strict=True)]
    assert dict(zip(coarse.species.tolist(), same, strict=True)) == {
        "bona_fide": True,
        "print": True,
        "screen": False,
    }


def test_a_presentation_is_made_as_often_as_it_is_named() -> None:
    """Species may be named twice, and each time gets a camera of its own."""
    photos = [(_source("a"), _photo(1)), (_source("b"), _photo(2))]
    shown = (Species.SCREEN, Species.BONA_FIDE, Species.SCREEN)
    made = simulated(photos, instruments=Instruments(FACE_LAYOUTS, TRAINING_PRINTERS), seed=0, shown=shown)
    assert made.species.tolist() == [*shown, *shown]
    assert not np.array_equal(made.native[0], made.native[2])


def test_the_bank_is_orthogonal_within_a_colour() -> None:
    """DCT-II cosines of one colour do not overlap."""
    luma = cosine_bank()[:36, 1].reshape(36, 64)
    products = luma @ luma.T
    off = products - torch.diag(torch.diagonal(products))
    assert float(off.abs().max()) < 1e-5
