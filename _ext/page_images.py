"""Every picture's size is in the page: text does not jump when a picture arrives, and one far below may wait."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

_IMG = re.compile(r"<img (?P<rest>[^>]*)>")
_SRC = re.compile(r'\bsrc="([^"?#]+)')
_ARTICLE = re.compile(r'<article class="bd-article"', re.DOTALL)
_SVG = re.compile(r"<svg\b[^>]*>", re.DOTALL)
_LENGTH = re.compile(r"^([\d.]+)(px|pt)?$")
_POINT = 96 / 72  # pixels


def size_images(site: Path, pages: dict[str, str]) -> None:
    """Write width and height into every ``<img>`` of the pages."""
    known: dict[Path, tuple[float, float] | None] = {}

    def size(path: Path) -> tuple[float, float] | None:
        if path not in known:
            known[path] = natural_size(path)
        return known[path]

    for address, html in pages.items():
        found = _ARTICLE.search(html)
        start = found.start() if found else len(html)
        folder = (site / address).parent

        def sized(img: re.Match[str], folder: Path = folder, start: int = start) -> str:
            return _sized(img, folder, size, in_text=img.start() > start)

        pages[address] = _IMG.sub(sized, html)


def _sized(
    img: re.Match[str],
    folder: Path,
    size: Callable[[Path], tuple[float, float] | None],
    *,
    in_text: bool,
) -> str:
    rest = img["rest"]
    src = _SRC.search(rest)
    if not src or " width=" in rest:
        return img[0]
    file = (folder / src[1]).resolve()
    # the page for what is not found has whole addresses, for it is shown anywhere
    found = size(file) if file.is_file() else None
    if not found:
        return img[0]
    width, height = found
    given = f'width="{width:.0f}" height="{height:.0f}"'
    if in_text:
        given += ' loading="lazy" decoding="async"'
        if "stack-part" not in rest:  # which has a style of its own, and a size by it
            given += f' style="--wide:{width:.2f}px;--ratio:{width / height:.4f}"'
    return f"<img {given} {rest}>"


def natural_size(path: Path) -> tuple[float, float] | None:
    """Width and height in pixels of an SVG or PNG file, None where it says none."""
    if path.suffix == ".png":
        head = path.read_bytes()[:24]
        return struct.unpack(">II", head[16:24]) if head[:4] == b"\x89PNG" else None
    if path.suffix != ".svg":
        return None
    root = _SVG.search(path.read_text("utf-8"))
    return svg_size(root[0]) if root else None


def svg_size(tag: str) -> tuple[float, float] | None:
    """The size that a browser gives a drawing with this root.

    >>> svg_size('<svg width="72pt" height="36pt" viewBox="0 0 72 36">')
    (96.0, 48.0)
    >>> svg_size('<svg viewBox="0 0 232 366" width="116">')
    (116.0, 183.0)
    >>> svg_size('<svg viewBox="0 0 200 120">')
    (200.0, 120.0)
    """
    found = re.search(r'viewBox="[\d.-]+ [\d.-]+ ([\d.]+) ([\d.]+)"', tag)
    box = (float(found[1]), float(found[2])) if found else None
    width, height = (_pixels(tag, side) for side in ("width", "height"))
    if width and height:
        return width, height
    if box is None:
        return None
    if width:
        return width, width * box[1] / box[0]
    if height:
        return height * box[0] / box[1], height
    return box


def _pixels(tag: str, side: str) -> float | None:
    given = re.search(rf'\s{side}="([^"]*)"', tag)
    length = _LENGTH.match(given[1]) if given else None
    if not length:
        return None
    return float(length[1]) * (_POINT if length[2] == "pt" else 1)
