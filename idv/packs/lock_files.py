"""Reads and writes lock files: `<repository>/<pack>.lock.toml`."""

from pathlib import Path

from idv.domain.errors import ModelError
from idv.packs.lock import (
    NAME,
    SHA256,
    CommercialUse,
    Lock,
    LockedModel,
    Recipe,
    RecipeKind,
    RecipeOutput,
    Source,
    SourceKind,
)
from idv.packs.tables import Table, TableFaults, Value, read_toml, toml_text

SCHEMA = 1
LOCK_SUFFIX = ".lock.toml"


def lock_path(repository: Path, pack: str) -> Path:
    """Where a pack's lock file stands. Raises ModelError `model_pack_unknown` for what cannot be a name."""
    if not NAME.fullmatch(pack):
        raise ModelError("model_pack_unknown", f"{pack!r} cannot be the name of a pack")
    return repository / f"{pack}{LOCK_SUFFIX}"


def packs(repository: Path) -> tuple[str, ...]:
    """The names of all packs of a repository."""
    return tuple(sorted(path.name.removesuffix(LOCK_SUFFIX) for path in repository.glob(f"*{LOCK_SUFFIX}")))


def read_lock(repository: Path, pack: str) -> Lock:
    """A pack's lock. Raises ModelError `model_pack_unknown`, or `model_lock_invalid` with every fault."""
    path = lock_path(repository, pack)
    if not path.is_file():
        known = ", ".join(packs(repository)) or "none"
        raise ModelError("model_pack_unknown", f"no pack {pack!r} in {repository}; known: {known}")
    faults = TableFaults()
    lock = _lock(read_toml(path, code="model_lock_invalid", faults=faults))
    if lock.pack != pack:
        faults.add(f"pack is {lock.pack!r}, the file says {pack!r}")
    _check_references(lock, faults)
    faults.raise_any("model_lock_invalid", path.name)
    return lock


def write_lock(repository: Path, lock: Lock) -> Path:
    """Write a pack's lock file; equal locks give equal bytes."""
    path = lock_path(repository, lock.pack)
    head: dict[str, Value] = {"schema": SCHEMA, "pack": lock.pack, "description": lock.description}
    blocks = [
        "# Written by `idv models`: digests pin every file. See ADDING_A_MODEL.md.",
        toml_text(head),
        *(f"[[source]]\n{toml_text(_source_table(source))}" for source in lock.sources),
        *(_model_text(model) for model in lock.models),
    ]
    path.write_text("\n".join(blocks), encoding="utf-8")
    return path


def _lock(table: Table) -> Lock:
    if table.integer("schema") != SCHEMA:
        table.fault(f"schema must be {SCHEMA}")
    lock = Lock(
        pack=table.text("pack"),
        description=table.text("description"),
        sources=tuple(_source(item) for item in table.tables("source")),
        models=tuple(_model(item) for item in table.tables("model")),
    )
    table.done()
    return lock


def _source(table: Table) -> Source:
    source = Source(
        id=table.text("id"),
        kind=table.choice("kind", SourceKind),
        package=table.text("package", default=""),
        version=table.text("version", default=""),
        file=table.text("file", default=""),
        url=table.text("url", default=""),
        integrity=table.text("integrity", default=""),
        sha256=table.text("sha256", default=""),
        size=table.integer("size", default=0),
    )
    table.done()
    for name in _needed(source.kind):
        if not getattr(source, name):
            table.fault(f"{name} is required for kind {source.kind}")
    if source.sha256 and not SHA256.fullmatch(source.sha256):
        table.fault("sha256 must be 64 lower-case hexadecimal digits")
    return source


def _needed(kind: SourceKind) -> tuple[str, ...]:
    return {
        SourceKind.PYPI: ("package", "version", "file", "sha256", "size"),
        SourceKind.NPM: ("package", "version", "integrity", "sha256", "size"),
        SourceKind.HTTPS: ("url", "sha256", "size"),
    }.get(kind, ())


def _model(table: Table) -> LockedModel:
    model = LockedModel(
        name=table.text("name"),
        source=table.text("source"),
        members=table.texts("members"),
        licence=table.text("licence"),
        commercial_use=table.choice("commercial_use", CommercialUse),
        recipe=_recipe(table),
        sha256=table.text("sha256", default=""),
        size=table.integer("size", default=0),
        accept=table.text("accept", default=""),
    )
    table.done()
    if not NAME.fullmatch(model.name):
        table.fault(f"name {model.name!r} must be lower-case letters, digits, - and _")
    if model.sha256 and not SHA256.fullmatch(model.sha256):
        table.fault("sha256 must be 64 lower-case hexadecimal digits")
    if not model.members or any(Path(member).is_absolute() or ".." in member for member in model.members):
        table.fault("members must be relative paths")
    return model


def _recipe(model: Table) -> Recipe:
    table = model.table("recipe", optional=True)
    if table is None:
        return Recipe()
    recipe = Recipe(
        kind=table.choice("kind", RecipeKind),
        input=table.text("input", default=""),
        outputs=tuple(_output(item) for item in table.tables("output")),
    )
    table.done()
    named = recipe.kind in (RecipeKind.TFJS, RecipeKind.RENAMED)
    if named and not (recipe.input and recipe.outputs):
        table.fault(f"a {recipe.kind} recipe names its input and outputs")
    return recipe


def _output(table: Table) -> RecipeOutput:
    shape = table.integers("shape", default=())
    output = RecipeOutput(
        name=table.text("name"),
        nodes=table.texts("nodes", default=()),
        axis=table.integer("axis", default=1),
        shape=shape or None,
    )
    table.done()
    return output


def _check_references(lock: Lock, faults: TableFaults) -> None:
    sources = [source.id for source in lock.sources]
    models = [model.name for model in lock.models]
    for what, names in (("source", sources), ("model", models)):
        for name in sorted({name for name in names if names.count(name) > 1}):
            faults.add(f"{what} {name} stands twice")
    for model in lock.models:
        if model.source not in sources:
            faults.add(f"model {model.name}: no source {model.source!r}")
        elif not model.sha256 and lock.source(model).kind is not SourceKind.FOLDER:
            faults.add(f"model {model.name}: sha256 is required unless it comes from a folder")


def _source_table(source: Source) -> dict[str, Value]:
    names = ("id", "kind", "package", "version", "file", "url", "integrity", "sha256", "size")
    values = {name: getattr(source, name) for name in names}
    return {name: value for name, value in values.items() if value not in ("", 0)}


def _model_text(model: LockedModel) -> str:
    optional: dict[str, Value] = {"sha256": model.sha256, "size": model.size, "accept": model.accept}
    head: dict[str, Value] = {
        "name": model.name,
        "source": model.source,
        "members": model.members,
        "licence": model.licence,
        "commercial_use": model.commercial_use.value,
        **{name: value for name, value in optional.items() if value not in ("", 0)},
    }
    parts = [f"[[model]]\n{toml_text(head)}"]
    if model.recipe.kind is not RecipeKind.UNCHANGED:
        named = {"input": model.recipe.input} if model.recipe.input else {}
        parts.append(f"[model.recipe]\n{toml_text({'kind': model.recipe.kind.value, **named})}")
    for output in model.recipe.outputs:
        shape: dict[str, Value] = {"shape": output.shape} if output.shape else {}
        joined: dict[str, Value] = {"nodes": output.nodes, "axis": output.axis} if output.nodes else {}
        table: dict[str, Value] = {"name": output.name, **joined, **shape}
        parts.append(f"[[model.recipe.output]]\n{toml_text(table)}")
    return "\n".join(parts)
