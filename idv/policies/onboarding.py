"""Onboarding with one identity document and one selfie."""

from idv.domain.decisions import Decision, Step
from idv.domain.results import CheckName
from idv.workflow.policy import PolicyRules, Rule

ONBOARDING = PolicyRules(
    name="onboarding",
    rules=(
        Rule(CheckName.DOCUMENT_READING, on_fail=Decision.REVIEW, step=Step.RECAPTURE_DOCUMENT),
        # Learned from drawn documents (see its cards): a person looks before anybody is turned away.
        Rule(CheckName.DOCUMENT_AUTHENTICITY, on_fail=Decision.REVIEW, step=Step.RECAPTURE_DOCUMENT),
        Rule(CheckName.FACE_MATCH, on_fail=Decision.REJECT, step=Step.RECAPTURE_SELFIE),
        # The PAD model is young (see its card): its verdict goes to a person, it rejects nobody alone.
        Rule(CheckName.LIVENESS, on_fail=Decision.REVIEW, step=Step.RECAPTURE_SELFIE),
        # A claim is optional in the request; where there is one it has to hold.
        Rule(
            CheckName.IDENTITY_MATCH,
            on_fail=Decision.REVIEW,
            step=Step.RECAPTURE_DOCUMENT,
            required=False,
        ),
    ),
)
