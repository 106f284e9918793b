"""Try what the README promises a newcomer, on a bare Debian: ``make fresh``.

In a Debian of its own, with nothing on it but git, make and python3, an ordinary user clones the
last commit and types the commands: one user who may become root (``sudo``), and one who may not
(``plain``), for whom root installs what the commands ask for, and nothing else. What this machine
tells pip and apt (environment, proxy, certificates) holds there as well.

Run as root, with debootstrap installed. It takes an hour and some gigabytes.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
READER = "reader"
HOME = f"/home/{READER}"
BARE = ["git", "make", "python3"]

PASSED = re.compile(
    r"(PIP|UV|OPENBLAS)_\w+|JOBS|\w+_(proxy|PROXY)"
    r"|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|NODE_EXTRA_CA_CERTS"
)
CONFIGURATION = ["/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/xdg/pip"]
ASKED = re.compile(r"as root: apt-get install (.+)")

# A Debian's mounts and processes are its own, and end with the command.
INSIDE = """
root=$1 folders=$2; shift 2
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/dev/shm"
for folder in $folders; do
    mount --bind "$folder" "$root$folder"
    mount -o remount,bind,ro "$root$folder"
done
exec chroot "$root" "$@"
"""


def settings() -> dict[str, str]:
    """What the environment says about where packages come from.

    A file that it names, a certificate, is found under ``/srv``: Debian's own may be replaced.
    """
    told = {name: value for name, value in os.environ.items() if PASSED.fullmatch(name)}
    return {
        name: f"/srv/{Path(value).name}"
        if value.startswith("/") and Path(value).is_file()
        else value
        for name, value in told.items()
    }


def local_files() -> list[str]:
    return [v for n, v in os.environ.items() if PASSED.fullmatch(n) and Path(v).is_file()]


def local_folders() -> list[str]:
    """The folders of this machine that those settings name."""
    words = " ".join(settings().values()).replace("file://", "").split()
    return sorted({word for word in words if word.startswith("/") and Path(word).is_dir()})


class Debian:
    """A Debian in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def copy_to(self, folder: Path) -> Debian:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["cp", "-a", str(self.folder), str(folder)], check=True)
        return Debian(folder)

    def run(
        self, *command: str, user: str = "root", cwd: str = "/", log: Path | None = None
    ) -> tuple[int, str]:
        """Its exit code and what it printed, also written to ``log`` as it comes."""
        for path in local_folders():
            (self.folder / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": HOME if user == READER else "/root",
            "USER": user,
            **settings(),
        }
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
        in_folder = ["sh", "-c", 'cd "$0" && exec "$@"', cwd]
        with subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child",
             "sh", "-eu", "-c", INSIDE, "sh", str(self.folder), " ".join(local_folders()),
             *(become if user != "root" else []), *in_folder, *command],
            env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        ) as process:  # fmt: skip
            lines = []
            with (log or Path(os.devnull)).open("a", encoding="utf-8") as written:
                for line in process.stdout or ():
                    lines.append(line)
                    written.write(line)
                    written.flush()
        return process.returncode, "".join(lines)

    def must(self, *command: str) -> None:
        code, printed = self.run(*command)
        if code:
            sys.exit(f"error: {' '.join(command)} stopped in {self.folder}:\n{printed}")


def bare(folder: Path, suite: str) -> Debian:
    """The Debian that the others are copies of; built once."""
    complete = folder / "debootstrap.done"
    if not complete.exists() or complete.read_text("utf-8") != suite:
        shutil.rmtree(folder / "bare", ignore_errors=True)
        with (folder / "debootstrap.log").open("w") as log:
            subprocess.run(
                ["debootstrap", "--variant=minbase", f"--include={','.join(BARE)}", suite,
                 str(folder / "bare")],
                check=True, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        complete.write_text(suite, "utf-8")
    return Debian(folder / "bare")


def with_reader(debian: Debian, may_become_root: bool) -> None:
    """An ordinary user with a clone of the last commit, and this machine's settings."""
    for name in CONFIGURATION:
        there = debian.folder / name.lstrip("/")
        if Path(name).is_dir():
            shutil.copytree(name, there, dirs_exist_ok=True)
        elif Path(name).exists():
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(name, there)
    for path in local_files():
        shutil.copyfile(path, debian.folder / "srv" / Path(path).name)
    told = subprocess.run(["apt-config", "dump"], capture_output=True, text=True).stdout
    proxies = re.findall(r"^Acquire::(?:https?::|Check-).*\n", told, re.MULTILINE)
    (debian.folder / "etc/apt/apt.conf.d/90host").write_text("".join(proxies), "utf-8")
    debian.must("useradd", "--create-home", "--shell", "/bin/sh", READER)
    if may_become_root:
        debian.must("apt-get", "update", "-qq")
        debian.must("apt-get", "install", "-y", "-qq", "--no-install-recommends", "sudo")
        (debian.folder / "etc/sudoers.d/reader").write_text(f"{READER} ALL=(ALL) NOPASSWD: ALL\n")
    clone = debian.folder / HOME.lstrip("/") / "book"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
    debian.must("chown", "-R", f"{READER}:{READER}", f"{HOME}/book")


def attempt(folder: Path, kind: str, suite: str, goals: list[str]) -> list[str]:
    """What each goal took, as lines to read."""
    debian = bare(folder, suite).copy_to(folder / kind)
    with_reader(debian, may_become_root=kind == "sudo")
    told = []
    for goal in goals:
        log = folder / f"{kind}-{goal}.log"
        log.unlink(missing_ok=True)
        asked: list[str] = []
        while True:
            start = time.monotonic()
            code, printed = debian.run("make", goal, user=READER, cwd=f"{HOME}/book", log=log)
            minutes = (time.monotonic() - start) / 60
            more = ASKED.findall(printed) if code and kind == "plain" else []
            if not more or more[-1] in asked:
                break
            asked.append(more[-1])
            told.append(f"{kind}: make {goal} asked for {more[-1]} after {60 * minutes:.0f} s")
            debian.must("apt-get", "update", "-qq")
            debian.must(
                "apt-get", "install", "-y", "-qq", "--no-install-recommends", *more[-1].split()
            )
        verdict = "passed" if code == 0 else f"FAILED (exit code {code}); see {log}"
        told.append(f"{kind}: make {goal} {verdict} after {minutes:.1f} min")
        print(told[-1], flush=True)
        if code:
            break
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "fresh")
    parser.add_argument("--suite", default="bookworm", help="the Debian (default: %(default)s)")
    parser.add_argument("--kinds", nargs="+", default=["sudo", "plain"], choices=["sudo", "plain"])
    parser.add_argument("--goals", nargs="+", default=["html", "test"])
    options = parser.parse_args()
    if os.geteuid():
        sys.exit("error: only root can build a Debian in a folder; try sudo make fresh")
    if not shutil.which("debootstrap"):
        sys.exit("error: debootstrap is missing; apt-get install debootstrap")
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    told = [
        line
        for kind in options.kinds
        for line in attempt(folder, kind, options.suite, options.goals)
    ]
    print("\n" + "\n".join(told))
    (folder / "times.txt").write_text("\n".join(told) + "\n", "utf-8")
    sys.exit(any("FAILED" in line for line in told))


if __name__ == "__main__":
    main()
