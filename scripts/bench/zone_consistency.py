"""Draws genuine and inconsistent documents, reads both sides and prints what zone consistency found.

    IDV_DATA=... python -m scripts.bench.zone_consistency [--genuine 400] [--inconsistent 300] [--first 0]

Designs held out from all tuning are left out unless `--held-out` asks for them alone. Every document is
photographed in a scene drawn at random, encoded, found, laid flat and read by the code of a verification; the
rules are then asked about the readings. An inconsistent document counts as read when every zone that states
the altered field was read with the confidence that the rules demand. `--kept FOLDER` keeps readings, so that
a broken run goes on where it stopped and changed rules are asked again about the same readings.

Beside the rules stands what `document_reading` makes of the same readings: an inconsistent document whose
altered field could not be read must not pass it.
"""

import argparse
import pickle
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import cv2
import numpy as np

from idv.checks.document_reading.check import DocumentReadingCheck
from idv.documents.consistency import Inconsistency
from idv.documents.contradictions import contradictions
from idv.documents.document_types import DocumentType, DocumentTypes, SideName, load_document_types
from idv.documents.sides import read_sides
from idv.domain.arrays import RgbImage
from idv.domain.documents import DocumentReading, DocumentView, FieldName, Zone
from idv.domain.evidence import Evidence, ImageRole
from idv.domain.images import DecodedImage, MediaType
from idv.domain.ports import Perception
from idv.domain.reasons import Reason
from idv.domain.results import Outcome
from idv.infra.clock import ManualClock
from idv.metrics.intervals import wilson
from idv.vision.perception.document import DocumentFinder
from idv.vision.perception.reading import DocumentReader
from idv.vision.synthesis.cameras import draw_camera
from idv.vision.synthesis.document_scenes import Shot, draw_scene, photographed
from idv.vision.synthesis.forgeries.case import Case
from idv.vision.synthesis.forgeries.held_out import HELD_OUT_DESIGNS
from idv.vision.synthesis.forgeries.make import Presented, applies, forge, present
from idv.vision.synthesis.forgeries.retouching import region_of
from idv.vision.synthesis.forgeries.species import Forger, ForgeryType
from idv.vision.synthesis.holders import make_holder
from idv.vision.synthesis.portraits import draw_portrait
from idv.vision.synthesis.uploads import HELD_OUT_ENCODERS, TRAINING_ENCODERS, uploaded
from scripts.bench.mrz_captures import TODAY, parts

SPECIES = (
    ForgeryType.MRZ_EDITED,
    ForgeryType.MRZ_EDITED_REPAIRED,
    ForgeryType.VIZ_MRZ_MISMATCH,
    ForgeryType.BARCODE_MISMATCH,
    ForgeryType.IMPOSSIBLE_DATES,
    ForgeryType.EXPIRED,
    ForgeryType.TEXT_SAME_FONT,
    ForgeryType.TEXT_OTHER_FONT,
    ForgeryType.TEXT_INPAINTED,
    ForgeryType.COPY_MOVE,
    ForgeryType.SPLICE,
)
ROLES = (ImageRole.DOCUMENT_FRONT, ImageRole.DOCUMENT_BACK)
_CONFIDENT = 0.80
_SEED = 1011


class Plan(NamedTuple):
    """What item `number` shows; `species` None: genuine."""

    number: int
    document_type: str
    species: ForgeryType | None
    forger: Forger


class Item(NamedTuple):
    """One document as it was read. `altered`: printed fields that were edited in the photograph."""

    plan: Plan
    altered: tuple[FieldName, ...]
    readings: tuple[DocumentReading, ...]
    views: tuple[DocumentView | None, ...] = ()


class Tools(NamedTuple):
    """Finder and reader over the open pack."""

    finder: DocumentFinder
    reader: DocumentReader


