"""Execute the chapters, build the book from them, serve it.

Each notebook is executed once, in a copy of the book under ``build/book``, and the pages are
built from that copy. A second run repeats only what changed: a chapter is executed again when
it, ``circuitkit``, a data file or the lock changed; pages are built again when anything did.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
COPY = BUILD / "book"
HTML = COPY / "_build" / "html"
EXECUTED = BUILD / "executed.json"  # notebook -> what it was executed with
BUILT = BUILD / "built.txt"  # what the pages were built from

SOURCES = [
    "_config.yml", "_toc.yml", "references.bib", "index.ipynb",
    "chapters", "reference", "_ext", "_static",
]  # fmt: skip
IGNORED = {"__pycache__", ".ipynb_checkpoints"}


def files(*names: str, root: Path = ROOT) -> Iterator[Path]:
    """Every file of the named files and folders, in a fixed order."""
    for name in names:
        path = root / name
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and not IGNORED & set(file.relative_to(root).parts):
                yield file


def digest(paths: Iterable[Path], *extra: str, root: Path = ROOT) -> str:
    sha = hashlib.sha256()
    for path in paths:
        sha.update(f"{path.relative_to(root)}\0".encode())
        sha.update(hashlib.sha256(path.read_bytes()).digest())
    sha.update(json.dumps(extra).encode())
    return sha.hexdigest()


def execute(jobs: int) -> None:
    """Execute the notebooks that are new or changed; leave the others as they are in the copy."""
    notebooks = [p for p in files("index.ipynb", "chapters") if p.suffix == ".ipynb"]
    data = [p for p in files("chapters") if p.suffix != ".ipynb"]
    shared = digest([*files("circuitkit", "requirements.lock"), *data])
    done = json.loads(EXECUTED.read_text()) if EXECUTED.exists() else {}

    refresh_copy(notebooks)
    stale = {}
    for notebook in notebooks:
        name, key = str(notebook.relative_to(ROOT)), digest([notebook], shared)
        if done.get(name) != key or not (COPY / name).exists():
            stale[name] = key
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(notebook, COPY / name)
    kept = {name: key for name, key in done.items() if name not in stale and (ROOT / name).exists()}
    EXECUTED.write_text(json.dumps(kept, indent=1))
    if not stale:
        print(f"All {len(notebooks)} notebooks are as last executed.")
        return

    names = ", ".join(Path(name).stem for name in stale)
    print(f"{len(stale)} of {len(notebooks)} notebooks: {names}", flush=True)
    run(
        [sys.executable, "-m", "pytest", "--nbmake", "--nbmake-timeout=900", "--overwrite",
         "--verbose", f"--numprocesses={min(jobs, len(stale))}", "-p", "no:cacheprovider",
         *(str(COPY / name) for name in stale)],
        "a notebook stopped with an error, shown above",
    )  # fmt: skip
    for name in stale:
        drop_widget_state(COPY / name)
    EXECUTED.write_text(json.dumps(kept | stale, indent=1))


def drop_widget_state(notebook: Path) -> None:
    """Forget what a kernel's widgets looked like: ours carry their state in their own HTML.

    Each would bring its script along, more than a megabyte a chapter.
    """
    content = json.loads(notebook.read_text("utf-8"))
    content["metadata"].pop("widgets", None)
    notebook.write_text(json.dumps(content, indent=1, ensure_ascii=False), "utf-8")


def refresh_copy(notebooks: list[Path]) -> None:
    """Make the copy equal to the sources, except for the notebooks that are in it already."""
    COPY.mkdir(parents=True, exist_ok=True)
    wanted = {p.relative_to(ROOT) for p in files(*SOURCES)}
    for old in files(*SOURCES, root=COPY):
        if old.relative_to(COPY) not in wanted:
            old.unlink()
    for path in wanted - {p.relative_to(ROOT) for p in notebooks}:
        (COPY / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, COPY / path)


def build() -> None:
    """Build the pages, warnings being errors. Always anew: a warning shows once per page read."""
    remote = subprocess.run(
        ["git", "remote", "get-url", "origin"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    place = [remote, *(os.environ.get(f"GITHUB_{n}", "") for n in ("REPOSITORY", "REF_NAME"))]
    key = digest([*files("circuitkit", "requirements.lock"), *files(*SOURCES, root=COPY)], *place)
    if HTML.exists() and BUILT.exists() and BUILT.read_text() == key:
        print("The pages are up to date.")
        return
    BUILT.unlink(missing_ok=True)
    shutil.rmtree(COPY / "_build", ignore_errors=True)
    run(
        [
            str(Path(sys.executable).parent / "jupyter-book"),
            "build",
            "-W",
            "-n",
            "--keep-going",
            ".",
        ],
        "the book has warnings, shown above; each is an error",
        cwd=COPY,
    )
    BUILT.write_text(key)
    print(f"Built {len(list(HTML.rglob('*.html')))} pages in {HTML.relative_to(ROOT)}")


def run(command: list[str], failure: str, cwd: Path = ROOT) -> None:
    start = time.monotonic()
    # A progress bar is for whoever waits; on a page it would be litter.
    code = subprocess.run(command, cwd=cwd, env={**os.environ, "TQDM_DISABLE": "1"}).returncode
    if code:
        sys.exit(f"error: {failure} (after {time.monotonic() - start:.0f} s)")
    print(f"Took {time.monotonic() - start:.0f} s", flush=True)


def serve(host: str, port: int) -> None:
    if not (HTML / "index.html").exists():
        sys.exit("error: no pages yet; run `make book`")
    port = next(p for p in [*range(port, port + 50), 0] if is_free(host, p))
    server = ThreadingHTTPServer((host, port), partial(Quiet, directory=str(HTML)))
    print(f"\nThe book is at http://{host}:{server.server_port}/  (Ctrl-C ends it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """A line for each request would bury the address."""


def is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("execute").add_argument("--jobs", type=int, default=2)
    commands.add_parser("build")
    serving = commands.add_parser("serve")
    serving.add_argument("--host", default="127.0.0.1")
    serving.add_argument("--port", type=int, default=8000)
    options = vars(parser.parse_args())
    {"execute": execute, "build": build, "serve": serve}[options.pop("command")](**options)


if __name__ == "__main__":
    main()
