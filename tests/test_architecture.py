"""The arrangement of the package: what stands where, which way imports point, how long files and functions are."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "costcalc"
FILES = sorted(PACKAGE.rglob("*.py"))
PACKAGES = {"core", "ops", "graph", "frontends", "analysis", "studies", "views", "render", "cli"}

THIRD_PARTIES = {
    "click": ("cli",),
    "google": ("frontends/onnx",),
    "lsprotocol": ("cli/lsp",),
    "matplotlib": ("render/charts",),
    "mcp": ("cli/mcp",),
    "numpy": ("frontends/onnx", "studies/sweep"),
    "pandas": ("render",),
    "polars": ("render",),
    "onnx": ("frontends",),
    "pydantic": ("cli/mcp",),
    "pygls": ("cli/lsp",),
    "resvg_py": ("render",),
    "rich": ("cli", "render"),
    "sympy": ("frontends/pytorch/live",),
    "timm": ("frontends/pytorch/live",),
    "tomli": ("studies/check",),
    "torch": ("frontends/pytorch/live",),
    "torchvision": ("frontends/pytorch/live",),
    "transformers": ("frontends/pytorch/live",),
    "urllib3": ("frontends/remote",),
    "yaml": ("analysis/hardware", "frontends"),
}
"""Where each third party may be imported."""

LAZY = re.compile(r"cli/.*|api\.py|(.*/)?__init__\.py|__main__\.py")
"""Files that may import costcalc inside a function: the entry points, for start-up time, and packages that choose one
of their modules by name."""

PLUG_POINTS = re.compile(
    r".*__init__\.py|.*__main__\.py|rules\.py|core/version\.py|cli/commands/.*|render/.*|studies/reconcile/counters/.*|ops/.*"
    r"|frontends/(?:\w+/)+frontend\.py|frontends/yaml/layers/.*"
)
"""Files that may be short: one format, one counter, one command, one family each."""


def name_of(path: Path) -> str:
    """The dotted name of a file's module."""
    parts = ("costcalc", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in FILES}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(node: ast.AST) -> list[str]:
    """The modules that an import statement names; of costcalc's packages, their modules."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        full = [f"{node.module}.{alias.name}" for alias in node.names]
        return list(dict.fromkeys(name if name in MODULES else node.module for name in full))
    return []


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


every_file = pytest.mark.parametrize("path", FILES, ids=relative)


def test_the_root_holds_the_nine_packages_and_the_entry_points() -> None:
    folders = {p.name for p in PACKAGE.iterdir() if p.is_dir() and p.name != "__pycache__"}
    files = {p.name for p in PACKAGE.iterdir() if p.is_file()}
    assert folders == PACKAGES
    assert files == {"__init__.py", "__main__.py", "api.py", "rules.py", "py.typed"}


def test_no_circle_of_imports_of_any_kind() -> None:
    """Imports inside functions and for type checkers count."""
    arrows = {
        name: {m for node in ast.walk(tree_of(path)) for m in imported(node) if m in MODULES and m != name}
        for name, path in MODULES.items()
    }
    free = dict(arrows)
    while leaves := [name for name, targets in free.items() if not targets & free.keys()]:
        for name in leaves:
            del free[name]
    while tops := [name for name in free if not any(name in targets for targets in free.values())]:
        for name in tops:
            del free[name]
    assert not free, f"modules that import each other: {sorted(free)}"


@every_file
def test_imports_inside_functions_are_for_start_up_only(path: Path) -> None:
    if LAZY.fullmatch(relative(path)):
        return
    functions = [n for n in ast.walk(tree_of(path)) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    inside = {m for function in functions for node in ast.walk(function) for m in imported(node)}
    assert not [m for m in inside if m.split(".")[0] == "costcalc"]


@every_file
def test_third_parties_live_behind_their_modules(path: Path) -> None:
    here = relative(path)
    for node in ast.walk(tree_of(path)):
        for module in imported(node):
            homes = THIRD_PARTIES.get(module.split(".")[0])
            assert homes is None or here.startswith(homes), f"{here} imports {module}"


@every_file
def test_files_and_functions_are_short(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= 400, f"{lines} lines: split it"
    assert lines >= 40 or PLUG_POINTS.fullmatch(relative(path)), f"{lines} lines: unite it with what it belongs to"
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno:
            length = node.end_lineno - node.lineno + 1
            assert length <= 50, f"{node.name} has {length} lines"


@every_file
def test_a_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(tree_of(path))
    assert "fmt: skip" not in path.read_text(encoding="utf-8")


def test_a_class_name_stands_for_one_thing() -> None:
    names = Counter(n.name for path in FILES for n in ast.walk(tree_of(path)) if isinstance(n, ast.ClassDef))
    assert [name for name, times in names.items() if times > 1] == []


def test_what_an_operator_is_is_known_in_ops() -> None:
    """Elsewhere traits are asked; patterns, front ends, rewrites, counters and the rules of NPUs' compilers name the
    operators that they are about."""
    allowed = re.compile(
        r"ops/.*|graph/patterns/.*|frontends/.*|studies/suggest/rules/.*|studies/reconcile/counters/.*|"
        r"analysis/npu/.*"
    )
    compared = re.compile(r"op_type (==|!=|in |not in )|op_type\.(startswith|endswith)")
    texts = {relative(path): path.read_text(encoding="utf-8") for path in FILES}
    assert [here for here, text in texts.items() if compared.search(text) and not allowed.fullmatch(here)] == []


def test_no_path_of_a_machine_stands_in_the_project() -> None:
    suffixes = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".txt", ""}
    folders = [PACKAGE, *(ROOT / name for name in ("specs", "tests", "bench", "docs", ".ci", ".github"))]
    files = [p for f in folders for p in f.rglob("*") if p.is_file() and p.suffix in suffixes]
    for path in [*files, *(p for p in ROOT.iterdir() if p.is_file() and p.suffix in suffixes)]:
        if "__pycache__" in path.parts or path == Path(__file__):
            continue
        text = path.read_text(errors="replace")
        assert not re.search(r"/(work|root|home)/\w", text), f"{path} names a path of a machine"
