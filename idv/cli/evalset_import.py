"""`idv evalset import`: sets from pairs lists, class folders, person folders, tables and transcripts."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from idv import settings
from idv.cli.bars import counting
from idv.domain.errors import EvalSetError, SetFault
from idv.domain.eval_sets import Comparisons, EvalSet
from idv.domain.results import CheckName
from idv.evaluation.sets.cards import card_skeleton
from idv.evaluation.sets.contents import pairs_across_parts
from idv.evaluation.sets.folder import write_set
from idv.evaluation.sets.folder_sources import LabelledFolder, class_folders, person_folders
from idv.evaluation.sets.gathering import Described, Split, gathered
from idv.evaluation.sets.item_files import labels_of
from idv.evaluation.sets.manifest import manifest_of
from idv.evaluation.sets.media import MediaRoot
from idv.evaluation.sets.places import IMPORTED
from idv.evaluation.sets.sealing import seal
from idv.evaluation.sets.table_sources import item_rows, lfw_pairs, transcripts

app = typer.Typer(
    help="Import a set: `idv evalset import --name NAME --licence LICENCE KIND SOURCE`. Its media "
    "are copied into the media root unless told otherwise. Subjects become numbers: the set names nobody. "
    "What a kind asks for: the same line up to KIND, then -h.",
    no_args_is_help=True,
)

RootOption = Annotated[
    Path, typer.Option(help="Folder that the paths start from.", file_okay=False, exists=True)
]
RootArgument = Annotated[Path, typer.Argument(help="Folder of the source.", file_okay=False, exists=True)]
TableArgument = Annotated[Path, typer.Argument(help="The table.", dir_okay=False)]


@dataclass(frozen=True)
class Request:
    """What all importers are asked alike."""

    name: str
    licence: str
    description: str
    limits: Sequence[str]
    version: str
    out: Path
    store: MediaRoot | None
    split: Split
    sealed_labels: Path | None
    as_json: bool


@app.callback()
def requested(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Option(help="Name of the set.")],
    licence: Annotated[str, typer.Option(help="Licence of the source, as it stands there.")],
    description: Annotated[str, typer.Option(help="One sentence: what the set is.")] = "",
    limit: Annotated[list[str] | None, typer.Option(help="A sentence: what it cannot show; repeat.")] = None,
    version: Annotated[str, typer.Option(help="A frozen version cannot be written again.")] = "1",
    out: Annotated[Path | None, typer.Option(help="Folder to write (default: var/eval_sets/NAME).")] = None,
    media: Annotated[str | None, typer.Option(help="Media root to copy into (default: the setting).")] = None,
    in_place: Annotated[
        bool, typer.Option(help="Copy nothing: keep paths, so that the source's folder is the media root.")
    ] = False,
    tune: Annotated[float, typer.Option(min=0, max=1, help="Share of the subjects to tune on.")] = 0.0,
    tune_where: Annotated[
        list[str] | None, typer.Option(help="Tune on items with COLUMN=VALUE; repeat. Replaces --tune.")
    ] = None,
    sealed: Annotated[float, typer.Option(min=0, max=1, help="Share of the subjects to seal.")] = 0.0,
    sealed_labels: Annotated[
        Path | None, typer.Option(help="Where the labels of the sealed part go, outside the set.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Import a set; the options before the kind of source are the same for all."""
    context.obj = Request(
        name=name,
        licence=licence,
        description=description or f"Imported as {name}.",
        limits=limit or (),
        version=version,
        out=out or IMPORTED / name,
        store=None if in_place else MediaRoot(media or settings.load().media_root),
        split=Split(tune, sealed, tuple(_assignments(tune_where or (), "--tune-where"))),
        sealed_labels=sealed_labels,
        as_json=as_json,
    )


@app.command()
def pairs(
    context: typer.Context,
    table: TableArgument,
    root: RootOption,
    all_pairs: Annotated[bool, typer.Option(help="Compare every photo with every other one.")] = False,
) -> None:
    """Read an LFW-style list: path_a, path_b, mated[, subject_a, subject_b, …]; for face matching."""
    source = lfw_pairs(table)
    comparisons = Comparisons.ALL_PAIRS if all_pairs else Comparisons.LISTED
    listed = None if all_pairs else source.pairs
    _import(
        context.obj,
        source.described,
        root,
        check=CheckName.FACE_MATCH,
        comparisons=comparisons,
        listed=listed,
    )


@app.command()
def people(context: typer.Context, root: RootArgument) -> None:
    """Read one folder a person, for face matching; every photo is compared with every other one."""
    described, everything = person_folders(root), Comparisons.ALL_PAIRS
    _import(context.obj, described, root, check=CheckName.FACE_MATCH, comparisons=everything)


