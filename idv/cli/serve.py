"""`idv serve`: the HTTP service in the foreground."""

import os
import socket
import sys
from typing import Annotated

import typer

from idv import bootstrap, settings
from idv.domain.errors import ConfigurationError


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (default: IDV_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (default: IDV_PORT).")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="No API key needed; on loopback only.")
    ] = False,
) -> None:
    """Serve the API until interrupted. Settings, models and thresholds are checked before anything starts.

    A worker that dies is started again, five times within five minutes at most; then exit code 1.
    """
    overrides = {"host": host, "port": port, "insecure": insecure or None}
    checked = settings.load(**{name: value for name, value in overrides.items() if value is not None})
    # A worker that cannot start is started several times in vain, so what it needs is checked before.
    bootstrap.check(checked)
    _refuse_taken(checked)
    # This process becomes the service, so that whoever signals it signals the service.
    os.execve(sys.executable, command(checked), environment(checked))  # noqa: S606 - a fixed argument list


def _refuse_taken(checked: settings.Settings) -> None:
    try:
        with socket.create_server((checked.host, checked.port)):
            pass
    except OSError as error:
        raise ConfigurationError(
            [f"IDV_PORT: {checked.port} cannot be listened on ({error.strerror})"]
        ) from error


def command(checked: settings.Settings) -> list[str]:
    """The command line that starts the service: one worker, so that models are loaded once."""
    return [
        *(sys.executable, "-m", "idv.service.supervisor", "idv.service.bento:Service"),
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
