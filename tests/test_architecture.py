"""The arrows between the parts of the code, and the rules of the house that a machine can check."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from setuptools import find_packages

ROOT = Path(__file__).resolve().parent.parent
APPLICATIONS = ("cluster", "tune", "serve", "benchmarks")
CODE = [path for root in ("metaart", *APPLICATIONS) for path in sorted((ROOT / root).rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))

ARROWS: dict[str, set[str]] = {
    "errors": set(),
    "files": {"errors"},
    "tasks": set(),
    "functional": {"tasks"},
    "networks": {"functional", "errors"},
    "score": {"errors", "functional"},
    "pictures": {"errors", "functional"},
    "style": {"networks", "functional", "pictures", "errors"},
    "algorithms": {"functional", "tasks", "errors"},
    "data": {"score", "pictures", "tasks", "files", "errors"},
    "domains": {"networks", "functional", "score", "pictures", "style", "data", "tasks", "errors"},
    "config": {"algorithms", "domains", "data", "errors"},
    "recipes": {"config", "algorithms", "domains", "data", "errors"},
    "build": {"config", "algorithms", "domains", "data"},
    "training": {"build", "config", "algorithms", "domains", "data", "tasks", "files", "errors"},
    "creation": {
        "training",
        "domains",
        "algorithms",
        "functional",
        "score",
        "pictures",
        "style",
        "tasks",
        "files",
        "errors",
    },
    "evaluation": {
        "creation",
        "training",
        "build",
        "domains",
        "algorithms",
        "data",
        "networks",
        "functional",
        "score",
        "pictures",
        "style",
        "tasks",
        "files",
        "errors",
    },
}
"""What a part of the library may import of it; what is not named here stands above these and may import them all."""

OUTSIDE = {
    "errors": set(),
    "files": set(),
    "tasks": {"torch"},
    "functional": {"torch"},
    "networks": {"torch", "safetensors"},
    "algorithms": {"torch"},
}
"""What the innermost parts may import beside the standard library."""

ALLOWED_APPLICATIONS = {
    "metaart": {"metaart"},
    "cluster": {"metaart", "cluster"},
    "tune": {"metaart", "cluster", "tune"},
    "serve": {"metaart", "serve"},
    "benchmarks": {"metaart", "benchmarks"},
}


def names(path: Path) -> list[str]:
    """Names of all modules that a file imports, wherever in it."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [entry.name for entry in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.append(node.module or "")
    return found


def part(path: Path) -> str:
    return path.relative_to(ROOT / "metaart").with_suffix("").parts[0]


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [path for path in CODE if path.is_relative_to(ROOT / "metaart")], ids=short)
def test_arrows_inside_the_library(path: Path) -> None:
    own = part(path)
    inside = {name.split(".")[1] for name in names(path) if name.startswith("metaart.")} - {own}
    if own in ARROWS:
        assert inside <= ARROWS[own]
    assert "cli" not in inside
    if own in OUTSIDE:
        outside = {name.split(".")[0] for name in names(path)} - {"metaart"} - set(sys.stdlib_module_names)
        assert outside <= OUTSIDE[own]


def test_the_arrows_have_no_way_back() -> None:
    settled: set[str] = set()
    for own, inside in ARROWS.items():
        assert inside <= settled or own == "recipes", own
        settled.add(own)
    assert all((ROOT / "metaart" / own).is_dir() or (ROOT / "metaart" / f"{own}.py").is_file() for own in ARROWS)


@pytest.mark.parametrize("path", CODE, ids=short)
def test_arrows_between_the_applications(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    ours = {name.split(".")[0] for name in names(path)} & set(ALLOWED_APPLICATIONS)
    assert ours <= ALLOWED_APPLICATIONS[own]


def test_the_library_knows_no_cluster() -> None:
    for path in CODE:
        if path.is_relative_to(ROOT / "metaart"):
            assert not {name.split(".")[0] for name in names(path)} & {"ray", "deepspeed", "fastapi"}, path


@pytest.mark.parametrize("path", [*CODE, *TESTS], ids=short)
def test_serve_is_never_imported_whole(path: Path) -> None:
    """After `from ray import serve`, `import serve.x` rebinds the name `serve`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not any(entry.name.split(".")[0] == "serve" for entry in node.names)


@pytest.mark.parametrize("path", [*CODE, *TESTS], ids=short)
def test_files_are_short_and_named_by_a_plain_word(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
    assert not {*path.parts, path.stem} & {"utils", "util", "common", "helpers", "helper", "misc"}


def test_tests_are_no_packages() -> None:
    assert [path for path in TESTS if path.name == "__init__.py"] == []


def public(tree: ast.Module) -> Iterator[ast.AST]:
    """The module, its public functions and classes, and their public methods."""
    yield tree
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            inside = node.body if isinstance(node, ast.ClassDef) else []
            for method in inside:
                if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and not method.name.startswith("_"):
                    yield method


@pytest.mark.parametrize("path", CODE, ids=short)
def test_public_things_say_what_they_do(path: Path) -> None:
    for node in public(ast.parse(path.read_text(encoding="utf-8"))):
        assert ast.get_docstring(node), getattr(node, "name", path.name)  # type: ignore[arg-type]


CALLS = {"print", "open", "set_num_threads", "manual_seed", "mkdir", "basicConfig", "init", "seed", "write_text"}


@pytest.mark.parametrize("path", CODE, ids=short)
def test_nothing_happens_at_import(path: Path) -> None:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.If) and "__main__" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        assert not isinstance(node, ast.For | ast.While | ast.With | ast.Try), ast.unparse(node)
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call):
                name = inner.func.attr if isinstance(inner.func, ast.Attribute) else getattr(inner.func, "id", "")
                assert name not in CALLS, ast.unparse(node)


def test_importing_the_command_line_is_light_and_silent() -> None:
    """`metaart --help` must not wait for PyTorch, let alone draw, write or start anything."""
    asked = "import sys, metaart.cli; print([m for m in ('torch', 'music21', 'ray', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"
    assert done.stderr == ""


def test_only_the_library_is_installed() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = find_packages(str(ROOT), **project["tool"]["setuptools"]["packages"]["find"])
    assert {package.split(".")[0] for package in found} == {"metaart"}
    assert {"metaart.algorithms", "metaart.domains", "metaart.training"} <= set(found)
    assert set(project["project"]["scripts"]) == {"metaart"}
