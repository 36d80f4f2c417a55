"""What the service is given: the use cases, the stores and the settings, already wired."""

from typing import Protocol

from idv.domain.ports import Clock
from idv.domain.stores import Stores
from idv.settings import Settings
from idv.workflow.single import SingleChecks
from idv.workflow.verification import Verifications


class Application(Protocol):
    """The wired application, as `idv.bootstrap.build` makes it."""

    @property
    def settings(self) -> Settings:
        """All settings."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def verifications(self) -> Verifications:
        """Use cases of a verification."""
        ...

    @property
    def single(self) -> SingleChecks:
        """One check on its own."""
        ...

    @property
    def stores(self) -> Stores:
        """What remembers."""
        ...

    def unready(self) -> tuple[str, ...]:
        """Codes of what keeps a request from being served now; empty when ready. May block."""
        ...

    def close(self) -> None:
        """Stop worker processes and close connections."""
        ...
