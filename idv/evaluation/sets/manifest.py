"""What an eval set says of itself: `manifest.toml`, strict, and the digest that freezes the whole set."""

import datetime as dt
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from idv.domain.errors import EvalSetError, SetFault
from idv.domain.eval_sets import Comparisons
from idv.domain.results import CheckName

MANIFEST = "manifest.toml"
FORMAT = 1
COLUMNS = (
    *("item", "sha256", "path", "sha256_back", "path_back", "subject", "session"),
    *("part", "label", "species"),
)
"""The columns of `items.csv` that are not slices."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Sentence = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Recipe(_Strict):
    """How a generated set's media are drawn again: which generator, its version, its seed, how many items."""

    generator: Name
    version: Sentence
    seed: int = Field(ge=0)
    count: int = Field(ge=1)


class Sealed(_Strict):
    """That labels are kept elsewhere, and which file they are in."""

    labels_sha256: Sha256


class Manifest(_Strict):
    """The head of a set. `slices`: columns of `items.csv` that reports break figures down by."""

    format: int = Field(default=FORMAT, ge=FORMAT, le=FORMAT)
    name: Name
    version: Sentence
    check: CheckName
    description: Sentence
    licence: Sentence
    created_on: dt.date
    comparisons: Comparisons = Comparisons.NONE
    slices: tuple[Name, ...] = ()
    limits: tuple[Sentence, ...] = ()
    sealed: Sealed | None = None
    recipe: Recipe | None = None
    digest: Sha256 | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Manifest":
        if len(set(self.slices)) != len(self.slices):
            msg = "slices: a column is named twice"
            raise ValueError(msg)
        if taken := set(self.slices) & set(COLUMNS):
            msg = f"slices: {', '.join(sorted(taken))} is a column of its own"
            raise ValueError(msg)
        faces = self.check is CheckName.FACE_MATCH
        if not faces and self.comparisons is not Comparisons.NONE:
            msg = f"comparisons: {self.check} judges each item by itself, so it must be none"
            raise ValueError(msg)
        return self

    def digest_with(self, items: bytes, pairs: bytes | None) -> str:
        """SHA-256 over the canonical manifest without its digest, `items.csv` and `pairs.csv`."""
        content = self.model_dump(mode="json", exclude={"digest"}, exclude_none=True)
        parts = [
            json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(),
            hashlib.sha256(items).hexdigest().encode(),
            hashlib.sha256(pairs).hexdigest().encode() if pairs is not None else b"",
        ]
        return hashlib.sha256(b"\n".join(parts)).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a set. Raises EvalSetError `set_missing`, or `manifest_invalid` with every fault."""
    try:
        content = tomllib.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EvalSetError([SetFault("set_missing", f"no {MANIFEST} in {folder}")]) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise EvalSetError([SetFault("manifest_invalid", f"{MANIFEST}: {error}")]) from error
    return manifest_of(**content)


def manifest_of(**content: object) -> Manifest:
    """The manifest with this content. Raises EvalSetError `manifest_invalid` with every fault."""
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        raise EvalSetError([_fault(e["loc"], e["msg"]) for e in error.errors()]) from None


def manifest_text(manifest: Manifest) -> str:
    """The manifest as TOML; equal manifests give equal text."""
    content = manifest.model_dump(mode="json", exclude_none=True)
    tables = {key: content.pop(key) for key in ("sealed", "recipe") if key in content}
    content["created_on"] = manifest.created_on
    lines = ["# A frozen eval set: any change of a byte needs a new version. See ADDING_AN_EVAL_SET.md."]
    lines += [f"{key} = {_value(value)}" for key, value in content.items()]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {_value(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, list):
        if not value:
            return "[]"
        return "[\n" + "".join(f"  {_value(item)},\n" for item in value) + "]"
    # A JSON string of printable text is a TOML basic string.
    return json.dumps(value, ensure_ascii=False)


def _fault(location: tuple[int | str, ...], message: str) -> SetFault:
    where = ".".join(str(part) for part in location)
    message = message.removeprefix("Value error, ")
    return SetFault(
        "manifest_invalid", f"{MANIFEST}: {where}: {message}" if where else f"{MANIFEST}: {message}"
    )
