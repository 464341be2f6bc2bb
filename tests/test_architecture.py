"""The arrows between the parts of the code, and the rules of the house that a machine can check."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

from setuptools import find_packages

from metaart.arts import ARTS as REGISTERED

ROOT = Path(__file__).resolve().parent.parent
CALLS = {"print", "open", "set_num_threads", "manual_seed", "mkdir", "basicConfig", "init", "seed", "write_text"}
"""What no module calls when it is imported."""
VAGUE = {"utils", "util", "common", "helpers", "helper", "misc"}
APPLICATIONS = ("cluster", "tune", "serve", "benchmarks")
CODE = [path for root in ("metaart", *APPLICATIONS) for path in sorted((ROOT / root).rglob("*.py"))]
LIBRARY = [path for path in CODE if path.is_relative_to(ROOT / "metaart")]
TESTS = sorted((ROOT / "tests").rglob("*.py"))

ARROWS: dict[str, set[str]] = {
    "errors": set(),
    "files": {"errors"},
    "fields": set(),
    "options": {"fields", "errors"},
    "tasks": set(),
    "functional": {"tasks"},
    "networks": {"functional", "errors"},
    "formats": {"functional", "errors"},
    "sequences": {"functional", "tasks", "errors"},
    "algorithms": {"functional", "tasks", "options", "errors"},
    "data": {"formats", "tasks", "options", "files", "errors"},
    "domains": {"networks", "functional", "formats", "sequences", "data", "tasks", "options", "errors"},
    "old_runs": set(),
    "config": {"old_runs", "algorithms", "domains", "data", "options", "errors"},
    "recipes": {"config", "algorithms", "domains", "data", "errors"},
    "build": {"config", "algorithms", "domains", "data"},
    "training": {"build", "config", "algorithms", "domains", "data", "tasks", "files", "errors"},
    "artists": {"training", "config", "algorithms", "domains", "formats", "tasks", "options", "files", "errors"},
    "evaluation": {
        "artists",
        "training",
        "build",
        "config",
        "algorithms",
        "domains",
        "data",
        "tasks",
        "options",
        "files",
        "errors",
    },
    "arts": {
        "evaluation",
        "artists",
        "training",
        "build",
        "config",
        "algorithms",
        "domains",
        "data",
        "sequences",
        "formats",
        "networks",
        "functional",
        "tasks",
        "options",
        "files",
        "errors",
    },
}
"""What a part of the library may import of it; what is not named here stands above these and may import them all."""

SHARED = {"domains": {"base", "viewing"}, "arts": {"judging"}}
"""What the arts have in common, in either of their two folders; beside that no art knows of another."""

OUTSIDE = {
    "errors": set(),
    "files": set(),
    "fields": {"pydantic", "pydantic_core"},
    "options": {"pydantic", "pydantic_core"},
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


ARTS = {name: art for name, art in REGISTERED.items() if (ROOT / "metaart/arts" / name).is_dir()}
"""Those of the package; tests register one of their own."""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def names(path: Path) -> list[str]:
    """Names of all modules that a file imports, wherever in it."""
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found += [entry.name for entry in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.append(node.module or "")
    return found


def part(path: Path) -> str:
    return path.relative_to(ROOT / "metaart").with_suffix("").parts[0]


def held(paths: list[Path], broken: Callable[[Path], Iterable[object]]) -> None:
    """Check a rule in all these files, and name every place where it is broken."""
    found = {str(path.relative_to(ROOT)): list(broken(path)) for path in paths}
    assert {path: breaches for path, breaches in found.items() if breaches} == {}


def test_arrows_inside_the_library() -> None:
    def broken(path: Path) -> set[str]:
        own = part(path)
        inside = {name.split(".")[1] for name in names(path) if name.startswith("metaart.")} - {own}
        wrong = inside - ARROWS.get(own, inside) | inside & {"cli"}
        if own in OUTSIDE:
            outside = {name.split(".")[0] for name in names(path)} - {"metaart"} - set(sys.stdlib_module_names)
            wrong |= outside - OUTSIDE[own]
        return wrong

    held(LIBRARY, broken)


def test_the_arrows_have_no_way_back() -> None:
    settled: set[str] = set()
    for own, inside in ARROWS.items():
        assert inside <= settled or own == "recipes", own
        settled.add(own)
    assert all((ROOT / "metaart" / own).is_dir() or (ROOT / "metaart" / f"{own}.py").is_file() for own in ARROWS)


def test_no_art_knows_of_another() -> None:
    def broken(path: Path) -> set[str]:
        layer, own, *_ = path.relative_to(ROOT / "metaart").parts
        others = {name.split(".")[2] for name in names(path) if name.startswith(f"metaart.{layer}.")}
        return others - {own} - SHARED[layer]

    for layer in SHARED:
        arts = {path.parent.name for path in (ROOT / "metaart" / layer).glob("*/__init__.py")} - SHARED[layer]
        assert arts == set(ARTS)
        held(
            [path for path in LIBRARY if path.is_relative_to(ROOT / "metaart" / layer) and path.parent.name in arts],
            broken,
        )


def test_who_knows_one_art_knows_the_others() -> None:
    """The same file names in the two folders of every art."""
    for name, art in ARTS.items():
        domain, offer = ROOT / "metaart/domains" / name, ROOT / "metaart/arts" / name
        assert (domain / "domain.py").is_file()
        assert "ART = Art(" in (offer / "__init__.py").read_text(encoding="utf-8")
        files = {"adapt.py"} if art.works else set()
        files |= {f"{use.verb}.py" for use in art.uses} | ({"evaluate.py"} if art.evaluation else set())
        assert not [file for file in files if not (offer / file).is_file()]


def test_describing_the_arts_loads_nothing_heavy() -> None:
    """Whoever asks what there is must not wait for what it is made with."""
    heavy = ("torch", "numpy", "pyarrow", "symusic", "PIL")
    asked = f"import sys, metaart.arts; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"


def test_arrows_between_the_applications() -> None:
    def broken(path: Path) -> set[str]:
        ours = {name.split(".")[0] for name in names(path)} & set(ALLOWED_APPLICATIONS)
        return ours - ALLOWED_APPLICATIONS[path.relative_to(ROOT).parts[0]]

    held(CODE, broken)


def test_the_library_knows_no_cluster() -> None:
    held(LIBRARY, lambda path: {name.split(".")[0] for name in names(path)} & {"ray", "deepspeed", "fastapi"})


def test_serve_is_never_imported_whole() -> None:
    """After `from ray import serve`, `import serve.x` rebinds the name `serve`."""
    held(
        [*CODE, *TESTS],
        lambda path: [
            entry.name
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Import)
            for entry in node.names
            if entry.name.split(".")[0] == "serve"
        ],
    )


def test_files_are_short() -> None:
    held([*CODE, *TESTS], lambda path: path.read_text(encoding="utf-8").splitlines()[300:])


def test_files_are_named_by_a_plain_word() -> None:
    held([*CODE, *TESTS], lambda path: {*path.parts, path.stem} & VAGUE)


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


def test_public_things_say_what_they_do() -> None:
    held(
        CODE,
        lambda path: [
            getattr(node, "name", path.name)
            for node in public(tree(path))
            if not ast.get_docstring(node)  # type: ignore[arg-type]
        ],
    )


def test_nothing_happens_at_import() -> None:
    held(CODE, happenings)


def happenings(path: Path) -> Iterator[str]:
    """Statements at the top of a file that do something when it is imported."""
    for node in tree(path).body:
        if isinstance(node, ast.If) and "__main__" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(node, ast.For | ast.While | ast.With | ast.Try):
            yield ast.unparse(node)
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call):
                name = inner.func.attr if isinstance(inner.func, ast.Attribute) else getattr(inner.func, "id", "")
                if name in CALLS:
                    yield ast.unparse(node)


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
    assert {"metaart.algorithms", "metaart.domains.music", "metaart.arts.music", "metaart.training"} <= set(found)
    assert set(project["project"]["scripts"]) == {"metaart"}
