"""The composition root: settings in, wired objects out. The registries are the explicit tables here."""

import datetime as dt
import hashlib
import random
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from idv.checks.document_authenticity.calibration import AuthenticityCalibration
from idv.checks.document_authenticity.calibration import load_calibration as load_authenticity_calibration
from idv.checks.document_authenticity.check import DocumentAuthenticity
from idv.checks.document_authenticity.parts import Parts
from idv.checks.document_reading.check import DocumentReadingCheck, document_reading_digest
from idv.checks.face_match.calibration import Calibration as FaceCalibration
from idv.checks.face_match.calibration import load_calibration as load_face_calibration
from idv.checks.face_match.calibration import uncalibrated
from idv.checks.face_match.check import FaceMatch, face_match_digest
from idv.checks.identity_match.check import IdentityMatch, identity_match_digest
from idv.checks.liveness.calibration import load_calibration as load_liveness_calibration
from idv.checks.liveness.check import Liveness, liveness_digest
from idv.documents.document_types import DocumentTypes, load_document_types
from idv.domain.errors import ConfigurationError, IdvError, ModelError, RequestError
from idv.domain.models import ModelFile
from idv.domain.operating_points import OperatingPoint
from idv.domain.ports import Check, Clock, ImageDecoder, Inference, TemplateCheck
from idv.domain.results import CheckName
from idv.domain.stores import Stores
from idv.evaluation.runs.candidates import CheckCandidate, Described
from idv.evaluation.runs.judging import Workbench
from idv.infra.clock import SystemClock, ThreadClock
from idv.infra.inference.local import LocalInference
from idv.infra.storage.keyring import KeyRing, open_keyring
from idv.infra.storage.master_keys import MasterKeys
from idv.infra.storage.migrate import require_store
from idv.infra.storage.retention import Retention
from idv.infra.storage.stores import open_stores
from idv.infra.telemetry.log import logger
from idv.infra.transport.addresses import AddressRules, system_resolver
from idv.infra.transport.dispatcher import Dispatcher
from idv.infra.transport.pinned import PinnedPoster
from idv.infra.transport.webhooks import Endpoint, WebhookSender
from idv.packs.store import DEFAULT_PACK, ModelStore
from idv.policies.onboarding import ONBOARDING
from idv.settings import Settings
from idv.vision.imaging.containers import provenance
from idv.vision.imaging.decoder import BoundedDecoder, InProcessDecoder
from idv.vision.imaging.limits import DecodeLimits
from idv.vision.models.arcface import ArcFace
from idv.vision.models.blazeface import BlazeFace
from idv.vision.models.document_recapture import DocumentRecaptureNet
from idv.vision.models.document_tampering import DocumentTamperingNet
from idv.vision.models.facemesh import FaceMesh
from idv.vision.models.pad import PadNet
from idv.vision.models.ppocr_rec import alphabet_of
from idv.vision.models.scrfd import Scrfd
from idv.vision.models.sface import SFace
from idv.vision.models.yunet import YuNet
from idv.vision.perception import capture_gate, ghost_portrait
from idv.vision.perception.document import DocumentFinder
from idv.vision.perception.faces import FaceAnalyser, FaceDetector, SurfaceFitter
from idv.vision.perception.perceiver import EvidencePerceiver
from idv.vision.perception.reading import DocumentReader
from idv.vision.perception.template_fit import TemplateFitter
from idv.vision.perception.template_references import load_references
from idv.vision.perception.templates import OPEN_EMBEDDERS, FaceEmbedder, TemplateMaker
from idv.vision.perception.type_fitting import FittingParts, SideFitter
from idv.workflow.operating_points import load_points, load_shadows, tell_points
from idv.workflow.policy import PolicyRules
from idv.workflow.runner import CheckRunner
from idv.workflow.single import SingleChecks
from idv.workflow.verification import Limits, Verifications

_POLICIES = (ONBOARDING,)
_log = logger(__name__)


@dataclass(frozen=True)
class _FaceModels:
    """The networks a pack sees faces with."""

    detector: Callable[[Inference], FaceDetector]
    surface: Callable[[Inference], SurfaceFitter] | None
    embedders: Sequence[Callable[[Inference], FaceEmbedder]]


