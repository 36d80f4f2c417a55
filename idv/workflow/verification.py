"""The use cases of a verification: begin, add evidence, resolve, erase. One stored step each."""

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from idv.domain.decisions import Decision, DecisionRecord
from idv.domain.errors import Conflict, MediaError
from idv.domain.evidence import Evidence
from idv.domain.ports import Clock, Perceiver, Perception
from idv.domain.results import CheckResult
from idv.domain.stores import (
    Allowance,
    Claim,
    Erasure,
    Event,
    Page,
    Remembered,
    StoredReply,
    VerificationStore,
    Write,
)
from idv.domain.verifications import Status, Verification
from idv.workflow.memory import from_private, to_private
from idv.workflow.policy import PolicyRules, decide
from idv.workflow.runner import CheckRunner

Render = Callable[[Verification], StoredReply]
"""Makes the reply of a step, so that it is stored in the same transaction as the step."""


@dataclass(frozen=True)
class Limits:
    """How often one applicant may try, and whether images are kept."""

    attempts: int = 10
    attempts_window: dt.timedelta = dt.timedelta(hours=24)
    keep_images: bool = False

    @property
    def allowance(self) -> Allowance:
        """What the store holds an applicant to."""
        return Allowance(self.attempts, self.attempts_window)


@dataclass(frozen=True)
class Request:
    """Who asks, and what the step is recorded under. `actor` is an API key's id or a person's name.

    `perceived` is told the time of each stage of perception, in ms, once the evidence was judged.
    """

    tenant: str
    actor: str
    deadline: float
    claim: Claim | None = None
    perceived: Callable[[Mapping[str, float]], None] = lambda _: None


