"""The model store: where a pack's models are on this machine; fetches what is missing, checks the rest."""

from collections.abc import Collection, Mapping
from pathlib import Path

from idv.domain.errors import ModelError
from idv.domain.models import ModelFile
from idv.packs.cache import ModelCache, file_sha256
from idv.packs.cards import card_path, read_card
from idv.packs.lock import Lock, LockedModel, SourceKind
from idv.packs.lock_files import packs, read_lock
from idv.packs.progress import ProgressSink, silent
from idv.packs.sources.fetcher import Fetcher
from idv.packs.status import Licence, ModelStatus, Pulled, State

DEFAULT_PACK = "open"

__all__ = ["DEFAULT_PACK", "Licence", "ModelStatus", "ModelStore", "Pulled", "State"]


class ModelStore:
    """The packs of one model repository, materialised in one cache.

    `repository`: folder with `<pack>.lock.toml` and `<model>/card.toml`; `cache`: see ModelCache.
    `fetchers`: who downloads which kind of source; the real clients when absent.
    """

    def __init__(
        self, repository: Path, cache: Path, *, fetchers: Mapping[SourceKind, Fetcher] | None = None
    ) -> None:
        self.repository = repository
        self.cache = ModelCache(cache)
        self._fetchers = fetchers

    def packs(self) -> tuple[str, ...]:
        """The names of all packs."""
        return packs(self.repository)

    def lock(self, pack: str) -> Lock:
        """A pack's lock. Raises ModelError `model_pack_unknown` or `model_lock_invalid`."""
        return read_lock(self.repository, pack)

    def files(self, pack: str) -> dict[str, ModelFile]:
        """Every model of a pack by name, with the session options of its card.

        Looks at names only: whoever loads a file checks its digest. Raises ModelError `model_missing`
        naming all that are absent, or `model_card_missing`, `model_card_invalid`.
        """
        lock = self.lock(pack)
        places = {model.name: self.locate(lock, model) for model in lock.models}
        absent = sorted(name for name, place in places.items() if place is None or not place[0].is_file())
        if absent:
            raise ModelError(
                "model_missing", f"not on this machine: {', '.join(absent)}; run `idv models pull {pack}`"
            )
        return {
            name: ModelFile(name, place[0], place[1], read_card(card_path(self.repository, name)).session)
            for name, place in places.items()
            if place is not None
        }

    def verify(self, pack: str) -> tuple[ModelStatus, ...]:
        """The state of every model of a pack, by reading and hashing every file."""
        lock = self.lock(pack)
        return tuple(self._status(lock, model) for model in lock.models)

    def licences(self, pack: str) -> tuple[Licence, ...]:
        """What every model of a pack may be used for, from its lock and card."""
        return tuple(self._licence(model) for model in self.lock(pack).models)

    def pull(
        self,
        pack: str,
        *,
        progress: ProgressSink = silent,
        accept: Collection[str] = (),
        folder: Path | None = None,
    ) -> Pulled:
        """Make every model of a pack that is absent or altered; what was finished before is kept.

        `accept`: names of licences that the user accepts. `folder`: where the files of a pack lie that the
        user brings. Raises ModelError; a pull that failed can simply be called again.
        """
        found = self.verify(pack)
        if all(status.state is State.OK for status in found):
            # Nothing to write: a pack that is whole may lie in a read-only cache.
            return Pulled(made=(), present=tuple(status.name for status in found), trusted=())
        # onnx takes a third of a second to import; a service that only reads files needs none of it.
        from idv.packs.pulling import Puller, closing_all, real_fetchers  # noqa: PLC0415 - see above

        fetchers = real_fetchers() if self._fetchers is None else self._fetchers
        puller = Puller(self.repository, self.cache, fetchers, progress)
        with self.cache.exclusive(), closing_all(fetchers.values()):
            states = {status.name: status.state for status in self.verify(pack)}
            return puller.pull(self.lock(pack), states, accept=accept, folder=folder)

    def locate(self, lock: Lock, model: LockedModel) -> tuple[Path, str] | None:
        """Where a model stands or would stand, and its digest; None when no digest is known yet."""
        if lock.source(model).kind is SourceKind.REPOSITORY:
            return self.repository / model.members[0], model.sha256
        if model.sha256:
            return self.cache.onnx(model.sha256), model.sha256
        entry = self.cache.trusted().get(model.name)
        return (self.cache.onnx(entry.sha256), entry.sha256) if entry else None

    def _status(self, lock: Lock, model: LockedModel) -> ModelStatus:
        place = self.locate(lock, model)
        if place is None or not place[0].is_file():
            return ModelStatus(model.name, State.MISSING, model.sha256, model.size, None, bool(model.sha256))
        path, sha256 = place
        state = State.OK if file_sha256(path) == sha256 else State.ALTERED
        return ModelStatus(model.name, state, sha256, path.stat().st_size, path, bool(model.sha256))

    def _licence(self, model: LockedModel) -> Licence:
        card = read_card(card_path(self.repository, model.name))
        return Licence(
            model=model.name,
            licence=model.licence,
            commercial_use=model.commercial_use,
            note=card.licence_note,
            training_data=card.training.data,
            training_data_licence=card.training.data_licence,
            accept=model.accept,
        )
