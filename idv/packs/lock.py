"""What a pack consists of: where each model comes from, how it becomes ONNX, the digests that pin it."""

import re
from dataclasses import dataclass
from enum import StrEnum

SHA256 = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


class SourceKind(StrEnum):
    """Where bytes come from."""

    PYPI = "pypi"
    NPM = "npm"
    HTTPS = "https"
    FOLDER = "folder"
    REPOSITORY = "repository"


class CommercialUse(StrEnum):
    """Whether a model may be used commercially, weights and training data considered."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class RecipeKind(StrEnum):
    """How a source becomes ONNX."""

    UNCHANGED = "unchanged"
    RENAMED = "renamed"
    TFJS = "tfjs"
    DLIB = "dlib"


@dataclass(frozen=True)
class Source:
    """One thing to fetch. `sha256` and `size` are of the package, archive or file as it is downloaded.

    pypi, npm: `package` and `version`; pypi: `file`, the name of the wheel; npm: `integrity`, the registry's
    own SHA-512. https: `url`. folder: a folder on the user's machine, named when pulling. repository: files
    of the model repository. The last two have no digest of their own; the models' digests pin them.
    """

    id: str
    kind: SourceKind
    package: str = ""
    version: str = ""
    file: str = ""
    url: str = ""
    integrity: str = ""
    sha256: str = ""
    size: int = 0

    @property
    def label(self) -> str:
        """What a person calls it."""
        match self.kind:
            case SourceKind.PYPI | SourceKind.NPM:
                return f"{self.package} {self.version}"
            case SourceKind.HTTPS:
                return self.url.rsplit("/", 1)[-1]
            case _:
                return self.id


@dataclass(frozen=True)
class RecipeOutput:
    """One output: for tfjs, source nodes joined along `axis`, then shaped (batch excluded)."""

    name: str
    nodes: tuple[str, ...] = ()
    axis: int = 1
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Recipe:
    """How the members become ONNX.

    tfjs: `input` names the only input, `outputs` says what becomes an output. dlib: the one architecture.
    renamed: an ONNX file whose tensors, in its own order, get the names of `input` and `outputs`.
    """

    kind: RecipeKind = RecipeKind.UNCHANGED
    input: str = ""
    outputs: tuple[RecipeOutput, ...] = ()


@dataclass(frozen=True)
class LockedModel:
    """One model of a pack.

    `members`: paths inside the source, in the order the recipe reads them; for a folder, alternative file
    names, the first that exists. `sha256`, `size`: of the ONNX; empty where a folder's files cannot be
    known in advance, which means trust on first use. `accept`: the licence a user has to accept by name.
    """

    name: str
    source: str
    members: tuple[str, ...]
    licence: str
    commercial_use: CommercialUse
    recipe: Recipe = Recipe()
    sha256: str = ""
    size: int = 0
    accept: str = ""


@dataclass(frozen=True)
class Lock:
    """The content of one lock file."""

    pack: str
    description: str
    sources: tuple[Source, ...]
    models: tuple[LockedModel, ...]

    def source(self, model: LockedModel) -> Source:
        """Where a model comes from."""
        return next(source for source in self.sources if source.id == model.source)
