"""What holds the repository together: pins, the table of slides, links that a fork need not edit."""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from itertools import chain
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "_ext")]

import content_security  # noqa: E402
import lock  # noqa: E402
import package  # noqa: E402
from book_site import polish, repository, stack  # noqa: E402
from page_fonts import used_icons  # noqa: E402

import binder  # noqa: E402

STORY = [
    "features", "claims", "identity", "abs", "arithmetic", "min", "blocks", "watershed", "experiments",
    "traps", "learning", "detection", "reading", "stranger", "proof", "mystery", "superposition",
    "universality", "functions", "depth", "smooth", "conclusions",
]  # fmt: skip
NOTEBOOKS = ["index.ipynb", *sorted(f"chapters/{p.name}" for p in ROOT.glob("chapters/*.ipynb"))]
NO_GIT = Path("/")  # a folder without a repository


# --- pins --------------------------------------------------------------------------------------


def test_the_lock_names_no_host_and_nothing_for_one_kind_of_machine_alone():
    text = lock.LOCK.read_text("utf-8")
    assert "://" not in text
    assert "--" not in text.replace("# ", "")
    assert not re.search(r"^(nvidia|triton|cuda)", text, re.MULTILINE)
    assert re.search(r"^torch==[\d.]+(\s|$)", text, re.MULTILINE)


def test_the_lock_pins_everything_that_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    names = {re.match(r"[\w-]+", line)[0].lower() for line in asked}
    assert names - {project["name"]} - set(lock.pins(lock.LOCK.read_text("utf-8"))) == set()


def test_the_lock_has_a_version_for_the_python_of_debian_12():
    text = lock.LOCK.read_text("utf-8")
    old, new = (lock.pins(text, python) for python in ("3.11.2", "3.11.14"))
    assert old["soupsieve"] == "2.10"  # the newer ones need Python 3.11.5
    assert new["soupsieve"] > old["soupsieve"]
    assert old.keys() == new.keys()


def test_every_place_tells_the_same_range_of_pythons():
    project = lock.PROJECT.read_text("utf-8")
    oldest, *minors = lock.pythons(project)
    assert (oldest, minors) == ("3.11.2", ["3.11", "3.12", "3.13", "3.14"])
    classified = re.findall(r'Python :: (3\.\d+)"', project)
    assert classified == minors
    bootstrap = (ROOT / "scripts" / "bootstrap.sh").read_text("utf-8")
    assert "(3, 11, 2) <= sys.version_info < (3, 15)" in bootstrap
    assert f"expected Python {oldest} to {minors[-1]}" in bootstrap


