"""Facts about the wired judges on real models and real faces; skipped loudly without either."""

import csv
import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from idv import bootstrap, settings
from idv.documents.document_types import load_document_types
from idv.domain.decisions import Decision
from idv.domain.errors import ModelError
from idv.domain.evidence import ClaimedIdentity, EncodedImage, Evidence, ImageRole
from idv.domain.operating_points import OperatingPoint
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome
from idv.vision.synthesis.capture import capture
from idv.vision.synthesis.cards import draw_card
from idv.vision.synthesis.holders import Holder, make_holder
from idv.workflow.operating_points import load_points
from idv.workflow.policy import decide

TODAY = dt.datetime.now(dt.UTC).date()


@pytest.fixture(scope="module")
def judges() -> Iterator[bootstrap.Judges]:
    """The judges as the service wires them."""
    try:
        with bootstrap.judges(settings.load()) as wired:
            yield wired
    except ModelError as error:
        pytest.skip(f"models are absent: {error}")


@pytest.fixture(scope="module")
def lfw() -> Path:
    """Photographs of faces."""
    folder = Path(os.environ.get("IDV_DATA", "absent")) / "lfw"
    if not folder.is_dir():
        pytest.skip("IDV_DATA does not name the folder with the real data")
    return folder


def pairs(folder: Path, *, mated: str) -> list[tuple[Path, Path]]:
    """The first pairs of the list."""
    with (folder / "pairs.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["mated"] == mated]
    return [(folder / row["path_a"], folder / row["path_b"]) for row in rows[:4]]


def onboarding(document_face: Path, selfie: Path) -> tuple[Evidence, Holder]:
    """A photographed card with one face, and another picture as the selfie."""
    rng = np.random.default_rng(5)
    known = next(known for known in load_document_types() if known.id == "xar_identity_card")
    holder = make_holder(known, rng, today=TODAY)
    picture = cv2.imread(str(document_face))
    assert picture is not None
    portrait = np.ascontiguousarray(picture[25:225, 50:200, ::-1], np.uint8)
    card = draw_card(known, holder, portrait, rng, dpi=400)
    photo = capture(card.front.image, severity=0.3, rng=rng).pixels
    _, encoded = cv2.imencode(".jpg", photo[..., ::-1])
    images = {
        ImageRole.DOCUMENT_FRONT: EncodedImage(encoded.tobytes()),
        ImageRole.SELFIE: EncodedImage(selfie.read_bytes()),
    }
    claim = ClaimedIdentity(
        surname=holder.surname, given_names=holder.given_names, date_of_birth=holder.date_of_birth
    )
    return Evidence(images, claim), holder


def judged(judges: bootstrap.Judges, evidence: Evidence) -> dict[CheckName, CheckResult]:
    """All results by check."""
    perception = judges.perceiver.perceive(evidence)
    results = judges.runner.run(evidence, perception, deadline=judges.clock.monotonic() + 60)
    return {result.name: result for result in results}


def test_the_same_person_with_a_true_claim_passes_reading_claim_and_match(
    judges: bootstrap.Judges, lfw: Path
) -> None:
    """A card photographed by hand is read, agrees with the claim, and its small portrait matches."""
    evidence, _ = onboarding(*pairs(lfw, mated="1")[0])
    results = judged(judges, evidence)
    for name in (CheckName.DOCUMENT_READING, CheckName.IDENTITY_MATCH, CheckName.FACE_MATCH):
        assert results[name].outcome is Outcome.PASS, results[name].reasons


def test_a_different_person_is_rejected(judges: bootstrap.Judges, lfw: Path) -> None:
    """The decision is reject, and the reason is the faces."""
    evidence, _ = onboarding(*pairs(lfw, mated="0")[0])
    results = judged(judges, evidence)
    record = decide(tuple(results.values()), judges.rules, now=judges.clock.now(), loaded=judges.loaded)
    assert record.decision is Decision.REJECT
    assert Reason.FACE_MISMATCH in [finding.reason for finding in record.findings]


def test_a_picture_of_a_face_is_no_document(judges: bootstrap.Judges, lfw: Path) -> None:
    """A selfie in the place of the document is found to be none."""
    first, second = pairs(lfw, mated="1")[0]
    images = {role: EncodedImage(p.read_bytes()) for role, p in zip(_ROLES, (first, second), strict=True)}
    results = judged(judges, Evidence(images))
    assert Reason.NO_DOCUMENT in results[CheckName.DOCUMENT_READING].reasons
    assert results[CheckName.FACE_MATCH].outcome is Outcome.INCONCLUSIVE


_ROLES = (ImageRole.DOCUMENT_FRONT, ImageRole.SELFIE)


def test_every_committed_operating_point_belongs_to_the_loaded_models(judges: bootstrap.Judges) -> None:
    """No threshold of the default pack was made for other models, preprocessing or calibration."""
    points: dict[CheckName, OperatingPoint] = load_points(judges.settings.operating_points / "open")
    assert set(points) == {CheckName.DOCUMENT_AUTHENTICITY, CheckName.FACE_MATCH, CheckName.LIVENESS}
    for name, point in points.items():
        assert point.check_digest == judges.loaded[name]
