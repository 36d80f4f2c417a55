"""Judges one task in one process: reads its media, lets the check look, and makes a row of what it says."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from idv.domain.documents import MrzReading
from idv.domain.eval_sets import MediaRef
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.faces import FaceTemplate
from idv.domain.ports import Check, Clock, Perceiver, Perception, TemplateCheck
from idv.domain.results import CheckName, CheckResult, Outcome
from idv.evaluation.runs.rows import UNKNOWN, Row
from idv.workflow.runner import CheckRunner

MRZ = "mrz"
"""Name of the truth that a reading of a document is compared with."""


class Media(Protocol):
    """Finds the files of a set. Can be pickled."""

    def bytes_of(self, ref: MediaRef) -> bytes:
        """The verified bytes."""
        ...


@dataclass(frozen=True)
class Workbench:
    """What a process judges with: a check and what it stands on.

    `price`: what one judgement costs, in the run's currency; 0 for own models, whose cost is the machine's.
    """

    check: Check
    runner: CheckRunner
    perceiver: Perceiver
    deadline_s: float
    price: float = 0.0

    def judged(self, evidence: Evidence, context: Perception) -> CheckResult:
        """What the check says, made safe by the runner."""
        return self.run(self.check, evidence, context)

    def run(self, check: Check, evidence: Evidence, context: Perception) -> CheckResult:
        """What any check says within the deadline."""
        deadline = self.runner.clock.monotonic() + self.deadline_s
        return self.runner.run_one(check, evidence, context, deadline=deadline)


OpenWorkbench = Callable[[], AbstractContextManager[Workbench]]
"""Wires a workbench in the process that calls it; can be pickled."""


@dataclass(frozen=True)
class Task:
    """One thing to judge. `acquire`: only make a template of its one image, to be compared later."""

    key: str
    media: Mapping[ImageRole, MediaRef]
    truth: Mapping[str, str] = field(default_factory=dict, repr=False)
    acquire: bool = False


@dataclass(frozen=True)
class Judge:
    """Turns tasks into rows. Thread-safe as its check is."""

    bench: Workbench
    media: Media

    def row(self, task: Task) -> Row:
        """The row of one task. Raises what the media raise: a missing file is no answer of the check."""
        images = {role: EncodedImage(self.media.bytes_of(ref)) for role, ref in task.media.items()}
        evidence = Evidence(images)
        context = self.bench.perceiver.perceive(evidence)
        if task.acquire:
            return self._acquired(task, evidence, context)
        result = self.bench.judged(evidence, context)
        return self._row(task, result, correct=self._correct(task, context))

    def _acquired(self, task: Task, evidence: Evidence, context: Perception) -> Row:
        """A face to be compared: passed when nothing speaks against judging it; score 0 for a template."""
        if not isinstance(self.bench.check, TemplateCheck):
            raise TypeError(f"{self.bench.check.name} makes no templates")
        acquisition = _Acquisition(self.bench.check, self.bench.runner.clock)
        result = self.bench.run(acquisition, evidence, context)
        return self._row(task, result, template=acquisition.template)

    def _row(
        self, task: Task, result: CheckResult, *, correct: int = UNKNOWN, template: FaceTemplate | None = None
    ) -> Row:
        scored = {} if result.score is None else {"score": float(result.score)}
        return Row(
            key=task.key,
            outcome=result.outcome,
            reasons=tuple(reason.value for reason in result.reasons),
            correct=correct,
            latency_ms=result.latency_ms,
            cost=self.bench.price,
            template=template,
            signals={signal.name: signal.score for signal in result.signals},
            **scored,
        )

    def _correct(self, task: Task, context: Perception) -> int:
        """Whether the machine-readable zone was read as it stands, exactly; UNKNOWN without a truth."""
        if MRZ not in task.truth or self.bench.check.name is not CheckName.DOCUMENT_READING:
            return UNKNOWN
        return int(any(list(zone.lines) == task.truth[MRZ].split() for zone in zones(context, task.media)))


def zones(context: Perception, roles: Iterable[ImageRole]) -> Iterator[MrzReading]:
    """The machine-readable zones that were read on some sides of a document."""
    for role in roles:
        with suppress(Exception):  # whatever stood in the way is among the result's reasons already
            mrz = context.reading(role).mrz
            if mrz is not None:
                yield mrz


@dataclass(frozen=True)
class Work:
    """Everything a process needs to become a judge; can be pickled."""

    open_workbench: OpenWorkbench
    media: Media

    @contextmanager
    def opened(self) -> Iterator[Judge]:
        """A judge, and what it was wired from until the context ends."""
        with self.open_workbench() as bench:
            yield Judge(bench, self.media)


@dataclass
class _Acquisition:
    """A check that only makes the template of the one image it is shown: so the runner guards that too."""

    of: TemplateCheck
    clock: Clock
    template: FaceTemplate | None = None

    @property
    def name(self) -> CheckName:
        """That of the check behind it."""
        return self.of.name

    @property
    def provider(self) -> str:
        """That of the check behind it."""
        return self.of.provider

    @property
    def digest(self) -> str:
        """That of the check behind it."""
        return self.of.digest

    def judge(self, evidence: Evidence, context: Perception, *, deadline: float) -> CheckResult:
        """Pass with a template that nothing speaks against, otherwise inconclusive with the reasons."""
        (role,) = evidence.images
        acquired = self.of.acquire(role, evidence, context, deadline=deadline)
        self.template = acquired.template
        usable = acquired.template is not None and not acquired.reasons
        return CheckResult(
            name=self.name,
            outcome=Outcome.PASS if usable else Outcome.INCONCLUSIVE,
            provider=self.provider,
            check_digest=self.digest,
            produced_at=self.clock.now(),
            score=None if acquired.template is None else 0.0,
            reasons=acquired.reasons,
            signals=acquired.signals,
        )
