"""`idv documents capture`: a new type's data file and reference picture, from photos and a draft."""

import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console

from idv import bootstrap, settings
from idv.cli.documents.catalogue import print_zones
from idv.documents.document_types import DocumentType, SideName, load_document_types, parse_document_type
from idv.documents.type_drafts import TypeDraft, load_draft
from idv.documents.type_writer import as_toml
from idv.domain.arrays import RgbImage
from idv.domain.errors import ConfigurationError, RequestError
from idv.vision.perception.template_references import ENDING, WIDTH_PX
from idv.vision.perception.type_fitting import FittedSide

REFERENCES = "references"
_SAMPLE_SIDE_PX = 2400
_QUALITY = 90
_INCOMPLETE = 10
_INKS = ("label", "value")
_OPENING = "Fitted by `idv documents capture`; boxes are shares of the side laid flat."


def capture(
    draft: Annotated[Path, typer.Argument(help="TOML with the type's rules and its labels.")],
    samples: Annotated[list[Path], typer.Argument(help="2 to 5 photos of one side, of different holders.")],
    side: Annotated[SideName, typer.Option(help="The side that they show.")] = SideName.FRONT,
    into: Annotated[
        Path | None, typer.Option(help="Folder of the types; IDV_DOCUMENT_TYPES where it is not given.")
    ] = None,
) -> None:
    """Fit a new type's zones from a few photos; once a side. See ADDING_A_DOCUMENT_TYPE.md.

    Writes TYPE.toml, named after the draft, and references/TYPE-SIDE.webp: the blank side, without anything
    of a holder. Exit 10: a label or value of the draft was not found, and is not in the file.
    """
    checked = settings.load()
    folder = into or checked.document_types
    if folder is None:
        raise ConfigurationError(["name a folder with --into, or set IDV_DOCUMENT_TYPES"])
    told = load_draft(draft)
    target = target_of(told, folder, draft)
    labels = told.labels.get(side)
    if labels is None:
        raise RequestError("side_not_drafted", f"the draft has no table labels.{side}", field="side")
    with bootstrap.side_fitter(checked) as (fitter, decoder):
        photos = [decoder.decode(_read(path), max_side_px=_SAMPLE_SIDE_PX) for path in samples]
        fitted = fitter.fit(photos, labels, aspect=told.type.aspect_ratio, state_name=told.type.state_name)
    made = written(told, side, fitted, target)
    _show(made, told, fitted)
    raise typer.Exit(_INCOMPLETE if fitted.missing else 0)


def target_of(draft: TypeDraft, folder: Path, path: Path) -> Path:
    """The file to write. Raises RequestError `document_type_exists`, `draft_in_the_way`."""
    target = folder / f"{draft.type.id}.toml"
    if load_document_types().get(draft.type.id) is not None:
        raise RequestError(
            "document_type_exists", f"{draft.type.id} comes with the project: name it otherwise"
        )
    if target.exists() and target.samefile(path):
        raise RequestError("draft_in_the_way", f"{path} would be overwritten: keep drafts elsewhere")
    return target


def written(draft: TypeDraft, side: SideName, fitted: FittedSide, target: Path) -> DocumentType:
    """Write the type with this side, other sides that were fitted before kept, and the side's reference.

    Raises ConfigurationError when the file that is there is broken.
    """
    before = _before(target)
    sides = dict(before.sides) if before else {}
    look = {name: asdict(before.look)[name] for name in _INKS} if before else {}
    if before is None or set(before.sides) == {side}:
        look = dict(fitted.look)
    sides[side] = fitted.side
    ordered = {name: sides[name] for name in SideName if name in sides}
    made = draft.finished(ordered, look)
    text = as_toml(made, opening=_OPENING)
    parse_document_type(made.id, tomllib.loads(text))  # what is written can be read
    (target.parent / REFERENCES).mkdir(parents=True, exist_ok=True)
    reference = target.parent / REFERENCES / f"{made.id}-{side}{ENDING}"
    reference.write_bytes(_webp(fitted.reference, made.aspect_ratio))
    target.write_text(text, encoding="utf-8")
    return made


def _before(target: Path) -> DocumentType | None:
    if not target.is_file():
        return None
    try:
        return parse_document_type(target.stem, tomllib.loads(target.read_text(encoding="utf-8")))
    except (KeyError, TypeError, ValueError) as fault:
        raise ConfigurationError([f"{target}: {type(fault).__name__}: {fault}"]) from fault


def _webp(picture: RgbImage, aspect: float) -> bytes:
    size = (WIDTH_PX, round(WIDTH_PX / aspect))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    blue_first = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    return cv2.imencode(ENDING, blue_first, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])[1].tobytes()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RequestError("file_unreadable", f"{path}: {error.strerror}", field="samples") from error


def _show(made: DocumentType, draft: TypeDraft, fitted: FittedSide) -> None:
    console = Console()
    print_zones(console, made)
    if fitted.missing:
        console.print(f"[yellow]not found:[/yellow] {', '.join(fitted.missing)}")
    unfitted = [name for name in draft.labels if name not in made.sides]
    if unfitted:
        console.print(f"still to be fitted: {', '.join(unfitted)}")