_FACE_MODELS = {
    "open": _FaceModels(BlazeFace, FaceMesh, OPEN_EMBEDDERS),
    "opencv-zoo": _FaceModels(YuNet, None, (SFace,)),
    "insightface": _FaceModels(Scrfd, None, (ArcFace,)),
}


@dataclass(frozen=True)
class Judges:
    """Everything that judges evidence, without anything that remembers."""

    settings: Settings
    clock: Clock
    inference: LocalInference
    decoder: BoundedDecoder
    perceiver: EvidencePerceiver
    runner: CheckRunner
    rules: PolicyRules

    @property
    def loaded(self) -> Mapping[CheckName, str]:
        """The digest of each check as it is loaded."""
        return {check.name: check.digest for check in self.runner.checks}


@dataclass(frozen=True)
class Application:
    """The whole service, wired; implements `idv.service.application.Application`."""

    settings: Settings
    clock: Clock
    judges: Judges
    stores: Stores
    verifications: Verifications
    single: SingleChecks
    dispatcher: Dispatcher
    retention: Retention

    def unready(self) -> tuple[str, ...]:
        """Codes of what keeps a request from being served: a store that does not answer, an absent model."""
        faults = []
        for look in (lambda: self.stores.audit.entries(limit=1), self.judges.inference.warm_up):
            try:
                look()
            except IdvError as error:
                faults.append(error.code)
        return tuple(faults)

    def close(self) -> None:
        """Stop worker processes and close connections."""
        self.judges.decoder.close()
        self.stores.upkeep.close()


def model_store(settings: Settings) -> ModelStore:
    """The packs and the cache they are materialised in."""
    return ModelStore(settings.model_repository, settings.model_cache)


@contextmanager
def judges(
    settings: Settings, *, overlay: Path | None = None, reading_clock: Clock | None = None
) -> Iterator[Judges]:
    """The judges; their worker processes end with the context.

    `overlay`: a folder `<model>/1/model.onnx` whose files stand in for the pack's models of those names.
    `reading_clock`: tells the reader of documents when it has tried for long enough.
    """
    made = _judges(settings, SystemClock(), overlay=overlay, reading_clock=reading_clock)
    try:
        yield made
    finally:
        made.decoder.close()


@contextmanager
def side_fitter(settings: Settings) -> Iterator[tuple[SideFitter, ImageDecoder]]:
    """What fits a new document type's sides, with the parts that the checks see with; and a decoder."""
    clock = SystemClock()
    inference = LocalInference(_model_files(settings), device=settings.device)
    decoder = BoundedDecoder(_decode_limits(settings), workers=1)
    seen = _perception(settings, clock, inference, decoder)
    reader = seen.reader
    parts = FittingParts(
        find=seen.finder.find,
        faces=seen.analyser.faces,
        detector=reader.detector,
        recogniser=reader.recogniser,
        mrz=reader.mrz,
        clock=clock,
    )
    try:
        yield SideFitter(parts), decoder
    finally:
        decoder.close()


@contextmanager
def workbench(
    settings: Settings, check: CheckName, *, overlay: Path | None = None, price: float = 0.0, threads: int = 1
) -> Iterator[Workbench]:
    """What one process of a run judges with; each of its threads gets a decoder.

    The reader's patience counts its own CPU time: what it reads must not depend on how busy a machine is.
    """
    per_thread = settings.model_copy(update={"decoder_workers": threads})
    with judges(per_thread, overlay=overlay, reading_clock=ThreadClock()) as made:
        yield Workbench(
            _check_of(made.runner.checks, check), made.runner, made.perceiver, settings.deadline_s, price
        )


def candidate(
    settings: Settings, check: CheckName, *, name: str, price: float = 0.0, threads: int = 1
) -> CheckCandidate:
    """A check to be measured: of the pack `name`, or of the settings' pack with models of the folder `name`.

    `price`: what one judgement costs, for the league table. Raises as `judges`, and RequestError
    `check_unknown`.
    """
    overlay = Path(name) if Path(name).is_dir() else None
    chosen = settings if overlay else settings.model_copy(update={"pack": name})
    inference = LocalInference(_model_files(chosen, overlay), device=chosen.device)
    # Nothing is decoded to tell who is measured, so no worker processes are started.
    perception = _perception(chosen, SystemClock(), inference, InProcessDecoder())
    found = _check_of(_checks(chosen, SystemClock(), inference, perception), check)
    described = Described(
        name=overlay.resolve().name if overlay else name,
        check=check,
        provider=found.provider,
        check_digest=found.digest,
        models={model: inference.digest(model) for model in sorted(_model_files(chosen, overlay))},
        settings={**_bench_settings(chosen, check), "price": str(price)},
    )
    opened = partial(workbench, chosen, check, overlay=overlay, price=price, threads=threads)
    return CheckCandidate(described, opened, comparer=found if isinstance(found, TemplateCheck) else None)


