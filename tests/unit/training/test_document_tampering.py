"""The training of the tampering network: traces, edits, maps, one fit, figures, export. Needs `train`."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("onnxscript", reason="needs the extra `train`")

from idv.domain.arrays import FloatArray, RgbImage  # noqa: E402 - after the skip
from idv.domain.models import ModelFile  # noqa: E402
from idv.infra.inference.local import LocalInference  # noqa: E402
from idv.packs.cards import read_card  # noqa: E402
from idv.training.document_tampering_card import write_card  # noqa: E402
from idv.training.document_tampering_data import GENERIC, Sample, load, make_maps  # noqa: E402
from idv.training.document_tampering_edits import edit, encoded_again, encoded_otherwise  # noqa: E402
from idv.training.document_tampering_export import export  # noqa: E402
from idv.training.document_tampering_figures import ALL, figures, score  # noqa: E402
from idv.training.document_tampering_fitting import Schedule, fit  # noqa: E402
from idv.training.document_tampering_network import (  # noqa: E402
    DEAD_ZONE,
    NOISE,
    TRACES,
    DocumentTamperingNetwork,
    Judge,
    Traces,
)
from idv.vision.imaging.squares import planes  # noqa: E402

QUAD = np.array([[16, 16], [304, 16], [304, 208], [16, 208]], np.float32)


def _ground(seed: int = 0, *, deviation: float = 5.0) -> RgbImage:
    noise = np.random.default_rng(seed).normal(0, deviation, (224, 320, 3))
    return np.clip(140 + noise, 0, 255).astype(np.uint8)


def _traces(pixels: RgbImage) -> FloatArray:
    with torch.no_grad():
        return np.asarray(Traces()(torch.from_numpy(planes(pixels[None])))[0].numpy(), np.float32)


def test_traces_have_a_row_of_channels_for_every_cell() -> None:
    """One cell of 16 px each way, finite whatever is shown."""
    for pixels in (_ground(), np.zeros((224, 320, 3), np.uint8), np.full((224, 320, 3), 255, np.uint8)):
        found = _traces(pixels)
        assert found.shape == (TRACES, 14, 20)
        assert np.isfinite(found).all()


def test_energies_are_those_of_an_orthonormal_cosine_transform() -> None:
    """White noise of variance 25 in luma has a mean energy of 25 at every frequency."""
    grey = np.repeat(_ground()[..., :1], 3, axis=2)
    energies = np.exp(_traces(grey)[1:64])
    assert np.allclose(energies.mean(axis=(1, 2)), 25, rtol=0.25)


def test_less_noise_shows_in_the_calmest_block() -> None:
    """The noise channel of a smooth cell lies below that of its noisy surroundings."""
    pixels = _ground()
    pixels[96:128, 96:128] = 140
    found = _traces(pixels)[NOISE]
    assert found[6:8, 6:8].max() < found[0:4].min()


def test_what_a_quantiser_took_away_shows_in_the_dead_zone() -> None:
    """After a strong JPEG more values are near zero, at the phase of its blocks."""
    pixels = _ground()
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 60])
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    aligned, shifted = _traces(decoded)[DEAD_ZONE], _traces(np.roll(decoded, (3, 3), (0, 1)))[DEAD_ZONE]
    assert _traces(pixels)[DEAD_ZONE].mean() < shifted[1:-1, 1:-1].mean() < aligned.mean()


def test_cells_outside_the_document_change_nothing() -> None:
    """Whatever lies beside the document, the judgement of its cells is the same."""
    judge = Judge().eval()
    traces, inside = torch.randn(1, TRACES, 8, 9), torch.zeros(1, 1, 8, 9)
    inside[:, :, 1:6, 1:6] = 1
    other = torch.where(inside > 0, traces, torch.randn_like(traces))
    with torch.no_grad():
        one, two = judge(traces, inside), judge(other, inside)
    assert torch.allclose(one.logit, two.logit)
    assert torch.allclose(one.cells[..., 1:6, 1:6], two.cells[..., 1:6, 1:6])


@pytest.mark.parametrize("seed", range(12))
def test_an_edit_changes_only_what_its_mask_covers(seed: int) -> None:
    """Away from the mask and its fading seam the picture stays as it was."""
    pixels, rng = _ground(1), np.random.default_rng(seed)
    altered, mask = edit(pixels, QUAD, _ground(2, deviation=20), rng)
    assert altered.shape == pixels.shape
    assert mask.any() != np.array_equal(altered, pixels)
    far = cv2.dilate(mask, np.ones((41, 41), np.uint8)) == 0
    assert np.array_equal(altered[far], pixels[far])


def test_encoding_again_keeps_the_size_and_changes_little() -> None:
    """One more JPEG: the same picture but for its fine structure."""
    pixels = _ground()
    again = encoded_again(pixels, np.random.default_rng(0))
    assert again.shape == pixels.shape
    assert abs(float(again.mean()) - float(pixels.mean())) < 1


def test_other_encoders_keep_the_size() -> None:
    """Whatever is drawn of encoders and noise reduction, the picture stays where it is and as bright."""
    pixels = _ground()
    for seed in range(12):
        again = encoded_otherwise(pixels, np.random.default_rng(seed))
        assert again.shape == pixels.shape
        assert abs(float(again.mean()) - float(pixels.mean())) < 1


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three cases: a genuine photograph, an edit of it, a scan and a recapture, as the corpus keeps them."""
    work = tmp_path_factory.mktemp("corpus")
    for case in range(3):
        folder = work / f"{case:05d}"
        folder.mkdir()
        altered = [[112, 64], [208, 64], [208, 160], [112, 160]]
        changed = _ground(case)
        changed[64:160, 112:208] = 140
        entries = []
        for name, pixels, species, capture, quads in (
            ("00.png", _ground(case), None, "photo", []),
            ("01.png", changed, "portrait_pasted", "photo", [altered]),
            ("02.png", _ground(case + 9, deviation=3), None, "scan", []),
            ("03.png", _ground(case), "screen_recapture", "photo", []),
        ):
            cv2.imwrite(str(folder / name), pixels)
            entries.append(
                {
                    "file": name,
                    "document_type": "uto_passport",
                    "species": species,
                    "capture": capture,
                    "corners": QUAD.tolist(),
                    "altered": quads,
                }
            )
        (folder / "items.json").write_text(json.dumps(entries))
    return work