@dataclass(frozen=True)
class Verifications:
    """The use cases. Every method that changes something stores one whole step, or nothing.

    `announce`: whether anybody receives webhooks; without, no events are stored that nobody would fetch.
    """

    perceiver: Perceiver
    runner: CheckRunner
    rules: PolicyRules
    store: VerificationStore
    clock: Clock
    new_id: Callable[[str], str]
    limits: Limits = Limits()
    announce: bool = True

    def begin(
        self, request: Request, evidence: Evidence, *, applicant_ref: str | None, render: Render
    ) -> Verification:
        """Judge new evidence and decide.

        Raises MediaError (an image cannot be decoded), Overloaded `too_many_attempts`, StorageUnavailable.
        """
        now = self.clock.now()
        self._refuse_too_many(request.tenant, applicant_ref, now)
        blank = Verification(
            id=self.new_id("ver"),
            tenant=request.tenant,
            status=Status.PROCESSING,
            created_at=now,
            updated_at=now,
            applicant_ref=applicant_ref,
        )
        return self._judge_and_store(request, blank, evidence, Remembered(), render=render)

    def add_evidence(
        self, request: Request, verification_id: str, evidence: Evidence, *, render: Render
    ) -> Verification:
        """Answer a `step_up`: judge again with the new images and what is remembered of the old ones.

        Raises NotFound, Conflict `verification_not_waiting`, MediaError, StorageUnavailable.
        """
        verification = self.store.get(request.tenant, verification_id)
        if verification.decision is None or verification.decision.decision is not Decision.STEP_UP:
            raise Conflict("verification_not_waiting", "This verification does not wait for evidence.")
        if len(verification.decisions) > self.limits.attempts:
            raise Conflict("verification_exhausted", "This verification has been tried too often.")
        remembered = from_private(self.store.private(request.tenant, verification_id))
        # A new document has to answer to the claim made before, or a pass on the old one would stand.
        claimed = evidence.claimed or remembered.claimed
        answered = dataclasses.replace(evidence, claimed=claimed)
        return self._judge_and_store(request, verification, answered, remembered, render=render)

    def resolve(
        self, request: Request, verification_id: str, decision: Decision, *, note: str, render: Render
    ) -> Verification:
        """A reviewer's decision, with the reason they give.

        Raises NotFound, Conflict `decision_not_final` unless it is accept or reject.
        """
        if decision not in (Decision.ACCEPT, Decision.REJECT):
            raise Conflict("decision_not_final", "A reviewer accepts or rejects.", field="decision")
        verification = self.store.get(request.tenant, verification_id)
        record = DecisionRecord(
            decision=decision,
            findings=verification.decision.findings if verification.decision else (),
            steps=(),
            policy=self.rules.name,
            policy_digest=self.rules.digest,
            decided_at=self.clock.now(),
            decided_by=request.actor,
            note=note,
        )
        return self._store(request, verification, (), record, action="verification.resolved", render=render)

    def erase(self, tenant: str, verification_id: str, *, actor: str) -> Erasure:
        """Destroy the applicant's data. Raises NotFound."""
        return self.store.erase(tenant, verification_id, actor=actor)

    def get(self, tenant: str, verification_id: str) -> Verification:
        """One verification. Raises NotFound."""
        return self.store.get(tenant, verification_id)

    def page(
        self,
        tenant: str,
        *,
        limit: int,
        cursor: str | None = None,
        applicant_ref: str | None = None,
        decision: Decision | None = None,
    ) -> Page:
        """A page of verifications, newest first."""
        return self.store.page(
            tenant, limit=limit, cursor=cursor, applicant_ref=applicant_ref, decision=decision
        )

    def _refuse_too_many(self, tenant: str, applicant_ref: str | None, now: dt.datetime) -> None:
        """Before any work is done; the write counts again, since others may be under way meanwhile."""
        if applicant_ref is None:
            return
        allowance = self.limits.allowance
        allowance.require_left(self.store.attempts(tenant, applicant_ref, since=now - allowance.window))

    def _judge_and_store(
        self,
        request: Request,
        verification: Verification,
        evidence: Evidence,
        remembered: Remembered,
        *,
        render: Render,
    ) -> Verification:
        perception = self.perceiver.perceive(evidence, remembered)
        _refuse_undecodable(perception, evidence)
        results = self.runner.run(evidence, perception, deadline=request.deadline)
        record = decide(
            (*verification.results, *results),
            self.rules,
            now=self.clock.now(),
            loaded={check.name: check.digest for check in self.runner.checks},
        )
        private = to_private(_seen(perception, evidence))
        request.perceived(perception.stage_ms)
        if self.limits.keep_images:
            private |= {f"image.{role}": image.data for role, image in evidence.images.items()}
        return self._store(
            request,
            verification,
            results,
            record,
            action="verification.decided",
            render=render,
            private=private,
        )

    def _store(
        self,
        request: Request,
        verification: Verification,
        results: Sequence[CheckResult],
        record: DecisionRecord,
        *,
        action: str,
        render: Render,
        private: dict[str, bytes] | None = None,
    ) -> Verification:
        decided = dataclasses.replace(
            verification,
            status=Status.DECIDED,
            updated_at=record.decided_at,
            results=(*verification.results, *results),
            decisions=(*verification.decisions, record),
        )
        change = Write(
            verification=decided,
            action=action,
            actor=request.actor,
            private=private or {},
            claim=request.claim,
            reply=render(decided),
            events=(self._event(decided, record, action),) if self.announce else (),
            allowance=self.limits.allowance,
        )
        self.store.write(change)
        return decided

    def _event(self, verification: Verification, record: DecisionRecord, action: str) -> Event:
        """The webhook of a step: identifiers, decision and reasons only."""
        event_id = self.new_id("evt")
        body = {
            "id": event_id,
            "type": action,
            "created_at": record.decided_at.isoformat(),
            "verification": verification.id,
            "decision": record.decision,
            "reasons": [finding.reason for finding in record.findings],
        }
        return Event(
            id=event_id,
            tenant=verification.tenant,
            type=action,
            payload=json.dumps(body, separators=(",", ":")).encode(),
            created_at=record.decided_at,
        )


def _refuse_undecodable(perception: Perception, evidence: Evidence) -> None:
    """Decode everything first: bytes that are no picture are the caller's fault, not the applicant's."""
    for role in evidence.images:
        try:
            perception.image(role)
        except MediaError as error:
            raise MediaError(error.fault, error.message, field=role) from error


def _seen(perception: Perception, evidence: Evidence) -> Remembered:
    """What is worth remembering of the images just judged; what was never computed stays out."""
    templates, readings = {}, {}
    for role in evidence.images:
        with suppress(ValueError, LookupError):
            templates[role] = perception.template(role)
        if role.is_document:
            readings[role] = perception.reading(role)
    return Remembered(templates=templates, readings=readings, claimed=evidence.claimed)