@app.command()
def folders(
    context: typer.Context,
    root: RootArgument,
    genuine: Annotated[list[str], typer.Option(help="Folder of what should pass; repeat.")],
    attack: Annotated[list[str], typer.Option(help="FOLDER=SPECIES of what should not; repeat.")],
    check: Annotated[CheckName, typer.Option(help="The check it is for.")] = CheckName.LIVENESS,
    subject_level: Annotated[
        int | None, typer.Option(min=1, help="Which folder below the class is the subject.")
    ] = None,
) -> None:
    """Read one folder a class, as PAD sets come."""
    labels = labels_of(check)
    if not labels:
        raise EvalSetError([SetFault("label_unknown", f"{check} has no classes: its truth is the subject")])
    classes = [LabelledFolder(folder, labels[0]) for folder in genuine]
    classes += [LabelledFolder(f, labels[1], species) for f, species in _assignments(attack, "--attack")]
    _import(context.obj, class_folders(root, classes, subject_level=subject_level), root, check=check)


@app.command("csv")
def table_of_items(
    context: typer.Context,
    table: TableArgument,
    root: RootOption,
    check: Annotated[CheckName, typer.Option(help="The check it is for.")],
    *,
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="OURS=THEIRS where names differ; ours: path, back, label, species, subject, session, part, "
            "truth.NAME. Repeat."
        ),
    ] = None,
    slices: Annotated[
        list[str] | None, typer.Option("--slice", help="Column to break figures down by; repeat.")
    ] = None,
    label_value: Annotated[
        list[str] | None, typer.Option(help="THEIRS=OURS for values of the label; repeat.")
    ] = None,
    all_pairs: Annotated[bool, typer.Option(help="For face matching: compare each with each.")] = False,
) -> None:
    """Read a table with a row a file."""
    described = item_rows(
        table,
        columns=dict(_assignments(column or (), "--column")),
        slices=slices or (),
        values=dict(_assignments(label_value or (), "--label-value")),
    )
    comparisons = Comparisons.ALL_PAIRS if all_pairs else Comparisons.NONE
    _import(context.obj, described, root, check=check, comparisons=comparisons)


@app.command()
def specimens(context: typer.Context, table: TableArgument, root: RootOption) -> None:
    """Read pictures of documents whose machine-readable zones were transcribed into TOML."""
    _import(context.obj, transcripts(table), root, check=CheckName.DOCUMENT_READING)


def _import(
    request: Request,
    described: Sequence[Described],
    root: Path,
    *,
    check: CheckName,
    comparisons: Comparisons = Comparisons.NONE,
    listed: Sequence[tuple[str, str]] | None = None,
) -> None:
    """Gather, freeze and say what was made; nothing is written when anything is wrong."""
    slices = dict.fromkeys(name for entry in described for name in entry.slices)
    manifest = manifest_of(
        name=request.name,
        version=request.version,
        check=check,
        description=request.description,
        licence=request.licence,
        created_on=dt.datetime.now(tz=dt.UTC).date(),
        comparisons=comparisons,
        slices=tuple(slices),
        limits=tuple(request.limits),
    )
    with counting(f"reading {request.name}", len(described)) as on_file:
        found = gathered(
            described, root, check=check, split=request.split, store=request.store, on_file=on_file
        )
    position = {item.id: index for index, item in enumerate(found.items)}
    paired = None
    if listed is not None:
        ids = [(found.by_path[a], found.by_path[b]) for a, b in listed]
        paired = np.array([(position[a], position[b]) for a, b in ids], np.int32).reshape(-1, 2)
    card = card_skeleton(manifest, seal(found.items)[0])  # its counts must not tell sealed labels
    frozen = write_set(
        request.out, manifest, found.items, pairs=paired, card=card, sealed_labels=request.sealed_labels
    )
    _say(frozen, found.repeated, request, root)


def _say(frozen: EvalSet, repeated: int, request: Request, root: Path) -> None:
    across = pairs_across_parts(frozen)
    if request.as_json:
        made: dict[str, object] = {"set": frozen.name, "version": frozen.version, "digest": frozen.digest}
        if frozen.pairs is not None:
            made |= {"pairs": len(frozen.pairs), "pairs_across_parts": across}
        print(
            json.dumps(made | {"items": len(frozen.items), "repeated": repeated, "folder": str(request.out)})
        )
        return
    print(
        f"{frozen.name} {frozen.version}: {len(frozen.items)} items, digest {frozen.digest}, in {request.out}"
    )
    if repeated:
        print(f"{repeated} files were met again under another name and left out")
    if across and frozen.pairs is not None:
        share = f"{across:,} of {len(frozen.pairs):,} listed pairs ({across / len(frozen.pairs):.1%})"
        print(f"{share} have their items in two parts: no figure counts them")
    if request.store is None:
        print(f"its media lie below {root}: name that folder with --media")


def _assignments(given: Sequence[str], option: str) -> list[tuple[str, str]]:
    """`A=B` as pairs. Raises typer.BadParameter for anything else."""
    parts = [text.partition("=") for text in given]
    if any(not (name and equals and value) for name, equals, value in parts):
        raise typer.BadParameter("expected NAME=VALUE", param_hint=option)
    return [(name, value) for name, _, value in parts]