def plans(genuine: int, inconsistent: int, *, first: int, designs: Sequence[DocumentType]) -> list[Plan]:
    """Types and species turn, so that each meets each; numbers of the two kinds never meet."""
    good = [Plan(k, designs[k % len(designs)].id, None, Forger.FIRST) for k in range(first, first + genuine)]
    bad = []
    for k in range(first, first + inconsistent):
        species = SPECIES[k % len(SPECIES)]
        able = [known.id for known in designs if applies(species, known)]
        turn = k // len(SPECIES)
        bad.append(
            Plan(
                1_000_000 + k, able[turn % len(able)], species, tuple(Forger)[(turn + turn // len(able)) % 2]
            )
        )
    return [plan for pair in _interleaved(good, bad) for plan in pair]


def _interleaved(good: Sequence[Plan], bad: Sequence[Plan]) -> Iterable[tuple[Plan, ...]]:
    for k in range(max(len(good), len(bad))):
        yield tuple(plans[k] for plans in (good, bad) if k < len(plans))


def drawn(plan: Plan, known: DocumentType, rng: np.random.Generator) -> Presented:
    """The document before the camera."""

    def take(side: RgbImage) -> Shot:
        return photographed(side, draw_scene(rng), draw_camera(rng), rng)

    case = Case(
        document_type=known,
        holder=make_holder(known, rng, today=TODAY.date()),
        stranger=make_holder(known, rng, today=TODAY.date()),
        portrait=draw_portrait(rng),
        strange_portrait=draw_portrait(rng),
        photograph=take,
    )
    return present(case, rng) if plan.species is None else forge(case, plan.species, plan.forger, rng)


def read(plan: Plan, known: DocumentType, tools: Tools) -> Item:
    """Draw, encode, find and read one document."""
    rng = np.random.default_rng([_SEED, plan.number])
    made = drawn(plan, known, rng)
    encoders = TRAINING_ENCODERS if plan.forger is Forger.FIRST else HELD_OUT_ENCODERS
    views, readings = [], []
    for shot in made.shots.values():
        data = np.frombuffer(uploaded(shot.pixels, encoders, rng), np.uint8)
        pixels = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)
        view = tools.finder.find(DecodedImage(pixels, MediaType.JPEG, pixels.shape[1], pixels.shape[0]))
        views.append(view)
        readings.append(tools.reader.read(view) if view else DocumentReading(reasons=(Reason.NO_DOCUMENT,)))
    return Item(plan, altered_fields(made), tuple(readings), tuple(views))


def altered_fields(made: Presented) -> tuple[FieldName, ...]:
    """The fields whose places were edited in the photograph of the front."""
    front = made.card.front
    quads, shot = made.altered[SideName.FRONT], made.shots[SideName.FRONT]
    size = front.image.shape[1], front.image.shape[0]
    middles = {name: region_of(shot, size, box).quad.mean(axis=0) for name, box in front.field_boxes.items()}
    return tuple(
        min(middles, key=lambda name: float(np.linalg.norm(middles[name] - quad.mean(axis=0))))
        for quad in quads
    )


def were_read(item: Item, known: DocumentType) -> bool:
    """Whether all that contradicts was read: each zone with the field, confidently."""
    read_in: dict[FieldName, set[Zone]] = {}
    for reading in item.readings:
        for found in reading.fields:
            if found.confidence >= _CONFIDENT:
                read_in.setdefault(found.name, set()).add(found.zone)
    coded = bool(known.mrz) or any(side.barcode for side in known.sides.values())
    machine = {zone for zones in read_in.values() for zone in zones if zone is not Zone.VIZ}
    if item.plan.species is ForgeryType.MRZ_EDITED:
        return any(reading.mrz is not None for reading in item.readings)
    if item.plan.species is ForgeryType.BARCODE_MISMATCH:
        return any(reading.barcodes for reading in item.readings)
    if item.plan.species in (ForgeryType.EXPIRED, ForgeryType.IMPOSSIBLE_DATES):
        return FieldName.DATE_OF_EXPIRY in read_in or FieldName.DATE_OF_BIRTH in read_in
    wanted = item.altered or (FieldName.DATE_OF_BIRTH, FieldName.DOCUMENT_NUMBER)
    return coded and bool(machine) and all(Zone.VIZ in read_in.get(name, ()) for name in wanted)


def found_in(item: Item, types: DocumentTypes) -> tuple[Inconsistency, ...]:
    """What is held against the document."""
    sides = read_sides(cast("Perception", Given(dict(zip(ROLES, item.readings, strict=False)))))
    return contradictions(sides, today=TODAY.date(), types=types)


class Given:
    """A perception that knows readings alone."""

    def __init__(self, readings: Mapping[ImageRole, DocumentReading]) -> None:
        self._readings = readings

    def reading(self, role: ImageRole) -> DocumentReading:
        """The reading. Raises KeyError for a side that the type does not have."""
        return self._readings[role]


def outcome_of(item: Item, types: DocumentTypes) -> Outcome:
    """What the check `document_reading` makes of it."""
    check = DocumentReadingCheck(types=types, clock=ManualClock(TODAY), provider="open", digest="")
    given = cast("Perception", Given(dict(zip(ROLES, item.readings, strict=False))))
    return check.judge(Evidence(images={}), given, deadline=float("inf")).outcome


def items(
    wanted: Iterable[Plan], known: Mapping[str, DocumentType], *, kept: Path | None, views: bool
) -> Iterable[Item]:
    """Every planned item, drawn unless it is kept already."""
    tools: Tools | None = None
    for plan in wanted:
        path = kept / f"{plan.number}.pickle" if kept else None
        if path is not None and path.exists():
            yield pickle.loads(path.read_bytes())  # noqa: S301 - written by this script
            continue
        tools = tools or Tools(*parts())
        item = read(plan, known[plan.document_type], tools)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pickle.dumps(item if views else item._replace(views=())))
        yield item


