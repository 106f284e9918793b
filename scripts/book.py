"""Install what the book needs, execute the chapters, build the pages, serve them.

    python scripts/book.py            all four, one after the other
    python scripts/book.py execute    one of them

It runs wherever Python does; `make book` is the same on Debian and Ubuntu, and brings what is
missing there.

Each notebook is executed once, in a copy of the book under ``build/book``, and the pages are
built from that copy. A second run repeats only what changed: a chapter is executed again when
it, ``circuitkit``, a data file or the lock changed; pages are built again when anything did.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from arguments import whole_number

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
OFFLINE = "circuits-book.zip"  # all pages, beside them
FROM_A_SERVER = re.compile(
    r'<link\b[^>]*\brel="preload"[^>]*>|<p class="book-offline">.*?</p>', re.DOTALL
)
PICTURE = "circuitkit-picture"  # the mark of what circuitkit.widget.page leaves for another day
LIMIT = 900  # seconds that a cell may take
INTERRUPTED = 130  # what a shell says of a command that Ctrl-C ended
MOST_PORT = 65535  # what TCP has
IGNORED = {"__pycache__", ".ipynb_checkpoints"}


def files(*names: str, root: Path | None = None) -> Iterator[Path]:
    """Every file of the named files and folders, in a fixed order."""
    root = root or ROOT
    for name in names:
        path = root / name
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and not IGNORED & set(file.relative_to(root).parts):
                yield file


def digest(paths: Iterable[Path], *extra: str) -> str:
    sha = hashlib.sha256()
    for path in paths:
        sha.update(f"{path.relative_to(ROOT)}\0".encode())
        sha.update(hashlib.sha256(path.read_bytes()).digest())
    sha.update(json.dumps(extra).encode())
    return sha.hexdigest()


def install(venv: Path) -> None:
    """The exact versions of the lock, and the package itself, in a virtual environment."""
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = venv / ".ready"
    own = platform.python_version()
    if python.exists() and (there := version_of(python)) != own:
        print(f"{venv} is of Python {there} and stays so; remove it for one of this Python, {own}")
    key = digest([ROOT / "requirements.lock", ROOT / "pyproject.toml"])
    if ready.exists() and ready.read_text("utf-8") == key:
        return
    if not python.exists():
        run([sys.executable, "-m", "venv", str(venv)], "Python's venv module could not make one")
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check"]
    run([*pip, "--requirement", "requirements.lock"], "pip could not install the lock")
    run([*pip, "--no-deps", "--editable", "."], "pip could not install circuitkit")
    ready.write_text(key, "utf-8")


def version_of(python: Path) -> str:
    command = [str(python), "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def execute(jobs: int, limit: int) -> None:
    """Execute the notebooks that are new or changed; leave the others as they are in the copy."""
    notebooks = [p for p in files("index.ipynb", "chapters") if p.suffix == ".ipynb"]
    data = [p for p in files("chapters") if p.suffix != ".ipynb"]
    shared = digest([*files("circuitkit", "requirements.lock"), *data])
    done = json.loads(EXECUTED.read_text("utf-8")) if EXECUTED.exists() else {}

    refresh_copy(notebooks)
    stale = {}
    for notebook in notebooks:
        name, key = notebook.relative_to(ROOT).as_posix(), digest([notebook], shared)
        if done.get(name) != key or not (COPY / name).exists():
            stale[name] = key
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(notebook, COPY / name)
    kept = {name: key for name, key in done.items() if name not in stale and (ROOT / name).exists()}
    remember(kept)
    if not stale:
        print(f"All {len(notebooks)} notebooks are as last executed.")
        return

    names = ", ".join(Path(name).stem for name in stale)
    print(f"{len(stale)} of {len(notebooks)} notebooks: {names}", flush=True)
    one_at_a_time = threading.Lock()

    def passes(name: str) -> bool:
        start = time.monotonic()
        code = subprocess.run(
            [sys.executable, __file__, "notebook", str(COPY / name), f"--limit={limit}"],
            cwd=ROOT, env=environment(),
        ).returncode  # fmt: skip
        with one_at_a_time:
            if not code:
                kept[name] = stale[name]
                remember(kept)  # each by itself: what passed need not be executed again
            told = "executed" if not code else "STOPPED"
            print(f"{told} {name} after {time.monotonic() - start:.0f} s", flush=True)
        return not code

    with ThreadPoolExecutor(min(jobs, len(stale))) as pool:
        passed = list(pool.map(passes, stale))
    stopped = [name for name, good in zip(stale, passed, strict=True) if not good]
    if stopped:
        sys.exit(f"error: stopped with an error, shown above: {', '.join(stopped)}")


def remember(executed: dict[str, str]) -> None:
    partly = EXECUTED.with_suffix(".part")
    partly.write_text(json.dumps(executed, indent=1), "utf-8")
    partly.replace(EXECUTED)


def execute_one(
    path: Path, limit: int, kernel: str | None = None, memory: int | None = None
) -> None:
    """Execute one notebook where it lies and keep its outputs; say how much memory that took.

    pytest does it, with its plugin nbmake.
    """
    import pytest

    if not path.is_file():
        sys.exit(f"error: argument path: expected a notebook, got {str(path)!r}, which is no file")
    seen, before = Stopped(), path.read_bytes()
    watch = Watch(memory)
    watch.start()
    try:
        code = pytest.main(
            [
                "--nbmake", "--overwrite", f"--nbmake-timeout={limit}", "--quiet", "--no-summary",
                "--override-ini=addopts=", "-p", "no:cacheprovider", f"--rootdir={path.parent}",
                *([f"--nbmake-kernel={kernel}"] if kernel else []), str(path),
            ],
            plugins=[seen],
        )  # fmt: skip
    finally:
        watch.stop()
    if code:
        path.write_bytes(before)  # half a chapter is none
        died = f"took more than {memory} MB of memory" if watch.over else seen.died
        sys.exit(f"error: {path.name}: {seen.cell} {seen.why(limit) or died}")
    drop_widget_state(path)
    print(f"{path.name} took at most {watch.peak} MB of memory")


class Stopped:
    """What pytest tells when a notebook stops: at which cell, and why."""

    died = "ended its kernel: out of memory, or a crash"

    def __init__(self) -> None:
        self.cell, self.trace = "", ""

    def why(self, limit: int) -> str:
        """What the cell did; nothing where its kernel is gone."""
        if self.trace.startswith("A cell timed out"):
            return f"did not end within {limit} s"
        return f"raised an error\n{self.trace}" if self.trace else ""

    def pytest_exception_interact(self, call: Any) -> None:
        """The one hook that is called with the exception itself."""
        error = call.excinfo.value
        result = error.args[0] if error.args else None
        if getattr(result, "error", None) is not None:
            notebook, at = result.nb, result.error.failing_cell_index
            self.trace = result.error.trace
        else:  # a kernel that died: nbmake lets the exception through, the notebook is in its frame
            frames = [f.frame.f_locals for f in call.excinfo.traceback]
            notebook = next((f["nb"] for f in frames if "nb" in f), None)
            code = [] if notebook is None else list(enumerate(notebook.cells))
            at = next((i for i, c in code if not replied(c)), -1)
            if type(error).__name__ != "DeadKernelError":
                self.trace = f"{type(error).__name__}: {error}"
        if notebook is not None and at >= 0:
            lines = notebook.cells[at].source.splitlines()
            first = next((line.strip() for line in lines if line.strip()), "")
            self.cell = f"cell {at + 1} ({first})"


def replied(cell: Any) -> bool:
    """Whether a cell was executed to its end, or is no code."""
    done = cell.get("metadata", {}).get("execution", {})
    return cell.cell_type != "code" or "shell.execute_reply" in done


class Watch(threading.Thread):
    """Notes how much memory the processes started from here take; ends them over the limit."""

    def __init__(self, limit: int | None) -> None:
        super().__init__(daemon=True)
        self.limit, self.peak, self.over = limit, 0, False
        self.ended = threading.Event()

    def run(self) -> None:
        import psutil

        while not self.ended.wait(0.05):
            taken = 0
            children = psutil.Process().children(recursive=True)
            for child in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    taken += child.memory_info().rss
            self.peak = max(self.peak, taken // 2**20)
            if self.limit and self.peak > self.limit:
                self.over = True
                for child in children:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        child.kill()

    def stop(self) -> None:
        self.ended.set()
        self.join()


def drop_widget_state(notebook: Path) -> None:
    """Forget what a kernel's widgets looked like: ours carry their state in their own HTML.

    Each would bring its script along, more than a megabyte a chapter. And forget the pictures of
    them that are for a notebook that is opened again.
    """
    content = json.loads(notebook.read_text("utf-8"))
    content["metadata"].pop("widgets", None)
    for cell in content["cells"]:
        if "outputs" in cell:
            cell["outputs"] = [o for o in cell["outputs"] if PICTURE not in o.get("metadata", {})]
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
    if not (COPY / "index.ipynb").exists():
        sys.exit("error: no executed chapters yet; run `make html`")
    remote = ""
    with contextlib.suppress(FileNotFoundError):  # no git: a downloaded copy
        remote = subprocess.run(
            ["git", "remote", "get-url", "origin"], cwd=ROOT, capture_output=True, text=True
        ).stdout
    told = ("BOOK_URL", "GITHUB_REPOSITORY", "GITHUB_REF_NAME")
    place = [remote, *(os.environ.get(name, "") for name in told)]
    key = digest([*files("circuitkit", "requirements.lock"), *files(*SOURCES, root=COPY)], *place)
    if HTML.exists() and BUILT.exists() and BUILT.read_text() == key:
        print("The pages are up to date.")
        return
    BUILT.unlink(missing_ok=True)
    shutil.rmtree(COPY / "_build", ignore_errors=True)
    run(
        [shutil.which("jupyter-book", path=str(Path(sys.executable).parent)) or "jupyter-book",
         "build", "-W", "-n", "--keep-going", "."],
        "the book has warnings, shown above; each is an error",
        cwd=COPY,
    )  # fmt: skip
    pack(HTML, HTML / OFFLINE)
    BUILT.write_text(key)
    print(f"Built {len(list(HTML.rglob('*.html')))} pages in {HTML.relative_to(ROOT)}")


def pack(site: Path, target: Path) -> None:
    """Zip the pages, to be read from a disk, a stick or an artifact, with no server and no network.

    From a disk a browser preloads nothing and says so in its console; and there is no zip in the zip.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in site.rglob("*") if path.is_file() and path != target):
            content = file.read_bytes()
            if file.suffix == ".html":
                content = FROM_A_SERVER.sub("", content.decode("utf-8")).encode("utf-8")
            # The same pages are the same zip: no times in it.
            name = zipfile.ZipInfo(f"{target.stem}/{file.relative_to(site).as_posix()}")
            name.compress_type, name.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(name, content)


