"""The service of `trial_service.py`: real stores, trial checks, in folders of its own."""

from pathlib import Path

from scripts.bench.service_process import ServiceProcess, Target

_TARGET = Target("trial_service:Trial", "trial", Path(__file__).resolve().parent)


class TrialServer(ServiceProcess):
    """`pause_s` is how long a check takes at most."""

    def __init__(self, folder: Path, *, pause_s: float = 0.0, supervised: bool = True) -> None:
        environment = {"TRIAL_STATE": str(folder / "state"), "TRIAL_PAUSE_S": str(pause_s)}
        super().__init__(folder, _TARGET, environment, supervised=supervised)

    @property
    def secret(self) -> str:
        """An API key with every scope."""
        return (self.state / "key").read_text()