def main() -> None:
    """Draw, read, judge and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--genuine", type=int, default=400)
    arguments.add_argument("--inconsistent", type=int, default=300)
    arguments.add_argument("--first", type=int, default=0)
    arguments.add_argument("--held-out", action="store_true")
    arguments.add_argument("--kept", type=Path)
    arguments.add_argument("--views", action="store_true", help="keep the flat pictures too")
    options = arguments.parse_args()
    types = load_document_types()
    known = {one.id: one for one in types if (one.id in HELD_OUT_DESIGNS) == options.held_out}
    cv2.setNumThreads(1)
    started = time.process_time()
    # A genuine document is as good whatever is forged, so the order lets a broken run show both kinds.
    wanted = plans(options.genuine, options.inconsistent, first=options.first, designs=tuple(known.values()))
    done = list(items(wanted, known, kept=options.kept, views=options.views))
    report(done, types)
    print(f"CPU: {time.process_time() - started:.0f} s")


def report(done: Sequence[Item], types: DocumentTypes) -> None:
    """Print figures, and every item that went otherwise than it should."""
    known = {one.id: one for one in types}
    judged = [Judged(item, bool(found_in(item, types)), outcome_of(item, types)) for item in done]
    good = [one for one in judged if one.item.plan.species is None]
    bad = [one for one in judged if one.item.plan.species is not None]
    read_ones = [one for one in bad if were_read(one.item, known[one.item.plan.document_type])]
    for one in judged:
        if one.found != (one.item.plan.species is not None):
            print(_told(one, read=one in read_ones, types=types))
    print("\n  share  95 % interval  count")
    print(_line("consistent documents flagged", sum(one.found for one in good), len(good)))
    print(
        _line("inconsistent ones found, of those read", sum(one.found for one in read_ones), len(read_ones))
    )
    print(_line("inconsistent ones found, of all", sum(one.found for one in bad), len(bad)))
    print(_line("inconsistent ones that pass document_reading", _passed(bad), len(bad)))
    print(_line("consistent ones that pass document_reading", _passed(good), len(good)))
    for species in SPECIES:
        some = [one for one in bad if one.item.plan.species is species]
        seen = [one for one in some if one in read_ones]
        print(_line(f"{species}: found, of those read", sum(one.found for one in seen), len(seen)),
              f"; {len(some) - len(seen)} not read, {_passed(some)} pass")  # fmt: skip
    for name in known:
        some = [one for one in good if one.item.plan.document_type == name]
        seen = [one for one in read_ones if one.item.plan.document_type == name]
        print(_line(f"{name}: flagged", sum(one.found for one in some), len(some)),
              _line("; found, of those read", sum(one.found for one in seen), len(seen)))  # fmt: skip


class Judged(NamedTuple):
    """An item, whether anything is held against it, and the outcome of the check."""

    item: Item
    found: bool
    outcome: Outcome


def _passed(judged: Sequence[Judged]) -> int:
    return sum(one.outcome is Outcome.PASS for one in judged)


def _line(what: str, count: int, trials: int) -> str:
    if not trials:
        return f"{what}: none"
    interval = wilson(count, trials)
    share = f"{100 * count / trials:.1f} % [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"
    return f"{what}: {share} {count} of {trials}"


def _told(one: Judged, *, read: bool, types: DocumentTypes) -> str:
    """Why an item went wrong, without its data: what was read of it and what was held against it."""
    plan = one.item.plan
    against = {f"{item.reason}:{item.field}" for item in found_in(one.item, types)}
    reasons = [",".join(reading.reasons) or "-" for reading in one.item.readings]
    return (
        f"{plan.number} {plan.document_type} {plan.species or 'genuine'} {plan.forger}: "
        f"altered {list(one.item.altered)}, {'read' if read else 'not read'}, found {sorted(against)}, "
        f"outcome {one.outcome}, obstacles {reasons}"
    )


if __name__ == "__main__":
    main()