def test_what_is_published_is_the_package_and_nothing_that_needs_more(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (sdist,), (wheel,) = tmp_path.glob("*.tar.gz"), tmp_path.glob("*.whl")
    with tarfile.open(sdist) as archive:
        shipped = {name.split("/", 1)[1] for name in archive.getnames()}
    package = {name for name in shipped if name.startswith("circuitkit/")}
    assert shipped - package == {
        ".gitignore", "CITATION.cff", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml",
    }  # fmt: skip
    with zipfile.ZipFile(wheel) as archive:
        installed = set(archive.namelist())
    assert package == {name for name in installed if ".dist-info/" not in name}
    assert [name for name in installed - package if "LICENSE" in name] == [
        f"{wheel.name.rsplit('-', 3)[0]}.dist-info/licenses/LICENSE"
    ]
    tracked = subprocess.run(
        ["git", "ls-files", "circuitkit"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert package >= set(tracked.split())


def test_binder_installs_the_versions_of_the_lock():
    versions = lock.pins(lock.LOCK.read_text("utf-8"))
    dependencies = yaml.safe_load(lock.BINDER.read_text("utf-8"))["dependencies"]
    conda = [d for d in dependencies if isinstance(d, str) and "=" in d]
    pip = next(d["pip"] for d in dependencies if isinstance(d, dict))
    told = dict(re.split("==?", line) for line in [*conda, *pip])
    assert told.pop("python") == "3.11"
    assert told == {name: versions[lock.CONDA_NAMES.get(name, name)] for name in told}


def test_binder_brings_the_package_that_trains_and_jupyterlab_and_no_more():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [
        *project["dependencies"],
        *chain(*(extras[n] for n in ("exact", "sklearn", "train", "torch"))),
    ]
    needed = {re.match(r"[\w-]+", line)[0].lower() for line in asked}
    brought = {line.split("==")[0] for line in binder.requirements(lock.BINDER.read_text("utf-8"))}
    assert brought == needed | {"ipykernel", "ipywidgets", "jupyterlab", "jupyterlab-myst"}


def test_binder_starts_with_the_processor_that_it_compiled_for():
    for script in ("postBuild", "start"):
        assert "export NUMBA_CPU_NAME=generic\n" in (ROOT / "binder" / script).read_text("utf-8")


def test_refreshing_rewrites_binder_but_leaves_python_and_notes_alone():
    old = "# note\n  - python=3.11\n  - pytorch-cpu=2.0.0\n  - pip:\n      - tqdm==4.0\n"
    new = lock.binder_with(old, {"torch": "2.13.0", "tqdm": "4.70.1"})
    assert (
        new == "# note\n  - python=3.11\n  - pytorch-cpu=2.13.0\n  - pip:\n      - tqdm==4.70.1\n"
    )


@pytest.mark.parametrize("module", [binder, lock, sys.modules["page_fonts"], content_security])
def test_the_examples_in_the_scripts_hold(module):
    assert doctest.testmod(module).failed == 0


def test_every_action_is_pinned_by_its_commit():
    for workflow in (ROOT / ".github" / "workflows").glob("*.yml"):
        uses = re.findall(r"uses: (\S+)", workflow.read_text("utf-8"))
        assert uses
        assert [use for use in uses if not re.search(r"@[0-9a-f]{40}$", use)] == []


WORKFLOWS = {
    p.stem: yaml.safe_load(p.read_text("utf-8"))
    for p in (ROOT / ".github" / "workflows").glob("*.yml")
}
#: workflow -> job -> what it may write; all others only read the repository
MAY_WRITE = {
    "book": {
        "publish": {"pages": "write", "id-token": "write"},
        "colab": {"contents": "write"},
    },
    "release": {"publish": {"id-token": "write"}},
    "weekly": {"tell": {"issues": "write"}},
}


@pytest.mark.parametrize("workflow", sorted(WORKFLOWS))
def test_a_job_may_do_what_it_must_and_no_more(workflow):
    told = WORKFLOWS[workflow]
    assert told["permissions"] == {}
    may_write = MAY_WRITE[workflow]
    assert set(may_write) <= set(told["jobs"])
    for name, job in told["jobs"].items():
        assert job["permissions"] == may_write.get(name, {"contents": "read"}), name
        assert job["timeout-minutes"] <= 180, name
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name
            # What others can choose, a branch's name for one, never becomes a part of a command.
            assert not re.search(r"\$\{\{ *(github|inputs)\b", step.get("run", "")), name
        # What may write runs nothing of the repository, or only what has passed on main.
        if name in may_write and workflow == "book":
            assert job["if"] == "github.ref == 'refs/heads/main'"
            assert job["needs"] == "test"
        elif name in may_write:
            assert not [s for s in job["steps"] if "checkout" in s.get("uses", "")]
            assert "needs" in job


def test_every_promised_python_is_tried():
    """3.11's oldest on a bare Debian 12, by the job of that name."""
    jobs = WORKFLOWS["book"]["jobs"]
    tried = {
        step["with"]["python-version"]
        for step in jobs["test"]["steps"]
        if "with" in step and "python-version" in step["with"]
    }
    tried |= {row["python"] for row in jobs["versions"]["strategy"]["matrix"]["include"]}
    assert "make fresh" in jobs["oldest"]["steps"][-1]["run"]
    _, *minors = lock.pythons(lock.PROJECT.read_text("utf-8"))
    assert tried == set(minors)


def test_once_a_week_links_and_the_newest_versions_are_tried_and_a_failure_is_told():
    weekly = WORKFLOWS["weekly"]
    assert weekly[True]["schedule"]  # YAML reads "on" as true
    commands = " ".join(s.get("run", "") for job in weekly["jobs"].values() for s in job["steps"])
    for command in ("make links", "make lock", "make lint unit html", "gh issue create"):
        assert command in commands
    tell = weekly["jobs"]["tell"]
    assert set(tell["needs"]) == set(weekly["jobs"]) - {"tell"}
    # A job beyond its time is cancelled; one that needs a job which did not succeed is not begun by itself.
    asked = re.findall(r"contains\(needs\.\*\.result, '(\w+)'\)", tell["if"])
    assert set(asked) == {"failure", "cancelled"}
    assert "always() && (" in tell["if"]
    told = tell["steps"][0]["env"]
    assert {f"${{{{ needs.{job}.result }}}}" for job in tell["needs"]} <= set(told.values())


def test_what_is_said_of_the_workflow_is_what_it_does():
    when = WORKFLOWS["book"][True]
    assert when["push"]["branches"] == ["main"]
    assert "pull_request" in when
    text = " ".join((ROOT / "CONTRIBUTING.md").read_text("utf-8").split())
    assert "`.github/workflows/book.yml` tests every pull request and every push to `main`" in text
    for name in ("README.md", "CONTRIBUTING.md"):
        assert "every push and" not in (ROOT / name).read_text("utf-8")
        assert "on every push" not in (ROOT / name).read_text("utf-8")


def test_what_a_tag_publishes_was_tried_and_needs_no_password():
    jobs = WORKFLOWS["release"]["jobs"]
    assert "make package" in " ".join(s.get("run", "") for s in jobs["build"]["steps"])
    assert jobs["publish"]["needs"] == "build"
    assert jobs["publish"]["environment"] == "release"
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    assert "secrets." not in text
    assert "password:" not in text


def test_what_is_built_is_checked_by_a_twine_that_reads_what_hatchling_writes(
    monkeypatch, tmp_path
):
    """Metadata 2.5: hatchling from 1.32 writes it, twine from 7 and the action from 1.14.2 read it."""
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    told = re.search(r"gh-action-pypi-publish@\w{40}  # v(\d+)\.(\d+)\.(\d+)$", text, re.MULTILINE)
    assert told
    assert tuple(map(int, told.groups())) >= (1, 14, 2)
    versions = lock.pins(lock.LOCK.read_text("utf-8"))
    assert int(versions["twine"].split(".")[0]) >= 7

    monkeypatch.setattr(package, "DIST", tmp_path / "dist")
    monkeypatch.setattr(package, "PLACE", tmp_path / "place")
    asked = []

    def run(command, cwd):
        """As if hatchling had built something."""
        asked.append(command[1:])
        package.DIST.mkdir(exist_ok=True)
        if command[-1] == "sdist":
            (tmp_path / "a-1").mkdir()
            with tarfile.open(package.DIST / "a-1.tar.gz", "w:gz") as archive:
                archive.add(tmp_path / "a-1", "a-1")
        elif command[-1] == "wheel":
            (package.DIST / "a-1-py3-none-any.whl").touch()

    monkeypatch.setattr(package, "run", run)
    built = package.build()
    assert asked[-1] == ["-m", "twine", "check", "--strict", *map(str, built)]


def test_dependabot_moves_the_actions():
    told = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text("utf-8"))
    assert {u["package-ecosystem"] for u in told["updates"]} == {"github-actions", "pip"}


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob(".github/ISSUE_TEMPLATE/[!c]*.yml")), ids=lambda p: p.stem
)
def test_an_issue_form_asks_for_what_its_readers_need(path):
    form = yaml.safe_load(path.read_text("utf-8"))
    assert form["name"]
    assert form["description"]
    assert any(field["validations"]["required"] for field in form["body"] if "validations" in field)


