from pathlib import Path

import pytest

from idv.domain.errors import ModelError
from idv.packs.lock import (
    CommercialUse,
    Lock,
    LockedModel,
    Recipe,
    RecipeKind,
    RecipeOutput,
    Source,
    SourceKind,
)
from idv.packs.lock_files import packs, read_lock, write_lock

DIGEST = "ab" * 32
SOURCES = (
    Source("a", SourceKind.NPM, package="@x/a", version="1", integrity='sha512-é"\\', sha256=DIGEST, size=7),
    Source("b", SourceKind.PYPI, package="b", version="2", file="b.whl", sha256=DIGEST, size=8),
    Source("c", SourceKind.HTTPS, url="https://example.org/c", sha256=DIGEST, size=9),
    Source("d", SourceKind.FOLDER),
    Source("e", SourceKind.REPOSITORY),
)
OUTPUTS = (RecipeOutput("y", ("n1", "n2"), axis=2, shape=(3, 4)), RecipeOutput("z"))
MODELS = (
    LockedModel(
        "one",
        "a",
        ("m.json", "m.bin"),
        "MIT",
        CommercialUse.YES,
        Recipe(RecipeKind.TFJS, "x", OUTPUTS),
        DIGEST,
        5,
    ),
    LockedModel("two", "d", ("t.onnx",), "own", CommercialUse.NO, accept="research"),
    LockedModel("three", "e", ("three/1/model.onnx",), "own", CommercialUse.UNKNOWN, sha256=DIGEST, size=6),
)


def test_a_lock_survives_writing_and_reading(tmp_path: Path) -> None:
    """Every field comes back, awkward characters included, and equal locks give equal bytes."""
    lock = Lock("mixed", 'Of everything, "quoted".', SOURCES, MODELS)
    first = write_lock(tmp_path, lock).read_bytes()
    assert read_lock(tmp_path, "mixed") == lock
    assert write_lock(tmp_path, read_lock(tmp_path, "mixed")).read_bytes() == first
    assert packs(tmp_path) == ("mixed",)


FAULTY = """
schema = 2
pack = "other"
description = ""
surprise = 1
[[source]]
id = "s"
kind = "https"
url = "https://example.org"
sha256 = "XY"
size = -1
[[source]]
id = "s"
kind = "carrier pigeon"
[[model]]
name = "One"
source = "nowhere"
members = ["../../etc/passwd"]
licence = "MIT"
commercial_use = "perhaps"
extra = true
[[model]]
name = "two"
source = "s"
members = []
licence = "MIT"
commercial_use = "yes"
[model.recipe]
kind = "tfjs"
"""


def test_all_faults_of_a_lock_come_at_once(tmp_path: Path) -> None:
    """Whoever edits a lock by hand sees everything that is wrong with it, in one error."""
    (tmp_path / "faulty.lock.toml").write_text(FAULTY)
    with pytest.raises(ModelError) as caught:
        read_lock(tmp_path, "faulty")
    assert caught.value.code == "model_lock_invalid"
    for expected in (
        *("schema must be 1", "pack is 'other'", "description must be a text", "unknown key 'surprise'"),
        *(
            "source s: sha256 must be 64",
            "size must be an integer",
            "kind must be one of pypi",
            "source s stands twice",
        ),
        *(
            "model One: name 'One'",
            "members must be relative",
            "commercial_use must be one of",
            "unknown key 'extra'",
        ),
        *("no source 'nowhere'", "a tfjs recipe names its input", "model two: sha256 is required"),
    ):
        assert expected in caught.value.message


def test_what_is_no_toml_is_refused(tmp_path: Path) -> None:
    """A merge conflict left in the file is named as such."""
    (tmp_path / "broken.lock.toml").write_text("<<<<<<< ours")
    with pytest.raises(ModelError) as caught:
        read_lock(tmp_path, "broken")
    assert caught.value.code == "model_lock_invalid"
