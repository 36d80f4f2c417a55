"""`idv serve`: the HTTP service in the foreground."""

import os
import subprocess
import sys
from typing import Annotated

import typer

from idv import bootstrap, settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (default: IDV_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (default: IDV_PORT).")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="No API key needed; on loopback only.")
    ] = False,
) -> None:
    """Serve the API until interrupted. Settings, models and thresholds are checked before anything starts."""
    overrides = {"host": host, "port": port, "insecure": insecure or None}
    checked = settings.load(**{name: value for name, value in overrides.items() if value is not None})
    # A worker that cannot start is started again for ever, so what it needs is checked before.
    bootstrap.check(checked)
    raise typer.Exit(subprocess.run(command(checked), env=environment(checked), check=False).returncode)


def command(checked: settings.Settings) -> list[str]:
    """The command line that starts the service: one process, so that models are loaded once."""
    return [
        *(sys.executable, "-m", "bentoml", "serve", "idv.service.bento:Service"),
        *("--host", checked.host, "--port", str(checked.port), "--api-workers", "1"),
    ]


def environment(checked: settings.Settings) -> dict[str, str]:
    """The environment of the service process: what was given on the command line included."""
    return os.environ | {
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_HOME": str(checked.data_dir / "bentoml"),
        "IDV_HOST": checked.host,
        "IDV_PORT": str(checked.port),
        "IDV_INSECURE": str(checked.insecure),
    }