def test_the_container_installs_by_the_commands_of_the_makefile():
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8")
    told = json.loads(re.sub(r"^//.*$", "", text, flags=re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text("utf-8")
    command, *goals = told["postCreateCommand"].split()
    assert command == "make"
    assert [g for g in goals if f"\n{g}:" not in makefile] == []


def test_the_version_is_semantic_and_the_changelog_has_it():
    import circuitkit

    assert re.fullmatch(r"\d+\.\d+\.\d+", circuitkit.__version__)
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest = re.search(r"^## (\S+?)(,|$| )", changelog, re.MULTILINE)
    assert newest
    assert newest[1] == circuitkit.__version__


def test_colab_installs_the_very_commit_that_built_the_book(tmp_path):
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    command = [sys.executable, str(ROOT / "scripts" / "colab.py")]
    folder = tmp_path / "notebooks"
    subprocess.run([*command, ROOT.as_uri(), commit, str(folder)], check=True)
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*.ipynb")} == set(NOTEBOOKS)
    notebook = json.loads((folder / "chapters" / "min.ipynb").read_text("utf-8"))
    assert (
        notebook["cells"][1:] == json.loads((ROOT / "chapters" / "min.ipynb").read_text())["cells"]
    )

    # A Python with a pip that only writes down what it is asked for.
    venv.create(tmp_path / "venv", with_pip=False)
    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (packages / "pip.py").write_text("import sys; open('asked.txt', 'w').write(str(sys.argv[1:]))")
    cell = "".join(notebook["cells"][0]["source"])

    def where(source: str) -> str:
        """The folder in which a session stands that has executed this."""
        told = subprocess.run(
            [str(tmp_path / "venv" / "bin" / "python"), "-c", source + "\nprint(os.getcwd())"],
            cwd=tmp_path, capture_output=True, text=True,
            env={n: v for n, v in os.environ.items() if n != "PYTHONPATH"},
        )  # fmt: skip
        assert told.returncode == 0, told.stderr
        return told.stdout.strip()

    chapters = str(tmp_path / "book" / "chapters")
    assert where(cell) == chapters
    asked = (tmp_path / "asked.txt").read_text()
    assert asked == "['install', '--quiet', './book[sklearn,train,torch]']"
    assert (tmp_path / "book" / ".git" / "FETCH_HEAD").read_text().startswith(commit)
    # Executed twice, and in a session that began anew, where the package is there already.
    (packages / "circuitkit.py").touch()
    (tmp_path / "asked.txt").unlink()
    assert where(cell) == where(cell + "\n" + cell) == chapters
    assert not (tmp_path / "asked.txt").exists()
    for wrong in ["http://example.org/a", "https://example.org/'); import os #"]:
        assert subprocess.run([*command, wrong, commit, "x"], capture_output=True).returncode == 2


# --- the book ----------------------------------------------------------------------------------


def test_the_table_of_contents_tells_the_story_in_order_and_leaves_nothing_out():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    listed = [
        page["file"]
        for part in toc["parts"]
        for entry in part["chapters"]
        for page in (entry, *entry.get("sections", []))
    ]
    assert [Path(name).name for name in listed if Path(name).name in STORY] == STORY
    pages = [p for folder in ("chapters", "reference") for p in (ROOT / folder).glob("*.*")]
    written = {str(p.relative_to(ROOT).with_suffix("")) for p in pages if p.suffix != ".txt"}
    assert set(listed) == written


def test_every_slide_of_the_deck_has_its_place():
    slides = (ROOT / "reference" / "slides.txt").read_text("utf-8").splitlines()
    table = (ROOT / "reference" / "deck.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+) \|$", table, re.MULTILINE)
    assert [title for _, title, _ in rows] == slides
    assert [int(number) for number, _, _ in rows] == list(range(1, len(slides) + 1))
    for _, title, places in rows:
        links = re.findall(r"\[[^]]*\]\(\.\./([^)#]+)(?:#[^)]*)?\)", places)
        assert links, f"no place for {title!r}"
        assert [link for link in links if not (ROOT / link).is_file()] == []


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_every_figure_and_every_notebook_is_in_order(path):
    notebook = json.loads((ROOT / path).read_text("utf-8"))
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    for cell in notebook["cells"]:
        told = cell["metadata"].get("mystnb", {})
        if "figure" in told:
            assert told["image"]["alt"].strip(), told["figure"]
            assert told["figure"]["caption"].strip(), told["figure"]
            assert told["figure"]["name"].startswith("fig-"), told["figure"]


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_a_notebook_leads_on_by_links_that_jupyterlab_follows_too(path):
    """A role of Sphinx to another page is a dead link there; a link with a file's name opens the file."""
    text = "\n".join(cell_sources(path))
    assert (
        re.findall(
            r"\{(?:doc|term|ref|numref|any|cite(?::\w+)?|py:\w+|meth|func|class|mod)\}`[^`]*`", text
        )
        == []
    )
    for said, address in re.findall(r"(?<!!)\[([^]]*)\]\(([^)\s]+)\)", text):
        file, _, name = address.partition("#")
        if re.match(r"https?:", address):
            continue
        assert file, f"{address}: only what is named with its file is found in JupyterLab"
        leads_to = (ROOT / path).parent / file
        assert leads_to.is_file(), address
        # A page that is named by its title has the title that it has now.
        if not name and said[0].isupper() and said != "Begin with one unit":
            assert said == page_title(leads_to), address


@pytest.mark.parametrize(
    "path",
    [p.relative_to(ROOT) for part in ("chapters", "reference") for p in (ROOT / part).glob("*.md")],
    ids=str,
)
def test_a_page_of_text_names_others_by_links_that_jupyterlab_follows_too(path):
    text = (ROOT / path).read_text("utf-8")
    assert re.findall(r"\{(?:doc|ref|numref)\}`[^`]*`", text) == []
    for said, address in re.findall(r"\[([^]]+)\]\(([^)\s#]+\.(?:ipynb|md))\)", text):
        leads_to = (ROOT / path).parent / address
        assert leads_to.is_file(), address
        if said[0].isupper():
            assert said == page_title(leads_to), address


def cell_sources(path: str | Path) -> list[str]:
    return ["".join(c["source"]) for c in json.loads((ROOT / path).read_text("utf-8"))["cells"]]


def page_title(path: Path) -> str:
    texts = cell_sources(path) if path.suffix == ".ipynb" else [path.read_text("utf-8")]
    found = re.search(r"^# (.*)$", texts[0], re.MULTILINE)
    assert found, path
    return found[1]


def test_works_in_the_bibliography_have_unique_keys():
    keys = re.findall(r"^@\w+\{([^,]+),", (ROOT / "references.bib").read_text("utf-8"), re.M)
    assert len(keys) == len(set(keys)) > 20


# --- pages -------------------------------------------------------------------------------------


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    "remote",
    [
        "https://github.com/someone/circuits.git",
        "https://token@github.com/someone/circuits",
        "git@github.com:someone/circuits.git",
        "ssh://git@github.com/someone/circuits",
    ],
)
def test_links_lead_to_the_remote_of_a_clone(tmp_path, remote):
    git(tmp_path, "init", "--initial-branch=draft")
    git(tmp_path, "remote", "add", "origin", remote)
    assert repository({}, tmp_path) == ("https://github.com/someone/circuits", "draft")


def test_links_lead_to_the_repository_whose_workflow_builds():
    environ = {
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "fork/circuits",
        "GITHUB_REF_NAME": "main",
    }
    assert repository(environ, NO_GIT) == ("https://github.com/fork/circuits", "main")
    pull_request = {**environ, "GITHUB_REF_NAME": "12/merge"}
    assert repository(pull_request, NO_GIT) == ("https://github.com/fork/circuits", "main")


@pytest.mark.parametrize("remote", ["/srv/git/circuits", "https://example.org/a/b.git"])
def test_no_links_where_no_known_host_has_the_book(tmp_path, remote):
    git(tmp_path, "init")
    assert repository({}, tmp_path) is None
    git(tmp_path, "remote", "add", "origin", remote)
    assert repository({}, tmp_path) is None


def test_pages_lose_the_icon_script_and_the_second_search_bar():
    page = (
        '<script defer src="_static/scripts/fontawesome.js?digest=1"></script>\n'
        '<header id="pst-header" class="bd-header"><button>Search</button></header><p>text</p>'
    )
    assert polish(page) == '<header id="pst-header" class="bd-header" hidden></header><p>text</p>'


def test_panels_side_by_side_stand_one_below_the_other_on_a_phone(tmp_path):
    (tmp_path / "two.svg").write_text('<svg width="80pt" viewBox="0 0 80.0 30.0"></svg>')
    html = '<figure class="align-default stack-2" id="fig-a">\n<img alt="Two." src="two.svg" /></figure>'
    shown = BeautifulSoup(stack(html, tmp_path), "html.parser").find_all("img")
    assert [image["class"] for image in shown] == [["stack-whole"], ["stack-part"], ["stack-part"]]
    assert [image["alt"] for image in shown] == ["Two.", "Part 1 of 2. Two.", "Part 2 of 2. Two."]
    assert [image.get("style") for image in shown[1:]] == [
        "aspect-ratio:40.0/30.0;object-position:0% 0",
        "aspect-ratio:40.0/30.0;object-position:100% 0",
    ]
    assert stack(html.replace("stack-2", "other"), tmp_path).count("<img") == 1


def test_the_corner_of_a_data_frame_is_no_heading():
    assert polish("<th></th><th>rate</th>") == "<td></td><th>rate</th>"
    assert polish('<th class="blank level0" >&nbsp;</th>') == "<td></td>"
    assert polish('<th colspan="2" halign="left"></th>') == '<td colspan="2"></td>'


def test_icons_that_another_rule_shows_are_kept():
    css = '.fa-car:before{content:"\\f1b9"}.note:before{content:"\\f05a"}'
    assert used_icons(css, set()) == ('.note:before{content:"\\f05a"}', {0xF05A})


# --- what a newcomer reads ---------------------------------------------------------------------


def test_the_snippet_in_the_readme_prints_what_it_says():
    readme = (ROOT / "README.md").read_text("utf-8")
    snippets = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert snippets
    for snippet in snippets:
        test = doctest.DocTestParser().get_doctest(snippet, {}, "README.md", "README.md", 0)
        assert test.examples
        assert doctest.DocTestRunner().run(test).failed == 0


def test_help_names_every_command_that_contributing_names():
    told = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    for text in ("README.md", "CONTRIBUTING.md"):
        for command in re.findall(r"`make ([a-z]+)", (ROOT / text).read_text("utf-8")):
            assert f"make {command}" in told


def test_the_citation_names_this_version_and_no_invented_person():
    import circuitkit

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == circuitkit.__version__
    assert citation["authors"] == [{"name": "The circuitkit contributors"}]
