"""The modules of the package import one another in one direction only."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
while not (ROOT / "bindings-python").is_dir():
    ROOT = ROOT.parent
PACKAGE = ROOT / "bindings-python" / "python" / "tenon_mcp"


def modules(folder):
    """The modules of a package by their names, relative to the package. `_native` has a stub only."""
    found = {}
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.pyi")]):
        parts = path.relative_to(folder).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name, path, known):
    """The modules that a module imports: at the top, inside of functions, and for type checkers only."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "tenon_mcp":
                    yield alias.name.partition(".")[2]
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                parents = package.split(".") if package else []
                base = parents[: len(parents) - node.level + 1]
                source = ".".join([*base, *([source] if source else [])])
            elif source.split(".")[0] == "tenon_mcp":
                source = source.partition(".")[2]
            else:
                continue
            for alias in node.names:
                # `from . import log` imports a module, `from .log import level` a name of it.
                inner = f"{source}.{alias.name}" if source else alias.name
                yield inner if inner in known else source


def graph(folder):
    known = modules(folder)
    return {name: set(imports(name, path, known)) & known.keys() for name, path in known.items()}


def circle(edges):
    """The path of a circle, with its first module again at the end; empty if there is none."""
    finished, path = set(), []

    def visit(name):
        if name in path:
            return [*path[path.index(name) :], name]
        if name in finished:
            return []
        path.append(name)
        for other in sorted(edges[name]):
            if found := visit(other):
                return found
        finished.add(path.pop())
        return []

    for name in sorted(edges):
        if found := visit(name):
            return found
    return []


def test_no_module_imports_itself_through_others():
    edges = graph(PACKAGE)
    assert {"", "server", "_native", "_schema.types.builder"} <= edges.keys()
    # The test would find nothing if it could not read imports.
    assert "_schema.types.builder" in edges["_schema.parameters"]
    assert not edges["_native"]
    found = circle(edges)
    assert not found, "modules import one another: " + " -> ".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "from . import b",
        "from .b import x",
        "def f():\n    from .b import x",
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from .b import x",
        "import tenon_mcp.b",
        "from tenon_mcp import b",
        "from .inner import c",
    ],
)
def test_every_kind_of_import_is_seen(tmp_path, source):
    (tmp_path / "inner").mkdir()
    (tmp_path / "__init__.py").write_text("from .a import f")
    (tmp_path / "a.py").write_text(source)
    (tmp_path / "b.py").write_text("from .a import f")
    (tmp_path / "inner" / "__init__.py").write_text("")
    (tmp_path / "inner" / "c.py").write_text("from ..b import x")
    found = circle(graph(tmp_path))
    assert found[0] == found[-1] and {"a", "b"} <= set(found)
