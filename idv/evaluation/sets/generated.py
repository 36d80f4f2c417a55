"""Generated sets: media drawn by the project's own code, the same bytes on every machine or a named error."""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeVar

from idv.domain.errors import EvalSetError, SetFault
from idv.domain.eval_sets import EvalItem, EvalSet, Label, MediaRef, Part
from idv.domain.evidence import EncodedImage, ImageRole
from idv.domain.results import CheckName
from idv.evaluation.sets.manifest import Recipe
from idv.evaluation.sets.media import MediaRoot
from idv.vision.synthesis import authenticity_set, document_set

T = TypeVar("T")
OnItem = Callable[[int], None]


class Drawn(NamedTuple):
    """An item as a generator makes it, and its files."""

    item: EvalItem
    data: Mapping[ImageRole, bytes]


@dataclass(frozen=True)
class Generator:
    """Draws item `number` of a seed; `version` changes whenever a byte of any item does."""

    name: str
    version: str
    check: CheckName
    description: str
    slices: tuple[str, ...]
    limits: tuple[str, ...]
    draw: Callable[[int, int], Drawn]


class Built(NamedTuple):
    """How many items were drawn, and how many were there already."""

    drawn: int
    present: int


def build(
    frozen: EvalSet, recipe: Recipe, root: MediaRoot, *, processes: int, on_item: OnItem = lambda _: None
) -> Built:
    """Draw what the media root does not hold yet; can be stopped and continued. `on_item`: items done.

    Raises EvalSetError `generator_unknown`, `generator_version`, or `media_differs` when this machine draws
    other bytes than the set was frozen with.
    """
    generator_of(recipe)
    absent = [n for n, item in enumerate(frozen.items) if not all(map(root.has, item.media.values()))]
    present = len(frozen.items) - len(absent)
    on_item(present)
    digests = [{role: ref.sha256 for role, ref in frozen.items[n].media.items()} for n in absent]
    with _mapped(processes) as mapped:
        outcomes: Iterable[bool] = mapped(partial(_materialise, recipe, root), absent, digests)
        for done, same in enumerate(outcomes, start=1):
            if not same:
                raise EvalSetError([_differs(absent[done - 1], recipe)], field="media")
            on_item(present + done)
    return Built(len(absent), present)


def draw_items(
    recipe: Recipe, root: MediaRoot, *, processes: int, on_item: OnItem = lambda _: None
) -> list[EvalItem]:
    """Draw a new set's items and put their media into the root."""
    generator_of(recipe)
    items: list[EvalItem] = []
    with _mapped(processes) as mapped:
        drawn: Iterable[EvalItem] = mapped(partial(_stored, recipe, root), range(recipe.count))
        for item in drawn:
            items.append(item)
            on_item(len(items))
    return items


def generator_of(recipe: Recipe) -> Generator:
    """The generator that a recipe names. Raises EvalSetError `generator_unknown`, `generator_version`."""
    found = GENERATORS.get(recipe.generator)
    if found is None:
        known = ", ".join(GENERATORS)
        raise EvalSetError(
            [SetFault("generator_unknown", f"no generator {recipe.generator!r}; known: {known}")]
        )
    if found.version != recipe.version:
        why = f"the set was drawn by version {recipe.version} of {found.name}, this is {found.version}"
        raise EvalSetError([SetFault("generator_version", f"{why}: take the code of that version")])
    return found


@contextmanager
def _mapped(processes: int) -> Iterator[Callable[..., Iterable[T]]]:
    """`map`, in order, over so many processes; items still waiting are dropped when the caller stops."""
    if processes == 1:
        yield map
        return
    # Spawned: a fork would copy OpenCV's threads in whatever state they are.
    pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)


def _materialise(recipe: Recipe, root: MediaRoot, number: int, digests: Mapping[ImageRole, str]) -> bool:
    """Draw one item and store it if it is the item of the set; whether it is."""
    drawn = generator_of(recipe).draw(recipe.seed, number)
    if {role: EncodedImage(data).sha256 for role, data in drawn.data.items()} != digests:
        return False
    for data in drawn.data.values():
        root.store(data)
    return True


