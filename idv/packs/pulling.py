"""Makes the models of a pack: fetch each source once, convert, check, keep."""

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from idv.domain.errors import ModelError
from idv.packs.archives import read_members
from idv.packs.cache import ModelCache, Trusted, file_sha256
from idv.packs.cards import card_path, read_card
from idv.packs.inspection import check_against_card, inspect_onnx
from idv.packs.lock import Lock, LockedModel, Source, SourceKind
from idv.packs.progress import Progress, ProgressSink, Stage
from idv.packs.recipes import make_onnx
from idv.packs.sources.fetcher import Fetcher
from idv.packs.sources.https import HttpsFetcher
from idv.packs.sources.npm import NpmFetcher
from idv.packs.sources.pypi import PypiFetcher
from idv.packs.status import Pulled, State


def real_fetchers() -> dict[SourceKind, Fetcher]:
    """The clients of this machine."""
    return {
        SourceKind.PYPI: PypiFetcher(os.environ),
        SourceKind.NPM: NpmFetcher(os.environ),
        SourceKind.HTTPS: HttpsFetcher(),
    }


@contextmanager
def closing_all(fetchers: Iterable[Fetcher]) -> Iterator[None]:
    """Close every fetcher at the end, whatever happens."""
    with ExitStack() as stack:
        for fetcher in fetchers:
            stack.callback(fetcher.close)
        yield


@dataclass(frozen=True)
class Puller:
    """One pull: the repository with the cards, the cache it fills, who downloads, and who is told."""

    repository: Path
    cache: ModelCache
    fetchers: Mapping[SourceKind, Fetcher]
    progress: ProgressSink

    def pull(
        self, lock: Lock, states: Mapping[str, State], *, accept: Collection[str], folder: Path | None
    ) -> Pulled:
        """See ModelStore.pull; `states` says which models there are to make."""
        wanted = [model for model in lock.models if states[model.name] is not State.OK]
        self._refuse_unaccepted(wanted, accept)
        for source in lock.sources:
            self._pull_source(lock, source, [m for m in wanted if m.source == source.id], folder=folder)
        for source in lock.sources:
            if source.sha256:
                self.cache.drop_source(source.sha256)
        made = tuple(model.name for model in wanted)
        return Pulled(
            made=made,
            present=tuple(name for name in states if name not in made),
            trusted=tuple(model.name for model in wanted if not model.sha256),
        )

    def _refuse_unaccepted(self, models: Sequence[LockedModel], accept: Collection[str]) -> None:
        """Before anything is fetched."""
        open_ = sorted({model.accept for model in models if model.accept and model.accept not in accept})
        if not open_:
            return
        names = ", ".join(model.name for model in models if model.accept in open_)
        options = " ".join(f"--accept-licence {name}" for name in open_)
        raise ModelError(
            "model_licence_not_accepted",
            f"{names}: read the licence (`idv models licences`), then pull with {options}",
        )

    def _pull_source(
        self, lock: Lock, source: Source, models: Sequence[LockedModel], *, folder: Path | None
    ) -> None:
        if not models:
            return
        match source.kind:
            case SourceKind.REPOSITORY:
                self._refuse_repository(models)
            case SourceKind.FOLDER:
                for model in models:
                    self._pull_from_folder(lock, model, folder)
            case _:
                path = self._fetched(source)
                for index, model in enumerate(models):
                    self.progress(Progress(Stage.CONVERT, model.name, index, len(models)))
                    self._keep(model, make_onnx(model, read_members(source, path, model.members)))
                self.progress(Progress(Stage.CONVERT, source.label, len(models), len(models)))

    def _fetched(self, source: Source) -> Path:
        """The verified file of a source, downloaded unless an earlier pull left it."""
        kept = self.cache.source(source.sha256)
        if kept.is_file() and file_sha256(kept) == source.sha256:
            return kept

        def report(size: int) -> None:
            self.progress(Progress(Stage.FETCH, source.label, min(size, source.size), source.size))

        report(0)
        path = self.fetchers[source.kind].fetch(source, self.cache.partial, report)
        report(source.size)
        found = file_sha256(path)
        if found != source.sha256:
            path.unlink()
            raise ModelError(
                "model_digest_mismatch",
                f"{source.label} has SHA-256 {found}, the lock says {source.sha256}; it was thrown away",
            )
        return self.cache.keep_source(path, source.sha256)

    def _keep(self, model: LockedModel, data: bytes) -> None:
        found = hashlib.sha256(data).hexdigest()
        if found != model.sha256:
            raise ModelError(
                "model_digest_mismatch",
                f"{model.name} became ONNX with SHA-256 {found}, the lock says {model.sha256}: "
                "another version of onnx or of the converter",
            )
        self.cache.store_onnx(data, found)

    def _refuse_repository(self, models: Sequence[LockedModel]) -> None:
        names = ", ".join(model.members[0] for model in models)
        raise ModelError(
            "model_digest_mismatch",
            f"{names}: absent from {self.repository} or other than the lock says; these models are "
            "part of the project: restore the file, or lock the new one with `idv models add`",
        )

    def _pull_from_folder(self, lock: Lock, model: LockedModel, folder: Path | None) -> None:
        """A model that the user brings: checked against its card, recorded when its digest is not locked."""
        file = self._first_member(lock, model, folder)
        self.progress(Progress(Stage.CONVERT, model.name, 0, 1))
        data = make_onnx(model, {file.name: file.read_bytes()})
        check_against_card(inspect_onnx(data), read_card(card_path(self.repository, model.name)))
        if model.sha256:
            self._keep(model, data)
            return
        entry = Trusted(hashlib.sha256(data).hexdigest(), len(data), file.name)
        known = self.cache.trusted().get(model.name)
        if known is not None and known.sha256 != entry.sha256:
            raise ModelError(
                "model_digest_mismatch",
                f"{model.name} was first added as {known.file} with SHA-256 {known.sha256}; {file.name} has "
                f"{entry.sha256}. Bring the first file, or remove its entry from trusted.json in the cache",
            )
        self.cache.store_onnx(data, entry.sha256)
        self.cache.trust(model.name, entry)
        self.progress(Progress(Stage.CONVERT, model.name, 1, 1))

    def _first_member(self, lock: Lock, model: LockedModel, folder: Path | None) -> Path:
        """The first of the alternative files that exists."""
        if folder is None:
            raise ModelError(
                "model_folder_missing",
                f"pack {lock.pack} is read from a folder of your own: pull with --from FOLDER "
                f"(looked for: {', '.join(model.members)})",
            )
        for member in model.members:
            if (folder / member).is_file():
                return folder / member
        raise ModelError("model_source_missing", f"{folder} has none of {', '.join(model.members)}")
