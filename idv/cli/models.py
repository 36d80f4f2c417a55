"""`idv models`: fetch, list, check, add models, and say what they may be used for."""

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from idv import settings
from idv.domain.errors import ModelError
from idv.packs.additions import add_model
from idv.packs.lock import CommercialUse
from idv.packs.progress import Progress as PackProgress
from idv.packs.progress import Stage
from idv.packs.status import Licence, ModelStatus, Pulled, State
from idv.packs.store import DEFAULT_PACK, ModelStore
from idv.packs.triton import export as export_for_triton
from idv.packs.triton import write_configs

app = typer.Typer(
    help="Models: pull, list, verify, licences, add; config and export for Triton.", no_args_is_help=True
)

PackArgument = Annotated[str | None, typer.Argument(help="The pack (default: the setting `pack`).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@app.command()
def pull(
    context: typer.Context,
    pack: PackArgument = None,
    accept_licence: Annotated[
        list[str] | None, typer.Option(help="Accept this licence by its name; repeat for several.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--from", help="Folder with the files of a pack that you bring.", file_okay=False, exists=True
        ),
    ] = None,
) -> None:
    """Fetch a pack's models and turn them into ONNX; what is here already is left alone."""
    store, pack = _opened(context, pack)
    _pull(store, pack, accept=accept_licence or (), folder=folder)


@app.command("list")
def list_packs(context: typer.Context, json_: JsonOption = False) -> None:
    """Show all packs, their models and whether they are on this machine."""
    store, _ = _opened(context, None)
    packs = {pack: store.verify(pack) for pack in store.packs()}
    if json_:
        _print_json(
            [{"pack": pack, "models": [_status(item) for item in items]} for pack, items in packs.items()]
        )
        return
    table = Table("pack", "model", "state", "size", "commercial use", "source")
    for pack, items in packs.items():
        lock = store.lock(pack)
        by_name = {model.name: model for model in lock.models}
        for item in items:
            model = by_name[item.name]
            source = lock.source(model).label
            table.add_row(
                pack, item.name, _coloured(item.state), _size(item.size), model.commercial_use, source
            )
    Console().print(table)


@app.command()
def verify(context: typer.Context, pack: PackArgument = None, json_: JsonOption = False) -> None:
    """Read every file of a pack and compare its digest; exit code 3 when one is missing or altered."""
    store, pack = _opened(context, pack)
    found = store.verify(pack)
    if json_:
        _print_json([_status(item) for item in found])
    else:
        table = Table("model", "state", "size", "SHA-256", "digest from")
        for item in found:
            origin = "lock" if item.pinned else "first use"
            table.add_row(
                item.name, _coloured(item.state), _size(item.size), item.sha256 or "unknown", origin
            )
        Console().print(table)
    bad = [f"{item.name} is {item.state}" for item in found if item.state is not State.OK]
    if bad:
        altered = any(item.state is State.ALTERED for item in found)
        code = "model_digest_mismatch" if altered else "model_missing"
        raise ModelError(code, f"{', '.join(bad)}; run `idv models pull {pack}`")


@app.command()
def licences(context: typer.Context, pack: PackArgument = None, json_: JsonOption = False) -> None:
    """Say under which licence each model of a pack comes, and what it may be used for."""
    store, pack = _opened(context, pack)
    found = store.licences(pack)
    if json_:
        _print_json([_licence(item) for item in found])
        return
    table = Table("model", "licence", "commercial use", "trained on", "note", show_lines=True)
    for item in found:
        note = f"{item.note} Accept with --accept-licence {item.accept}." if item.accept else item.note
        table.add_row(item.model, item.licence, _use(item.commercial_use), item.training_data, note)
    Console().print(table)


@app.command()
def add(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The ONNX file.", dir_okay=False)],
    card: Annotated[Path, typer.Option(help="Its card (see ADDING_A_MODEL.md).", dir_okay=False)],
    pack: Annotated[str, typer.Option(help="The pack to lock it in; made if there is none.")] = DEFAULT_PACK,
    replace: Annotated[bool, typer.Option(help="Let the file replace the digest in its card.")] = False,
) -> None:
    """Check an ONNX file against its card, put both into the model repository and lock the digest."""
    store, _ = _opened(context, None)
    model = add_model(store.repository, file, card, pack=pack, replace_digest=replace)
    typer.echo(f"{model.name}: {_size(model.size)}, SHA-256 {model.sha256}, locked in pack {pack}")


@app.command()
def config(context: typer.Context) -> None:
    """Write every model's Triton configuration (`config.pbtxt`) beside its card, from the card."""
    store, _ = _opened(context, None)
    names = sorted({model.name for pack in store.packs() for model in store.lock(pack).models})
    changed = write_configs(store.repository, names)
    typer.echo(f"{len(names)} configurations, changed: {', '.join(changed) or 'none'}")


@app.command()
def export(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The folder to make.", file_okay=False)],
    pack: PackArgument = None,
) -> None:
    """Lay a pack's models out as a model repository for Triton."""
    store, pack = _opened(context, pack)
    files = store.files(pack)
    export_for_triton(files, store.repository, folder)
    typer.echo(f"{len(files)} models of pack {pack} in {folder}")


def pull_with_progress(pack: str, repository: Path, cache: Path) -> Pulled:
    """Pull a pack as `idv models pull` does: bars with the time left on a terminal, one line otherwise."""
    return _pull(ModelStore(repository, cache), pack, accept=(), folder=None)


def _opened(context: typer.Context, pack: str | None) -> tuple[ModelStore, str]:
    """The store and the pack that the settings say; a test hands over its store as the context's object."""
    if isinstance(context.obj, ModelStore):
        return context.obj, pack or DEFAULT_PACK
    checked = settings.load()
    return ModelStore(checked.model_repository, checked.model_cache), pack or checked.pack


def _pull(store: ModelStore, pack: str, *, accept: Collection[str], folder: Path | None) -> Pulled:
    console = Console(stderr=True)
    with _bars(console) as progress:
        pulled = store.pull(pack, progress=progress, accept=accept, folder=folder)
    if pulled.trusted:
        console.print(
            f"[bold yellow]TRUSTED ON FIRST USE[/]: {', '.join(pulled.trusted)}. No digest of these files is "
            "locked, so nothing here can say that they are what their authors published. From now on only "
            "the same bytes are accepted on this machine."
        )
    made = f"{len(pulled.made)} made ({', '.join(pulled.made)})" if pulled.made else "nothing to do"
    typer.echo(f"pack {pack}: {made}, {len(pulled.present)} were here", err=True)
    return pulled


@contextmanager
def _bars(console: Console) -> Iterator[Callable[[PackProgress], None]]:
    """A sink that draws one bar a thing; silent when nobody watches."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def show(progress: PackProgress) -> None:
            if progress.stage is Stage.CONVERT:
                if console.is_terminal and progress.done < progress.total:
                    bars.console.print(f"converting {progress.label}", highlight=False)
                return
            if progress.label not in tasks:
                tasks[progress.label] = bars.add_task(progress.label, total=progress.total)
            bars.update(tasks[progress.label], completed=progress.done)

        yield show


def _status(item: ModelStatus) -> dict[str, str | int | bool | None]:
    return {
        "name": item.name,
        "state": item.state.value,
        "sha256": item.sha256 or None,
        "size": item.size,
        "path": str(item.path) if item.path else None,
        "pinned": item.pinned,
    }


def _licence(item: Licence) -> dict[str, str | None]:
    return {
        "model": item.model,
        "licence": item.licence,
        "commercial_use": item.commercial_use.value,
        "note": item.note,
        "training_data": item.training_data,
        "training_data_licence": item.training_data_licence,
        "accept": item.accept or None,
    }


def _coloured(state: State) -> str:
    colour = {State.OK: "green", State.MISSING: "yellow", State.ALTERED: "red"}[state]
    return f"[{colour}]{state}[/{colour}]"


def _use(use: CommercialUse) -> str:
    colour = {CommercialUse.YES: "green", CommercialUse.NO: "red", CommercialUse.UNKNOWN: "yellow"}[use]
    return f"[{colour}]{use}[/{colour}]"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size else "unknown"


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))
