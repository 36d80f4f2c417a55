"""One check on its own, nothing stored: compare two faces, read a document, check liveness."""

from dataclasses import dataclass

from idv.domain.errors import MediaError, RequestError
from idv.domain.evidence import Evidence
from idv.domain.ports import Perceiver, Perception
from idv.domain.results import CheckName, CheckResult
from idv.workflow.runner import CheckRunner


@dataclass(frozen=True)
class SingleChecks:
    """Runs one of the loaded checks by name."""

    perceiver: Perceiver
    runner: CheckRunner

    def judge(
        self, name: CheckName, evidence: Evidence, *, deadline: float
    ) -> tuple[CheckResult, Perception]:
        """The check's result and the perception behind it (its reading, its faces).

        Raises MediaError for an image that cannot be decoded, RequestError `check_unknown`.
        """
        check = next((check for check in self.runner.checks if check.name is name), None)
        if check is None:
            raise RequestError("check_unknown", f"There is no check {name} in this pack.")
        perception = self.perceiver.perceive(evidence)
        for role in evidence.images:
            try:
                perception.image(role)
            except MediaError as error:
                raise MediaError(error.fault, error.message, field=role) from error
        return self.runner.run_one(check, evidence, perception, deadline=deadline), perception