def links() -> None:
    """Follow every link to another site, by Sphinx's own builder; the pages as they stand, not executed."""
    notebooks = [p for p in files("index.ipynb", "chapters") if p.suffix == ".ipynb"]
    refresh_copy(notebooks)
    for notebook in notebooks:
        name = notebook.relative_to(ROOT)
        if not (COPY / name).exists():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(notebook, COPY / name)
    run(
        [shutil.which("jupyter-book", path=str(Path(sys.executable).parent)) or "jupyter-book",
         "build", "--builder", "linkcheck", "."],
        "links that lead nowhere, shown above",
        cwd=COPY,
    )  # fmt: skip


def environment() -> dict[str, str]:
    """Tiny networks gain nothing from many threads each. A progress bar would be litter on a page."""
    return {
        "OMP_NUM_THREADS": "1",
        "JUPYTER_PREFER_ENV_PATH": "1",
        **os.environ,
        "TQDM_DISABLE": "1",
    }


def run(command: list[str], failure: str, cwd: Path = ROOT) -> None:
    start = time.monotonic()
    code = subprocess.run(command, cwd=cwd, env=environment()).returncode
    if code:
        sys.exit(f"error: {failure} (after {time.monotonic() - start:.0f} s)")
    print(f"Took {time.monotonic() - start:.0f} s", flush=True)