def _stored(recipe: Recipe, root: MediaRoot, number: int) -> EvalItem:
    drawn = generator_of(recipe).draw(recipe.seed, number)
    for data in drawn.data.values():
        root.store(data)
    return drawn.item


def _differs(number: int, recipe: Recipe) -> SetFault:
    return SetFault(
        "media_differs",
        f"item {number + 1} is drawn otherwise on this machine (other processor family, OpenCV or NumPy): "
        f"figures would not be comparable; `idv evalset draw {recipe.generator}` makes a set of your own",
    )


# --- the generators -------------------------------------------------------------------------------------


def _document(seed: int, number: int) -> Drawn:
    drawn = document_set.DocumentSet(seed).draw(number)
    item = EvalItem(
        id=f"d{number:05d}",
        media={role: MediaRef(EncodedImage(data).sha256) for role, data in drawn.media.items()},
        part=Part.TEST if drawn.holder % 2 else Part.TUNE,
        subject=f"h{drawn.holder:05d}",
        label=Label.FORGED if drawn.species else Label.GENUINE,
        species=drawn.species,
        slices={"document_type": drawn.document_type, "capture": drawn.severity},
        truth={"mrz": "\n".join(drawn.mrz_lines)},
    )
    return Drawn(item, drawn.media)


def _authenticity(seed: int, number: int) -> Drawn:
    drawn = authenticity_set.AuthenticitySet(seed).draw(number)
    plan = drawn.plan
    tune = plan.division is authenticity_set.Division.TUNE
    item = EvalItem(
        id=f"a{number:05d}",
        media={role: MediaRef(EncodedImage(data).sha256) for role, data in drawn.media.items()},
        part=Part.TUNE if tune else Part.TEST,
        subject=plan.subject,
        label=Label.FORGED if plan.species else Label.GENUINE,
        species=plan.species,
        slices={
            "document_type": plan.document_type.id,
            "design": "unseen" if plan.division is authenticity_set.Division.UNSEEN else "known",
            "method": plan.method,
            "forger": plan.forger if plan.species else "none",
            "encoder": drawn.encoder,
            "capture": plan.capture,
        },
        truth={"mrz": "\n".join(drawn.mrz_lines)} if drawn.mrz_lines else {},
    )
    return Drawn(item, drawn.media)


_DOCUMENT_LIMITS = (
    "The reader was developed with the code that draws these documents: on real ones figures will be worse.",
    "Photos, screens and prints are simulated; no real camera, display or printer took part.",
    "Edits are drawn with the card and leave no trace of paper, glue or software.",
    "Portraits are drawings: nothing about faces can be measured.",
    "Genuine documents are valid until 2036 at the latest; measure before their dates run out.",
)

_AUTHENTICITY_LIMITS = (
    "Documents, cameras, screens, printers and forgers are simulated: figures on real ones will be worse.",
    "The networks learned from the same scenes and cameras; forger, encoders and two designs are kept apart.",
    "Portraits are drawings: how well a face is swapped or morphed says little about photographs.",
    "Files carry no metadata: nothing is measured of provenance.",
    "Holograms, colour-shifting ink, relief and ultraviolet print do not exist here.",
    "Genuine documents run out from January 2031 on: measure before.",
)

_ALL: Sequence[Generator] = (
    Generator(
        name=document_set.NAME,
        version=document_set.VERSION,
        check=CheckName.DOCUMENT_READING,
        description="Drawn identity documents in simulated phone captures, genuine and forged in six ways.",
        slices=("document_type", "capture"),
        limits=_DOCUMENT_LIMITS,
        draw=_document,
    ),
    Generator(
        name=authenticity_set.NAME,
        version=authenticity_set.VERSION,
        check=CheckName.DOCUMENT_AUTHENTICITY,
        description="Drawn identity documents, photographed or scanned, genuine and forged in 23 ways.",
        slices=("document_type", "design", "method", "forger", "encoder", "capture"),
        limits=_AUTHENTICITY_LIMITS,
        draw=_authenticity,
    ),
)
GENERATORS: Mapping[str, Generator] = {generator.name: generator for generator in _ALL}
"""Name -> generator."""