def laid_over(files: Mapping[str, ModelFile], overlay: Path) -> dict[str, ModelFile]:
    """A pack's files with those of a folder in place of the models of their names.

    Nothing pins a folder's files: their digest is what they are, and so is the check digest made of it.
    Raises ModelError `model_overlay_invalid`.
    """
    found = {path.parent.parent.name: path for path in sorted(overlay.glob("*/1/model.onnx"))}
    unknown = sorted(found.keys() - files.keys())
    if unknown or not found:
        why = f"no model is called {', '.join(unknown)}" if unknown else "there is no <model>/1/model.onnx"
        raise ModelError("model_overlay_invalid", f"{overlay}: {why}")
    own = {
        name: replace(files[name], path=path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        for name, path in found.items()
    }
    return {**files, **own}


def _check_of(checks: Sequence[Check], name: CheckName) -> Check:
    check = next((check for check in checks if check.name is name), None)
    if check is None:
        raise RequestError("check_unknown", f"the pack has no check {name}", field="check")
    return check


def _bench_settings(settings: Settings, check: CheckName) -> dict[str, str]:
    """What else an outcome depends on."""
    shown = ("pack", "device", "deadline_s", "max_pixels", "max_part_bytes", "decode_timeout_s")
    point = load_points(settings.operating_points / settings.pack).get(check)
    cut = {} if point is None else {"operating_point": point.run_id, "threshold": repr(point.threshold)}
    return {**{name: str(getattr(settings, name)) for name in shown}, **cut}


@contextmanager
def stores(settings: Settings, *, create: bool = False) -> Iterator[Stores]:
    """What remembers; connections are closed with the context.

    Raises StorageUnavailable `store_not_found` when there is nothing yet, unless `create`.
    """
    if not create:
        require_store(settings.database)
    opened = _stores(settings, SystemClock(), open_keyring(settings.keyring_file, create=create))
    try:
        yield opened
    finally:
        opened.upkeep.close()


def master_keys(settings: Settings) -> MasterKeys:
    """The keys that wrap every subject's key. Raises StorageUnavailable `store_not_found`."""
    require_store(settings.database)
    return MasterKeys(settings.keyring_file, lambda ring: _stores(settings, SystemClock(), ring))


def dispatcher(settings: Settings, stores: Stores) -> Dispatcher:
    """Delivers webhook events to the one address that the settings name."""
    clock = SystemClock()
    keys = tuple(secret.get_secret_value() for secret in settings.webhook_secrets)
    endpoint = Endpoint(settings.webhook_url, keys) if settings.webhook_url else None
    return Dispatcher(
        stores.outbox,
        WebhookSender(PinnedPoster(), rules=_address_rules(settings), clock=clock),
        endpoints=lambda _: endpoint,
        clock=clock,
        rng=random.Random(),  # noqa: S311 - jitter, not a secret
    )


def judge_webhook_address(settings: Settings) -> None:
    """Resolve the webhook's host, if one is set, and judge where it leads; connects to nothing.

    Raises RequestError `url_scheme`, `url_invalid`, `address_unresolvable`, `address_refused`.
    """
    if settings.webhook_url is not None:
        _address_rules(settings).judge(settings.webhook_url, system_resolver)


def check(settings: Settings) -> None:
    """Raise what would keep the service from starting: absent models, unreadable calibrations or points."""
    with judges(settings):
        pass


def build(settings: Settings) -> Application:
    """The wired application, its models loaded and its storage migrated, or the error that prevents it."""
    clock = SystemClock()
    made = _judges(settings, clock)
    made.inference.warm_up()
    made.decoder.warm_up()
    opened = _stores(settings, clock, open_keyring(settings.keyring_file))
    opened.upkeep.release_abandoned()
    tell_points(settings.operating_points / settings.pack, made.loaded)
    return Application(
        settings=settings,
        clock=clock,
        judges=made,
        stores=opened,
        verifications=Verifications(
            perceiver=made.perceiver,
            runner=made.runner,
            rules=made.rules,
            store=opened.verifications,
            clock=clock,
            new_id=new_id,
            limits=_limits(settings),
            announce=settings.webhook_url is not None,
        ),
        single=SingleChecks(made.perceiver, made.runner),
        dispatcher=dispatcher(settings, opened),
        retention=Retention(
            opened.upkeep,
            clock=clock,
            keep_images=dt.timedelta(days=settings.keep_images_days),
            keep_replies=dt.timedelta(hours=settings.keep_replies_h),
        ),
    )


def new_id(prefix: str) -> str:
    """An unguessable identifier, for example `ver_3f2a…`."""
    return f"{prefix}_{secrets.token_hex(12)}"


def _judges(
    settings: Settings, clock: Clock, *, overlay: Path | None = None, reading_clock: Clock | None = None
) -> Judges:
    inference = LocalInference(_model_files(settings, overlay), device=settings.device)
    decoder = BoundedDecoder(_decode_limits(settings), workers=settings.decoder_workers)
    perception = _perception(settings, reading_clock or clock, inference, decoder)
    return Judges(
        settings=settings,
        clock=clock,
        inference=inference,
        decoder=decoder,
        perceiver=perception.perceiver,
        runner=CheckRunner(
            _checks(settings, clock, inference, perception),
            clock,
            shadows=load_shadows(settings.operating_points / settings.pack),
        ),
        rules=_rules(settings),
    )


@dataclass(frozen=True)
class _Perception:
    """The parts of perception, kept apart because each goes into the digests of other checks."""

    analyser: FaceAnalyser
    templates: TemplateMaker
    finder: DocumentFinder
    reader: DocumentReader
    types: DocumentTypes
    perceiver: EvidencePerceiver


def _perception(
    settings: Settings, clock: Clock, inference: LocalInference, decoder: ImageDecoder
) -> _Perception:
    models = _face_models(settings)
    analyser = FaceAnalyser(inference, detector=models.detector, surface=models.surface)
    templates = TemplateMaker(inference, embedders=models.embedders)
    alphabet = alphabet_of(inference.metadata("ppocr_rec"))
    types = load_document_types(also=settings.document_types)
    finder = DocumentFinder(inference, alphabet, faces=analyser.faces)
    reader = DocumentReader(inference, alphabet, types=types, clock=clock)
    perceiver = EvidencePerceiver(decoder, analyser, templates, finder, reader)
    return _Perception(analyser, templates, finder, reader, types, perceiver)


def _checks(
    settings: Settings, clock: Clock, inference: LocalInference, seen: _Perception
) -> tuple[Check, ...]:
    """Every check, with the digest of everything its score depends on."""
    points = load_points(settings.operating_points / settings.pack)
    face = _face_calibration(settings, seen.templates.models)
    live = load_liveness_calibration(_borrowed_calibration(settings, CheckName.LIVENESS))
    pad = PadNet(inference)
    faces = seen.analyser.digest_parts()
    read = (seen.finder, seen.reader, seen.types)
    reading = (faces, *(part.digest_parts() for part in read))
    read_whole = DocumentReadingCheck(
        types=seen.types, clock=clock, provider=settings.pack, digest=document_reading_digest(*reading)
    )
    return (
        read_whole,
        _authenticity(
            settings, inference, seen, read_whole, point=points.get(CheckName.DOCUMENT_AUTHENTICITY)
        ),
        IdentityMatch(clock=clock, provider=settings.pack, digest=identity_match_digest(*reading)),
        FaceMatch(
            point=points.get(CheckName.FACE_MATCH),
            calibration=face,
            clock=clock,
            provider=settings.pack,
            digest=face_match_digest(faces, seen.templates.digest_parts(), face),
        ),
        Liveness(
            network=pad,
            calibration=live,
            point=points.get(CheckName.LIVENESS),
            clock=clock,
            provider=settings.pack,
            digest=liveness_digest(faces, pad.digest_parts(), live),
        ),
    )


def _face_calibration(settings: Settings, models: Sequence[str]) -> FaceCalibration:
    """The pack's own, or none: without an operating point made for that, nobody passes or fails."""
    if not settings.calibrations.is_dir():
        raise ConfigurationError([f"IDV_CALIBRATIONS: there is no folder {settings.calibrations}"])
    path = settings.calibrations / settings.pack / "face_match.toml"
    if path.is_file():
        return load_face_calibration(path)
    _log.warning("face_match_uncalibrated", pack=settings.pack)
    return uncalibrated(models)


def _authenticity(
    settings: Settings,
    inference: LocalInference,
    seen: _Perception,
    read_whole: DocumentReadingCheck,
    *,
    point: OperatingPoint | None,
) -> DocumentAuthenticity:
    """The check of document authenticity; what its parts depend on goes into its digest."""
    path = _borrowed_calibration(settings, CheckName.DOCUMENT_AUTHENTICITY)
    calibration: AuthenticityCalibration = load_authenticity_calibration(path)
    recapture, tampering = DocumentRecaptureNet(inference), DocumentTamperingNet(inference)
    fitter = TemplateFitter(seen.types, load_references(seen.types, also=settings.document_types))
    read = (seen.analyser, seen.finder, seen.reader, seen.types, recapture, tampering, fitter)
    return DocumentAuthenticity(
        parts=Parts(
            recapture=recapture,
            tampering=tampering,
            templates=fitter,
            ghost=ghost_portrait.ghost_likeness,
            gate=capture_gate.capture_faults,
            obstacles=read_whole.obstacles,
        ),
        types=seen.types,
        calibration=calibration,
        point=point,
        clock=read_whole.clock,
        provider=settings.pack,
        looks={
            **{name: digest for part in read for name, digest in part.digest_parts().items()},
            "capture_gate": capture_gate.VERSION,
            "ghost_portrait": ghost_portrait.VERSION,
            "reading_check": read_whole.digest,
            "provenance": provenance.VERSION,
        },
    )


def _borrowed_calibration(settings: Settings, check: CheckName) -> Path:
    """A pack that borrows the default pack's networks borrows their calibration too."""
    own = settings.calibrations / settings.pack / f"{check}.toml"
    return own if own.is_file() else settings.calibrations / DEFAULT_PACK / f"{check}.toml"


def _model_files(settings: Settings, overlay: Path | None = None) -> dict[str, ModelFile]:
    """The pack's models; a pack of face models only borrows the rest from the default one."""
    store = model_store(settings)
    files = {**store.files(DEFAULT_PACK), **store.files(settings.pack)}
    return files if overlay is None else laid_over(files, overlay)


def _face_models(settings: Settings) -> _FaceModels:
    try:
        return _FACE_MODELS[settings.pack]
    except KeyError:
        known = ", ".join(_FACE_MODELS)
        raise ConfigurationError([f"IDV_PACK: no pack {settings.pack}; there are {known}"]) from None


def _address_rules(settings: Settings) -> AddressRules:
    return AddressRules(allowed=settings.webhook_networks, allow_http=settings.webhook_allow_http)


def _rules(settings: Settings) -> PolicyRules:
    for rules in _POLICIES:
        if rules.name == settings.policy:
            return rules
    known = ", ".join(rules.name for rules in _POLICIES)
    raise ConfigurationError([f"IDV_POLICY: no policy {settings.policy}; there are {known}"])


def _decode_limits(settings: Settings) -> DecodeLimits:
    return DecodeLimits(
        max_bytes=settings.max_part_bytes, max_pixels=settings.max_pixels, wall_s=settings.decode_timeout_s
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        attempts=settings.attempts,
        attempts_window=dt.timedelta(hours=settings.attempts_window_h),
        keep_images=settings.keep_images_days > 0,
    )


def _stores(settings: Settings, clock: Clock, keyring: KeyRing) -> Stores:
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return open_stores(
        settings.database,
        keyring=keyring,
        clock=clock,
        reload=lambda: open_keyring(settings.keyring_file, create=False),
        # One name a run: what an earlier run on this host died with is given back at the next start.
        instance=f"{socket.gethostname()}/{secrets.token_hex(8)}",
    )
