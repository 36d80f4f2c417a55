"""Runs a package client as a subprocess and watches how much has arrived."""

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from idv.domain.errors import ModelError
from idv.packs.sources.fetcher import Report

POLL_S = 0.2
_SHOWN_CHARACTERS = 600


def run_client(
    command: Sequence[str], *, label: str, watch: Path, environment: Mapping[str, str], report: Report
) -> str:
    """Run to the end and return what the client wrote; `report` gets the size of the folder `watch`.

    Raises ModelError `model_client_missing` when the command does not exist, `model_digest_mismatch` when the
    client says so, and `model_source_unreachable` with the end of its output otherwise.
    """
    with tempfile.TemporaryFile() as output:
        code = _wait(command, watch=watch, environment=environment, report=report, output=output.fileno())
        output.seek(0)
        text = output.read().decode("utf-8", errors="replace")
    if code == 0:
        return text
    tail = text.strip()[-_SHOWN_CHARACTERS:]
    if "DO NOT MATCH THE HASHES" in text or "EINTEGRITY" in text:
        raise ModelError("model_digest_mismatch", f"{label}: the client refuses the download: {tail}")
    if "No module named pip" in text:
        raise ModelError("model_client_missing", f"{label}: this Python has no pip: {tail}")
    raise ModelError("model_source_unreachable", f"{label}: the client ended with code {code}: {tail}")


def _wait(
    command: Sequence[str], *, watch: Path, environment: Mapping[str, str], report: Report, output: int
) -> int:
    try:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
        )
    except OSError as error:
        raise ModelError(
            "model_client_missing", f"{command[0]} cannot be started: {error.strerror}"
        ) from error
    with process:
        try:
            while True:
                try:
                    return process.wait(timeout=POLL_S)
                except subprocess.TimeoutExpired:
                    report(folder_size(watch))
        except BaseException:
            process.terminate()
            raise


def folder_size(folder: Path) -> int:
    """Bytes in all files of a folder that another process is writing to."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # removed between the listing and the look
            continue
    return total


def environment_with(base: Mapping[str, str], **changes: str) -> dict[str, str]:
    """The caller's environment, which carries their mirrors and proxies, with these variables set."""
    return {**base, **changes}