@pytest.fixture(scope="module")
def maps(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The maps of the corpus."""
    work = tmp_path_factory.mktemp("maps")
    make_maps(corpus, work, seed=1)
    return sorted(work.glob("*.pt"))


def test_every_case_is_mapped_as_sent_and_again(maps: list[Path]) -> None:
    """Genuine pictures also re-encoded and edited by nobody in particular; recaptures are left out."""
    samples = load(maps[0])
    kinds = {(sample.species, sample.capture, sample.again) for sample in samples}
    assert {("", "photo", False), ("", "photo", True), (GENERIC, "photo", True), ("", "scan", False)} <= kinds
    assert ("portrait_pasted", "photo", False) in kinds
    assert not any(sample.species == "screen_recapture" for sample in samples)


def test_altered_cells_are_those_of_the_quadrilateral(maps: list[Path]) -> None:
    """The quad of the edit, by cell of the frame, which begins at the document."""
    (sample,) = [one for one in load(maps[0]) if one.species == "portrait_pasted" and not one.again]
    rows, columns = np.nonzero(sample.altered.numpy())
    # The first cell of the frame begins at 16 px.
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (3, 8, 6, 11)
    assert not any(one.altered.any() for one in load(maps[0]) if not one.species)


def test_maps_are_made_once(corpus: Path, maps: list[Path]) -> None:
    """A second run touches nothing that is there."""
    before = [path.stat().st_mtime_ns for path in maps]
    make_maps(corpus, maps[0].parent, seed=1)
    assert [path.stat().st_mtime_ns for path in maps] == before


def test_plain_maps_have_no_variations(corpus: Path, tmp_path: Path) -> None:
    """Each genuine or edited picture once, as it is."""
    make_maps(corpus, tmp_path, seed=1, plain=True)
    assert [sample.again for sample in load(min(tmp_path.glob("*.pt")))] == [False] * 3


@pytest.fixture(scope="module")
def judge(maps: list[Path]) -> Judge:
    """A judge after a few steps."""
    return fit(maps, Schedule(steps=40, batch=6))


def test_a_few_steps_tell_a_smooth_box_from_noise(judge: Judge, maps: list[Path]) -> None:
    """On what it was fitted to, the judge ranks genuine sides above edited ones and points at the place."""
    samples: list[Sample] = [
        one for path in maps for one in load(path) if one.species != GENERIC and not one.again
    ]
    *_, found = figures(score(judge, samples))
    assert found.species == ALL
    assert (found.genuine, found.forged) == (6, 3)
    assert found.auc == 1.0
    assert found.pointed == 1.0
    assert "AUC 1.000" in str(found)


def test_fitting_is_repeatable(judge: Judge, maps: list[Path]) -> None:
    """The same maps and seed give the same weights."""
    again = fit(maps, Schedule(steps=40, batch=6))
    assert all(torch.equal(one, two) for one, two in zip(judge.parameters(), again.parameters(), strict=True))


def test_a_broken_fit_goes_on_where_it_stopped(maps: list[Path], tmp_path: Path) -> None:
    """Stopped after fifty steps and called again, a fit ends with the weights of an unbroken one."""
    schedule = Schedule(steps=60, batch=2)

    def stop(step: int, loss: float) -> None:
        raise KeyboardInterrupt(f"{step}: {loss}")

    with pytest.raises(KeyboardInterrupt, match="50: "):
        fit(maps, schedule, kept=tmp_path / "kept.pt", told=stop)
    broken, whole = fit(maps, schedule, kept=tmp_path / "kept.pt"), fit(maps, schedule)
    assert all(
        torch.equal(one, two) for one, two in zip(broken.parameters(), whole.parameters(), strict=True)
    )


def test_export_answers_as_the_network_does(judge: Judge, tmp_path: Path) -> None:
    """The ONNX gives the same logits for a batch and for a size that was not the exporter's example."""
    network = DocumentTamperingNetwork()
    network.judge = judge
    network.eval()
    path = tmp_path / "model.onnx"
    export(network, path)
    inference = LocalInference({"t": ModelFile("t", path, _digest(path))})
    images = planes(np.stack([_ground(4), _ground(5, deviation=12)]))
    inside = np.ones((2, 1, 14, 20), np.float32)
    inside[1, :, :5] = 0
    found = inference.infer("t", {"image": images, "inside": inside})
    with torch.no_grad():
        expected = network(torch.from_numpy(images), torch.from_numpy(inside))
    assert np.allclose(found["logit"], expected.logit.numpy(), atol=1e-3)
    assert np.allclose(found["cells"], expected.cells.numpy(), atol=1e-3)


def test_the_card_is_read_as_a_card(judge: Judge, maps: list[Path], tmp_path: Path) -> None:
    """What is written beside the model satisfies the reader of cards, with the figures in it."""
    found = list(figures(score(judge, [one for path in maps for one in load(path)])))
    model = tmp_path / "model.onnx"
    model.write_bytes(b"weights")
    schedule = Schedule(steps=40, batch=6)
    path = tmp_path / "card.toml"
    write_card(path, {"first": found}, model=model, schedule=schedule, cases=3, duration="1 minute")
    card = read_card(path)
    assert card.name == "document_tampering"
    assert card.size == len(b"weights")
    assert any(one.what == "AUC against portrait_pasted" for one in card.measurements)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
