"""Pages as a real browser shows them: the headless Chromium that is pinned for tests."""

import base64
import struct
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, sync_playwright

from sandbox.installation import PROJECT, Installation

_PALETTE = """
async ([picture]) => {
  const image = new Image();
  image.src = `data:image/png;base64,${picture}`;
  await image.decode();
  const { width, height } = image;
  const context = new OffscreenCanvas(width, height).getContext('2d');
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const parts = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  const colours = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 256).map(([pixel]) => pixel);
  const palette = colours.map(parts);
  const known = new Map(colours.map((pixel, number) => [pixel, number]));
  const nearest = (pixel) => {
    const wanted = parts(pixel);
    const far = (one) => one.reduce((sum, part, at) => sum + (part - wanted[at]) ** 2, 0);
    return palette.reduce((best, one, at) => (far(one) < far(palette[best]) ? at : best), 0);
  };
  for (const pixel of counts.keys()) if (!known.has(pixel)) known.set(pixel, nearest(pixel));
  const rows = Uint8Array.from(pixels, (pixel) => known.get(pixel));
  const blocks = [];
  for (let at = 0; at < rows.length; at += 30000)
    blocks.push(String.fromCharCode(...rows.subarray(at, at + 30000)));
  return { width, height, palette: palette.flat(), rows: btoa(blocks.join('')) };
}
"""
"""What a picture is with the 256 colours that it has most of."""


@contextmanager
def chromium() -> Generator[Browser]:
    """The browser, until the end of the block."""
    pinned = Installation(PROJECT / ".sandbox").chromium
    with sync_playwright() as programs:
        browser = programs.chromium.launch(
            executable_path=str(pinned.executable), env={**pinned.environment()}
        )
        try:
            yield browser
        finally:
            browser.close()


class View:
    """A page that was opened, and what the browser said and asked for meanwhile."""

    def __init__(
        self, browser: Browser, address: str, *, dark: bool = False, width: int = 1100
    ) -> None:
        self.browser = browser
        self.said: list[str] = []
        """What is in its console, warnings and failures too."""
        self.asked: list[str] = []
        """Addresses of all that it loaded."""
        self.page: Page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        self.page.on("console", self._say)
        self.page.on("pageerror", self._fail)
        self.page.on("request", self._ask)
        self.page.goto(address, wait_until="networkidle")

    def evaluate(self, expression: str, argument: Any = None) -> Any:
        """What an expression is there."""
        return self.page.evaluate(expression, argument)

    def _say(self, message: ConsoleMessage) -> None:
        self.said.append(message.text)

    def _fail(self, error: Error) -> None:
        self.said.append(str(error))

    def _ask(self, request: Request) -> None:
        self.asked.append(request.url)


def picture(view: View) -> bytes:
    """The whole page as a small PNG."""
    whole = view.page.screenshot(full_page=True)
    # Its own policy would keep a page from looking at pictures.
    blank = view.browser.new_page()
    found = blank.evaluate(_PALETTE, [base64.b64encode(whole).decode()])
    blank.close()
    width, height = found["width"], found["height"]
    rows = base64.b64decode(found["rows"])
    lines = b"".join(b"\0" + rows[at : at + width] for at in range(0, len(rows), width))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes(found["palette"])),
            _chunk(b"IDAT", zlib.compress(lines, 9)),
            _chunk(b"IEND", b""),
        )
    )


def dimensions(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG."""
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def _chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )
