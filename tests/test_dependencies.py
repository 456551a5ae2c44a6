"""What the package imports is declared, and what is declared is imported."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
MODULES = {"scikit-learn": "sklearn", "mlflow-skinny": "mlflow"}  # distributions whose module has another name
LOADED = {"s3fs", "gcsfs", "adlfs", "psycopg"}  # by fsspec and SQLAlchemy, by the scheme of an address
BROUGHT = {
    "pydantic_core": "pydantic",
    "requests": "comet_ml",  # to recognise the errors of its client
    "pytest": "whoever runs a contract suite",
    "mltrain": "us",
}


def _imported() -> Iterator[str]:
    """Yield the name of every package that a module of ours imports, anywhere in its text."""
    for path in (ROOT / "mltrain").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield str(node.module)


def test_declared_is_what_is_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    texts = [*project["dependencies"], *(text for name in extras if name != "all" for text in extras[name])]
    names = [re.split(r"[<>=\[]", text)[0] for text in texts]
    declared = {MODULES.get(name, name).partition(".")[0] for name in names} - LOADED

    imported = {name.partition(".")[0] for name in _imported()} - sys.stdlib_module_names - set(BROUGHT)

    assert imported == declared
