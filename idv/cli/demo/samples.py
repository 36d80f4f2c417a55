"""The demo's sample photos: fetched from a pinned source package, kept in the cache, never committed."""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from idv.domain.errors import ModelError

_REQUIREMENT = "face_recognition==1.3.0"
_SHA256 = "5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec"
_FOLDER = "face_recognition-1.3.0/tests/test_images"


@dataclass(frozen=True)
class Samples:
    """JPEG bytes: three photos of one person, one of another (MIT licence of the package)."""

    person: bytes
    person_again: bytes
    person_third: bytes
    other: bytes


_NAMES = ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg")


def sample_photos(cache: Path) -> Samples:
    """The photos, fetched by pip on first use. Raises ModelError when that fails."""
    if not all((cache / name).exists() for name in _NAMES):
        cache.mkdir(parents=True, exist_ok=True)
        _fetch(cache)
    return Samples(*((cache / name).read_bytes() for name in _NAMES))


def _fetch(cache: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.txt"
        wanted.write_text(f"{_REQUIREMENT} --hash=sha256:{_SHA256}\n")
        fetched = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
                *("--no-deps", "--no-binary", ":all:", "--require-hashes", "-r", str(wanted), "-d", folder),
            ],
            check=False,
            capture_output=True,
        )
        archives = list(Path(folder).glob("*.tar.gz"))
        if fetched.returncode or not archives:
            raise ModelError(
                "samples_unreachable", "pip could not fetch the sample photos; is there a network?"
            )
        if hashlib.sha256(archives[0].read_bytes()).hexdigest() != _SHA256:
            raise ModelError("samples_altered", "the package with the sample photos is not the pinned one")
        _unpack(archives[0], cache)


def _unpack(archive: Path, cache: Path) -> None:
    """Take the four photos by name; nothing else of the archive is written anywhere."""
    with tarfile.open(archive) as package:
        for name in _NAMES:
            member = package.extractfile(f"{_FOLDER}/{name}")
            if member is None:
                raise ModelError("samples_altered", f"{name} is not in the package")
            partial = cache / f"{name}.partial"
            partial.write_bytes(member.read())
            partial.rename(cache / name)
