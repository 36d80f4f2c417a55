"""The training of the recapture network: stock, one step, figures, export. Needs the extra `train`."""

import hashlib
import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("onnxscript", reason="needs the extra `train`")

from idv.domain.models import ModelFile  # noqa: E402 - after the skip
from idv.infra.inference.local import LocalInference  # noqa: E402
from idv.training.document_corpus import items  # noqa: E402
from idv.training.document_recapture import export, score_all  # noqa: E402
from idv.training.document_recapture_card import write_card  # noqa: E402
from idv.training.document_recapture_data import Stock, make_stock  # noqa: E402
from idv.training.document_recapture_figures import Scored, fit_baseline  # noqa: E402
from idv.training.document_recapture_fitting import Checkpoint, Schedule, conclude, fit, logits  # noqa: E402
from idv.training.document_recapture_network import RecaptureNetwork  # noqa: E402
from idv.vision.models.document_recapture import PATCH_PX, DocumentRecaptureNet  # noqa: E402

CORNERS = [[10, 10], [390, 10], [390, 250], [10, 250]]
SPECIES = ("screen_recapture", "print_recapture", "grey_copy", "digital_composite", "text_same_font")


def _case(work: Path, number: int) -> None:
    """A folder as the corpus writes it: a photo, a scan, each recapture and an edit, all noise."""
    folder = work / f"{number:05d}"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(number)
    kinds = [(None, "photo"), (None, "scan"), *((species, "photo") for species in SPECIES)]
    entries = []
    for position, (species, capture) in enumerate(kinds):
        pixels = rng.integers(0, 256, (260, 400, 3)).astype(np.uint8)
        if species is not None:
            pixels[..., ::2] //= 2
        cv2.imwrite(str(folder / f"{position:02d}.jpg"), pixels)
        entries.append(
            {
                "file": f"{position:02d}.jpg",
                "document_type": "xaa_identity_card",
                "species": species,
                "capture": capture,
                "corners": CORNERS,
                "altered": [],
            }
        )
    (folder / "items.json").write_text(json.dumps(entries))


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Stock:
    """Two cases to train on and two that are held back."""
    folder = tmp_path_factory.mktemp("recapture")
    for number in (0, 1, 8, 19):
        _case(folder / "corpus", number)
    return make_stock(items(folder / "corpus"), folder / "work", seed=0)


def _stop_after(last: int, steps: list[int]) -> Callable[[int, float], None]:
    def tell(step: int, _: float) -> None:
        steps.append(step)
        if step == last:
            raise KeyboardInterrupt

    return tell


def test_an_edited_photograph_is_in_no_stock(stock: Stock) -> None:
    """An edit of a genuine photograph is neither a genuine document nor a recapture."""
    assert set(stock.kind) == {"photo", "scan", *SPECIES[:4]}
    assert stock.genuine.tolist() == [kind in ("photo", "scan") for kind in stock.kind]


def test_some_pictures_are_also_shown_small(stock: Stock) -> None:
    """Besides every picture as it is there are small ones, of genuine documents too."""
    assert (~stock.low).sum() == 4 * 6
    assert (stock.low & stock.genuine).any()


def test_holders_are_held_back_by_the_last_digit(stock: Stock) -> None:
    """Cases that end in 8 or 9 are not trained on."""
    assert set(stock.case[stock.validated]) == {8, 19}


def test_a_stock_is_made_once(tmp_path: Path) -> None:
    """A second call opens what the first one wrote, whatever it is given."""
    _case(tmp_path / "corpus", 3)
    made = make_stock(items(tmp_path / "corpus"), tmp_path / "work", seed=0)
    again = make_stock(items(tmp_path / "nowhere"), tmp_path / "work", seed=9)
    assert np.array_equal(again.squares, made.squares)


def test_training_is_reproducible_and_goes_on_where_it_stopped(stock: Stock, tmp_path: Path) -> None:
    """One seed gives one set of weights, also when the run is broken after a checkpoint."""
    schedule = Schedule(steps=2, again=1, wide=3, batch=2)
    one, same = (fit(stock, schedule).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    steps: list[int] = []
    broken = Checkpoint(tmp_path / "state.pt", every=1)
    with pytest.raises(KeyboardInterrupt):
        fit(stock, schedule, checkpoint=broken, told=_stop_after(1, steps))
    again = fit(stock, schedule, checkpoint=broken, told=lambda step, _: steps.append(step)).state_dict()
    assert steps == [1, 2, 3]
    assert all(torch.equal(one[name], again[name]) for name in one)


def test_the_conclusion_leaves_the_descriptions_alone(stock: Stock) -> None:
    """Only the judgement on whole documents moves, and it moves."""
    network = RecaptureNetwork()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    after = conclude(network, stock, Schedule(conclusion=2)).state_dict()
    moved = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"judge"}


def test_the_exported_network_says_what_the_trained_one_says(stock: Stock, tmp_path: Path) -> None:
    """The service's cuts through ONNX Runtime give the logits that training measured."""
    torch.manual_seed(0)
    network = RecaptureNetwork()
    rows = np.flatnonzero((stock.kind == "photo") & ~stock.low)
    expected = logits(network, stock, rows)
    path = tmp_path / "model.onnx"
    export(network, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    inference = LocalInference({"m": ModelFile("m", path, digest)})
    margin = (stock.squares.shape[2] - PATCH_PX) // 2
    middle = slice(margin, margin + PATCH_PX)
    patches = stock.squares[rows, :, middle, middle].transpose(0, 1, 4, 2, 3).astype(np.float32) / 255
    found = inference.infer("m", {"patches": patches, "outline": stock.outline[rows]})["logit"]
    assert np.allclose(found[:, 0], expected, atol=1e-4)
    assert DocumentRecaptureNet(inference, model="m").digest_parts()["m"] == digest


def test_a_baseline_without_a_network_learns_what_is_plain(stock: Stock) -> None:
    """Darkened channels show in mean chroma: the baseline's fit is not a constant."""
    assert any(abs(weight) > 0.01 for weight in fit_baseline(stock).weights)


def test_figures_tell_species_apart() -> None:
    """A species below every genuine document has an area of one and none passes; one above them passes."""
    kinds = np.array(["photo", "scan", "grey_copy", "screen_recapture"])
    scored = Scored(kinds, np.array([1.0, 2.0, -1.0, 3.0]), np.array([0.0, 1.0, 2.0, 0.5]))
    found = scored.figures(scored.threshold())
    assert found["grey_copy"].auc == 1.0
    assert found["grey_copy"].passed.errors == 0
    assert found["screen_recapture"].auc == 0.0
    assert found["screen_recapture"].baseline_auc == 0.5
    assert found["screen_recapture"].passed.errors == 1
    assert found["all"].passed.trials == 2
    assert scored.refused("photo", 1.5).errors == 1


def test_the_card_states_every_table(stock: Stock, tmp_path: Path) -> None:
    """Digest, licence and the figures of each table are written as valid TOML."""
    tables = score_all(RecaptureNetwork(), stock, stock)
    model = tmp_path / "model.onnx"
    model.write_bytes(b"weights")
    path = tmp_path / "card.toml"
    write_card(path, tables, model=model, schedule=Schedule(), pictures=12, cases=2)
    card = tomllib.loads(path.read_text())
    assert card["sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert card["commercial_use"] == "no"
    stated = {entry["data"].split(":")[0] for entry in card["measurement"]}
    assert stated == {"first", "second", "second_low"}