def serve(host: str, port: int) -> None:
    if not (HTML / "index.html").exists():
        sys.exit("error: no pages yet; run `make book`")
    family = family_of(host)
    ports = [*range(port, min(port + 50, MOST_PORT + 1)), 0]
    port = next(p for p in ports if is_free(host, p, family))

    class Server(ThreadingHTTPServer):
        address_family = family

    server = Server((host, port), partial(Quiet, directory=str(HTML)))
    shown = f"[{host}]" if family == socket.AF_INET6 else host
    print(f"\nThe book is at http://{shown}:{server.server_port}/  (Ctrl-C ends it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """A line for each request would bury the address."""


def family_of(host: str) -> socket.AddressFamily:
    """Whether it is an address of this machine in IPv4 or in IPv6; stops where it is neither."""
    why = ""
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that is too long
        found, why = [], f": {error}"
    for family in sorted({family for family, *_ in found}):  # IPv4 before IPv6
        if is_free(host, 0, family):
            return family
    sys.exit(
        "error: argument --host: expected a name or an address of this machine, such as 127.0.0.1, ::1 "
        f"or 0.0.0.0, got {host!r}{why}"
    )


def is_free(host: str, port: int, family: socket.AddressFamily) -> bool:
    try:
        with socket.socket(family) as probe:
            if os.name != "nt":  # where it would say that a taken port is free
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError:
        return False
    return True


def everything(venv: Path, **options: object) -> None:
    """Install, then execute, build and serve with what was installed."""
    install(venv)
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    for command in ("execute", "build", "serve"):
        code = subprocess.run([str(python), __file__, command], cwd=ROOT).returncode
        if code:
            sys.exit(code)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(run=everything, venv=ROOT / ".venv")
    commands = parser.add_subparsers(metavar="command")

    def command(name: str, what: object, told: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=told)
        added.set_defaults(run=what)
        return added

    installing = command("install", install, "the exact versions of requirements.lock, in .venv")
    installing.add_argument("--venv", type=Path, default=ROOT / ".venv")
    executing = command("execute", execute, "execute the chapters that changed, in build/book")
    executing.add_argument("--jobs", type=whole_number(1), default=2, help="how many at once")
    one = command("notebook", execute_one, "execute one notebook where it lies")
    one.add_argument("path", type=Path)
    one.add_argument("--kernel", help="the kernel to use instead of the notebook's own")
    one.add_argument("--memory", type=whole_number(1), help="megabytes that it may take")
    for each in (executing, one):
        each.add_argument(
            "--limit", type=whole_number(1), default=LIMIT, help="seconds that a cell may take"
        )
    command("build", build, "build the pages from the executed chapters")
    command("links", links, "follow every link to another site")
    serving = command("serve", serve, "serve the pages as they were last built")
    serving.add_argument("--host", default="127.0.0.1")
    serving.add_argument("--port", type=whole_number(0, MOST_PORT), default=8000)
    options = vars(parser.parse_args())
    what = options.pop("run")
    if what not in (everything, install):
        options.pop("venv", None)
    if what is execute:
        import children  # only here: it needs what is not installed before

        children.end_with_this()
    try:
        what(**options)
    except KeyboardInterrupt:  # Ctrl-C reaches what was started from here as well
        print()
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
