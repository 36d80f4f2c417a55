"""The skeleton of a set's datasheet, `card.md`: counts filled in, everything else asked for."""

from collections.abc import Sequence

from idv.domain.eval_sets import EvalItem, EvalSet
from idv.evaluation.sets.contents import contents_of
from idv.evaluation.sets.manifest import Manifest

_OPEN = "_To be written by whoever made this set._"


def card_skeleton(manifest: Manifest, items: Sequence[EvalItem]) -> str:
    """Markdown with the counts of the items; the digest stands in the manifest, not here."""
    recipe = manifest.recipe
    made = (
        f"Drawn by the generator `{recipe.generator}` version {recipe.version}, seed {recipe.seed}, "
        f"{recipe.count} items: `idv evalset build {manifest.name}`."
        if recipe
        else _OPEN
    )
    sections = {
        "What it is": manifest.description,
        "Contents": _counts(manifest, items),
        "Source and licence": f"{manifest.licence}.",
        "How it was made": made,
        "Subjects and consent": "No person is shown." if recipe else _OPEN,
        "Known weaknesses": _OPEN,
        "What it cannot show": "\n".join(f"- {limit}" for limit in manifest.limits) or _OPEN,
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"# {manifest.name} {manifest.version}\n\nFor `{manifest.check}`.\n\n{body}\n"


def _counts(manifest: Manifest, items: Sequence[EvalItem]) -> str:
    contents = contents_of(
        EvalSet(
            name=manifest.name,
            version=manifest.version,
            check=manifest.check,
            digest="",
            description=manifest.description,
            licence=manifest.licence,
            created_on=manifest.created_on,
            items=tuple(items),
            comparisons=manifest.comparisons,
        )
    )
    lines = [f"{contents.items} items, {contents.files} files, {contents.subjects} subjects.", ""]
    lines += ["| column | values |", "|---|---|"]
    for column, counts in contents.values.items():
        shown = ", ".join(f"{value} {count}" for value, count in list(counts.items())[:20])
        lines.append(f"| {column} | {shown}{', …' if len(counts) > 20 else ''} |")  # noqa: PLR2004 - a table's width
    return "\n".join(lines)
