"""`idv evalset`: build, draw, check, describe and compare eval sets; importing is in `evalset_import`."""

import datetime as dt
import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from idv import settings
from idv.cli import evalset_import
from idv.cli.bars import counting
from idv.domain.errors import EvalSetError, SetFault
from idv.domain.eval_sets import EvalSet
from idv.evaluation.sets.cards import card_skeleton
from idv.evaluation.sets.contents import Contents, contents_of, difference
from idv.evaluation.sets.folder import load_set, write_set
from idv.evaluation.sets.generated import GENERATORS, build, draw_items, generator_of
from idv.evaluation.sets.manifest import Recipe, manifest_of, read_manifest
from idv.evaluation.sets.media import MediaRoot
from idv.evaluation.sets.places import find_set
from idv.evaluation.sets.verification import verify_media

app = typer.Typer(
    help="Eval sets: build, import, verify, describe, diff. A set is named by its name or its folder.",
    no_args_is_help=True,
)
app.add_typer(evalset_import.app, name="import")

_CORES = os.cpu_count() or 1
SetArgument = Annotated[str, typer.Argument(help="Name or folder of the set.")]
MediaOption = Annotated[
    str | None, typer.Option(help="Folder or URL of the media (default: the setting `media_root`).")
]
SealedOption = Annotated[
    Path | None, typer.Option(help="File with the labels of the sealed part.", dir_okay=False)
]
ProcessesOption = Annotated[int, typer.Option(min=1, help="Items drawn at a time.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@app.command("build")
def build_set(
    name: SetArgument,
    media: MediaOption = None,
    processes: ProcessesOption = _CORES,
    as_json: JsonOption = False,
) -> None:
    """Draw the media of a generated set; what is there already is left alone."""
    folder, root = _found(name), _root(media)
    frozen, recipe = load_set(folder), read_manifest(folder).recipe
    if recipe is None:
        raise EvalSetError(
            [SetFault("set_not_generated", f"{frozen.name} has no recipe: its media come from elsewhere")]
        )
    with counting(f"drawing {frozen.name}", len(frozen.items)) as on_item:
        built = build(frozen, recipe, root, processes=processes, on_item=on_item)
    if as_json:
        _print_json({"set": frozen.name, "drawn": built.drawn, "present": built.present, "media": root.url})
        return
    print(f"{frozen.name} {frozen.version}: {built.drawn} items drawn, {built.present} were in {root.url}")


@app.command()
def draw(
    generator: Annotated[str, typer.Argument(help=f"One of: {', '.join(GENERATORS)}.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder of the new set.", file_okay=False)],
    count: Annotated[int, typer.Option(min=1, help="Number of items.")] = 144,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other items.")] = 1,
    version: Annotated[str, typer.Option(help="Version of the new set.")] = "1",
    licence: Annotated[str, typer.Option(help="Under which the items may be passed on.")] = "Apache-2.0",
    media: MediaOption = None,
    processes: ProcessesOption = _CORES,
    as_json: JsonOption = False,
) -> None:
    """Make and freeze a new set with a generator; its name is that of its folder."""
    known = GENERATORS.get(generator)
    recipe = Recipe(generator=generator, version=known.version if known else "none", seed=seed, count=count)
    made = generator_of(recipe)
    manifest = manifest_of(
        name=out.name,
        version=version,
        check=made.check,
        description=made.description,
        licence=licence,
        created_on=dt.datetime.now(tz=dt.UTC).date(),
        slices=made.slices,
        limits=made.limits,
        recipe=recipe,
    )
    with counting(f"drawing {out.name}", count) as on_item:
        items = draw_items(recipe, _root(media), processes=processes, on_item=on_item)
    frozen = write_set(out, manifest, items, card=card_skeleton(manifest, items))
    _say_frozen(frozen, out, as_json=as_json)


@app.command()
def verify(
    name: SetArgument,
    media: MediaOption = None,
    sealed_labels: SealedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check manifest, digest, items and every file; exit code 5 when anything is wrong."""
    frozen, root = load_set(_found(name), sealed_labels=sealed_labels), _root(media)
    with counting(f"verifying {frozen.name}", len(frozen.items)) as on_item:
        state = verify_media(frozen, root, on_item=on_item)
    if as_json:
        faults = [fault._asdict() for fault in state.faults]
        _print_json(_head(frozen) | {"files": state.files, "media": root.url, "faults": faults})
    else:
        print(f"{frozen.name} {frozen.version}: digest {frozen.digest}, {len(frozen.items)} items")
        print(f"{state.files - len(state.faults)} of {state.files} files unaltered in {root.url}")
    if state.faults:
        raise EvalSetError(state.faults, field="media")


@app.command()
def describe(name: SetArgument, sealed_labels: SealedOption = None, as_json: JsonOption = False) -> None:
    """Count items, subjects and slices, and say what the set can show at best and what it cannot show."""
    frozen = load_set(_found(name), sealed_labels=sealed_labels)
    contents = contents_of(frozen)
    if as_json:
        _print_json(_head(frozen) | {"limits": frozen.limits} | _contents(contents))
        return
    console = Console()
    console.print(f"[bold]{frozen.name}[/bold] {frozen.version}, {frozen.check}", highlight=False)
    console.print(f"{frozen.description}\nlicence: {frozen.licence}\ndigest {frozen.digest}", highlight=False)
    console.print(
        f"{contents.items} items, {contents.files} files, {contents.subjects} subjects, "
        f"comparisons: {frozen.comparisons}"
    )
    console.print(_counts(contents), _floors(contents))
    for limit in frozen.limits:
        console.print(f"- {limit}", highlight=False)


@app.command()
def diff(
    a: Annotated[str, typer.Argument(help="Name or folder of the earlier set.")],
    b: Annotated[str, typer.Argument(help="Name or folder of the later set.")],
    as_json: JsonOption = False,
) -> None:
    """Show what changed from one set, or version of a set, to another: counts, heads, items."""
    first, second = load_set(_found(a)), load_set(_found(b))
    found = difference(first, second)
    if as_json:
        _print_json({"a": _head(first), "b": _head(second)} | found._asdict())
        return
    if first.digest == second.digest:
        print("no difference")
        return
    for key, (before, after) in found.head.items():
        print(f"{key}: {before} -> {after}")
    print(f"{len(found.only_a)} items only in the first, {len(found.only_b)} only in the second")
    often = Counter(name for names in found.changed.values() for name in names)
    told = ", ".join(f"{name} {count:,}" for name, count in often.most_common())
    print(f"{len(found.changed)} items changed{': ' + told if told else ''}")
    if found.counts:
        Console().print(_changed_counts(found.counts))
    for item, fields in found.changed.items():
        print(f"  {item}: {', '.join(fields)}")


def _found(name: str) -> Path:
    return find_set(name, committed=settings.load().eval_sets)


def _root(media: str | None) -> MediaRoot:
    return MediaRoot(media or settings.load().media_root)


def _say_frozen(frozen: EvalSet, out: Path, *, as_json: bool) -> None:
    if as_json:
        _print_json(_head(frozen) | {"folder": str(out)})
        return
    print(f"{frozen.name} {frozen.version}: {len(frozen.items)} items, digest {frozen.digest}, in {out}")


def _head(frozen: EvalSet) -> dict[str, object]:
    return {
        "set": frozen.name,
        "version": frozen.version,
        "check": frozen.check,
        "digest": frozen.digest,
        "items": len(frozen.items),
    }


def _contents(contents: Contents) -> dict[str, object]:
    return {
        "files": contents.files,
        "subjects": contents.subjects,
        "comparisons": dict(contents.comparisons),
        "values": {name: dict(counts) for name, counts in contents.values.items()},
        "floors": [floor._asdict() for floor in contents.floors],
    }


def _counts(contents: Contents) -> Table:
    table = Table("column", "value", "items", box=None)
    for column, counts in {**contents.values, "comparisons": contents.comparisons}.items():
        for position, (value, count) in enumerate(counts.items()):
            table.add_row("" if position else column, value, f"{count:,}")
    return table


def _changed_counts(counts: Mapping[str, Mapping[str, tuple[int, int]]]) -> Table:
    table = Table("column", "value", "first", "second", "change", box=None)
    for column, values in counts.items():
        for position, (value, (before, after)) in enumerate(values.items()):
            shown = (f"{before:,}", f"{after:,}", f"{after - before:+,}")
            table.add_row("" if position else column, escape(value), *shown)
    return table


def _floors(contents: Contents) -> Table:
    table = Table(
        "even without one error, the rate may be (95 %)",
        "trials",
        "by trials",
        "subjects",
        "by subjects",
        box=None,
    )
    for floor in contents.floors:
        trials, subjects = f"{100 * floor.by_trials:.2g} %", f"{100 * floor.by_subjects:.2g} %"
        table.add_row(floor.what, f"{floor.trials:,}", trials, f"{floor.subjects:,}", subjects)
    return table


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=False))
