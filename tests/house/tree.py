"""The tree of files as the house's own tests read it: Python by ast, the rest as text."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
# What tools, set-up and the desk itself leave beside what is ours.
NOT_OURS = {".git", ".venv", "instance", "vendor", "__pycache__", "test-results", ".hypothesis"}


class Module(NamedTuple):
    """One Python file: where it lies ("app/web/sales.py"), its text and its syntax tree."""

    path: str
    source: str
    tree: ast.Module

    @property
    def names(self) -> list[str]:
        """Return its folders and its own name."""
        return self.path.removesuffix(".py").split("/")

    @property
    def floor(self) -> str:
        """Return the floor of the house it stands on: "web" of app/web/sales.py, "db" of app/db.py."""
        return self.names[1]

    def nodes(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """Yield its nodes of these kinds."""
        return (node for node in ast.walk(self.tree) if isinstance(node, kinds))

    def at(self, node: ast.AST) -> str:
        """Say where a node stands."""
        return f"{self.path}:{node.lineno}"  # type: ignore[attr-defined]


def modules(folder: str) -> list[Module]:
    """Return the Python files below a folder of the root."""
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        source = path.read_text()
        found.append(Module(path.relative_to(ROOT).as_posix(), source, ast.parse(source)))
    return found


def imported(node: ast.AST) -> set[str]:
    """Return the modules that an import statement names."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    return {node.module or ""} if isinstance(node, ast.ImportFrom) else set()


def files() -> Iterator[tuple[str, str]]:
    """Yield (path, text) of every text file that is ours."""
    for folder, inside, names in os.walk(ROOT):
        inside[:] = sorted(name for name in inside if name not in NOT_OURS and not name.endswith("_cache"))
        for path in (Path(folder, n) for n in sorted(names) if n != ".git" and not n.startswith(".coverage")):
            try:
                yield path.relative_to(ROOT).as_posix(), path.read_text()
            except UnicodeDecodeError:
                continue


def templates() -> list[tuple[str, str]]:
    """Return (name, text) of every template."""
    return [(p.relative_to(TEMPLATES).as_posix(), p.read_text()) for p in sorted(TEMPLATES.rglob("*.html"))]
