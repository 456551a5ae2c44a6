"""Documentation that is executed: commands run, options exist, links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from mltrain.cli import app, with_command_first

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
FASTER = ("--budget 60s", "--budget 10s")  # the same commands, with less time to search
SLOW = (
    "asof",
    "comet",
    "first-champion",
    "own-data",
    "reproduce",
    "warehouses-and-lakes",
)  # other pages and tests of `make test` tell the same stories

_EXECUTED = re.compile(r"<!-- executed by tests/test_docs\.py -->\n```bash\n(.*?)```", re.DOTALL)
_FILE = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
_BLOCK = re.compile(r"```(?:bash|sh|console)\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#]+)")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _command_lines(page: Path) -> list[list[str]]:
    """Return the words of every mltrain command that a page shows in a block."""
    lines = "\n".join(_BLOCK.findall(page.read_text("utf-8"))).replace("\\\n", " ").splitlines()
    split = [shlex.split(line.removeprefix("$ "), comments=True) for line in lines if "mltrain" in line]
    return [words[1:] for words in split if words and words[0] == "mltrain"]


@pytest.mark.parametrize("page", [p for p in PAGES if _command_lines(p)], ids=_name)
def test_every_command_shown_can_be_typed(page: Path) -> None:
    for shown in _command_lines(page):
        words = with_command_first(shown)
        command = get_command(app)
        while hasattr(command, "commands") and words and not words[0].startswith("-"):
            assert words[0] in command.commands, shown
            command = command.commands[words.pop(0)]

        if "--help" not in words and words != ["--version"]:
            command.make_context("mltrain", words)  # raises where an option or argument does not exist


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(p, id=_name(p), marks=[pytest.mark.slow] if p.stem in SLOW else [])
        for p in PAGES
        if _EXECUTED.search(p.read_text("utf-8"))
    ],
)
def test_the_story_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("COMET_", "MLFLOW_"))}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["HOME"] = str(tmp_path)
    workspace = tmp_path / "work"
    workspace.mkdir()
    for name, text in _FILE.findall(page.read_text("utf-8")):
        (workspace / name).write_text(text, "utf-8")

    for command in "".join(_EXECUTED.findall(page.read_text("utf-8"))).replace(*FASTER).splitlines():
        ended = subprocess.run(
            ["bash", "-c", command],
            cwd=workspace,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

        assert ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
        assert ended.stdout.strip(), command

    assert list(workspace.glob("runs/*/evaluation/model_card.md"))
    assert (workspace / "registry").is_dir()


@pytest.mark.parametrize("page", [p for p in PAGES if "<!-- file: pyproject.toml" in p.read_text("utf-8")], ids=_name)
def test_the_package_of_a_page_passes_its_own_tests(page: Path, tmp_path: Path) -> None:
    shown = dict(_FILE.findall(page.read_text("utf-8")))
    for name, text in shown.items():
        (tmp_path / name).write_text(text, "utf-8")
    if "build-system" in tomllib.loads(shown["pyproject.toml"]):
        _install(tmp_path)
    else:
        _pretend_to_install(tmp_path)

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout
    assert " passed" in ended.stdout


def _install(folder: Path) -> None:
    """Build the package of a page, without a network, and replace its sources by what pip installs."""
    build = "from hatchling.build import build_wheel; build_wheel('wheels')"
    subprocess.run([sys.executable, "-c", build], cwd=folder, check=True, capture_output=True)
    (wheel,) = (folder / "wheels").glob("*.whl")
    for source in folder.glob("mltrain_*.py"):
        source.unlink()
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(folder)]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)


def _pretend_to_install(folder: Path) -> None:
    """Make the entry points of a page known, at a fraction of the time."""
    [(group, points)] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"].items()
    installed = folder / "shown-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: shown\nVersion: 1.0\n")
    lines = [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (installed / "entry_points.txt").write_text("\n".join(lines))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = _LINK.findall(page.read_text("utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_page_is_on_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    pages = [p.relative_to(ROOT / "docs").as_posix() for p in (ROOT / "docs").rglob("*.md")]

    assert [page for page in pages if page != "index.md" and f"({page})" not in index] == []


def test_decisions_are_numbered_without_gaps_and_at_most_a_page() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))

    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    assert all(len(path.read_text("utf-8").split()) <= 500 for path in decisions)
