"""Photographs HTML pages in a real Chromium: phone and desktop width, light and dark; and looks for overflow.

    python -m scripts.page_shots OUT PAGE.html...

Writes OUT/<page>-<width>-<scheme>.png and prints what each page does wrong: content wider than the screen,
a request for anything outside the file, an error on the console. Exit code 1 when there is any. Needs
`chromium` on the path; talks to it on loopback.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

WIDTHS = (390, 1280)
SCHEMES = ("light", "dark")
_TALLEST_PX = 12_000
_PHONE_PX = 500


@dataclass
class Tab:
    """One tab, spoken to by the DevTools protocol; `faults` collects what the page reports meanwhile."""

    socket: aiohttp.ClientWebSocketResponse
    faults: list[str] = field(default_factory=list)
    _sent: int = 0

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its reply, noting requests and errors on the way."""
        self._sent += 1
        await self.socket.send_json({"id": self._sent, "method": method, "params": parameters})
        while True:
            message = await self.socket.receive_json()
            if message.get("id") == self._sent:
                reply: dict[str, Any] = message.get("result", {})
                return reply
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Log.entryAdded":
            self.faults.append(f"console: {message['params']['entry']['text']}")
        if message.get("method") == "Network.requestWillBeSent":
            url = message["params"]["request"]["url"]
            if not url.startswith(("file:", "data:")):
                self.faults.append(f"asks for {url}")


async def shoot(tab: Tab, page: Path, out: Path) -> list[str]:
    """All pictures of one page, and what is wrong with it."""
    faults = []
    for width in WIDTHS:
        for scheme in SCHEMES:
            tab.faults.clear()
            await tab.call(
                "Emulation.setDeviceMetricsOverride",
                width=width,
                height=900,
                deviceScaleFactor=1,
                mobile=width < _PHONE_PX,
            )
            wanted = {"name": "prefers-color-scheme", "value": scheme}
            await tab.call("Emulation.setEmulatedMedia", features=[wanted])
            await tab.call("Page.navigate", url=page.as_uri())
            await asyncio.sleep(0.7)
            size = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
            found = await tab.call(
                "Runtime.evaluate", expression=f"JSON.stringify({size})", returnByValue=True
            )
            wide, tall = json.loads(found["result"]["value"])
            clip = {"x": 0, "y": 0, "width": width, "height": min(tall, _TALLEST_PX), "scale": 1}
            shot = await tab.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
            name = f"{page.stem}-{width}-{scheme}.png"
            (out / name).write_bytes(base64.b64decode(shot["data"]))
            overflow = [f"{wide} px wide"] if wide > width else []
            faults += [f"{name}: {fault}" for fault in (*overflow, *tab.faults)]
    return faults


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Tab]:
    """A headless browser with a profile of its own, ended by its own process."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if binary is None:
        raise SystemExit("no chromium on the path")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
        command = [binary, *flags, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: ASYNC220 - once
        try:
            port = await _port(Path(profile) / "DevToolsActivePort")
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json") as reply:
                    tabs = await reply.json()
                address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
                async with session.ws_connect(address, max_msg_size=0) as socket:
                    tab = Tab(socket)
                    for domain in ("Page", "Log", "Network"):
                        await tab.call(f"{domain}.enable")
                    yield tab
        finally:
            process.terminate()
            process.wait()


async def _port(file: Path) -> int:
    """The port the browser chose, once it has written it down."""
    for _ in range(300):
        with contextlib.suppress(FileNotFoundError):
            written = file.read_text()  # noqa: ASYNC240 - twenty bytes
            if "\n" in written:
                return int(written.split()[0])
        await asyncio.sleep(0.1)
    raise SystemExit("chromium did not start")


async def _run(pages: Sequence[Path], out: Path) -> list[str]:
    async with chromium() as tab:
        return [fault for page in pages for fault in await shoot(tab, page, out)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Take the pictures, print the faults."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("pages", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    faults = asyncio.run(_run([page.resolve() for page in options.pages], options.out))
    print("\n".join(faults) or f"{len(options.pages)} pages, nothing wrong; pictures in {options.out}")
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
