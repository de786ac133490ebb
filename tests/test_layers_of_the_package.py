"""The package's structure: imports point down, third parties live behind their modules, files are short."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "costcalc"
FILES = sorted(PACKAGE.rglob("*.py"))

ORDER = (
    ("errors", "calm"),
    ("git", "given"),
    ("core",),
    ("analysis",),
    ("revisions",),
    ("dim",),
    ("core",),
    ("assume", "formula", "units"),
    ("ir",),
    ("core",),
    ("registry",),
    ("ops", "rules"),
    ("build", "asked"),
    ("graph",),
    ("storage", "binding", "operands"),
    ("load", "frontends", "cost", "memory", "precision"),
    ("rows", "breakdown"),
    ("report",),
    ("hardware", "multiplications"),
    ("compulsory",),
    ("roof",),
    ("roofline",),
    ("training",),
    ("fits", "energy"),
    ("windows", "separable", "columns", "grouping"),
    ("footer", "values"),
    ("timing", "timed"),
    ("sheet", "steps"),
    ("working", "catalogue", "generation", "occupancy", "studies"),
    ("views",),
    ("comparison",),
    ("bounds", "devices"),
    ("snapshot",),
    ("diff",),
    ("budget", "studies"),
    ("plotting",),
    ("render",),
    ("page",),
    ("drawing",),
    ("shared", "processes"),
    ("suggest",),
    ("api",),
    ("checking", "reconcile", "sweep", "tables"),
    ("views",),
    ("cli",),
    ("__main__",),
)
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}

THIRD_PARTIES = {
    "onnx": {"load"},
    "numpy": {"load", "sweep"},
    "yaml": {"load", "hardware"},
    "rich": {"render", "cli"},
    "click": {"cli"},
    "resvg_py": {"render"},
    "matplotlib": {"drawing"},
    "tomli": {"budget"},
}

ALLOWED_UP = {
    ("render", "views"),
    ("render", "reconcile"),
    ("diff", "api"),
    ("load", "api"),
    ("studies", "views"),
}
"""The presenter's views know all results. The packages load and diff, when they are called, are the API's functions of
those names."""


def part(path: Path) -> str:
    """The top-level part of the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> list[str]:
    """Every module that a file imports, inside functions too; imports for type checking are left out."""
    found: list[str] = []
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{a.name}" for a in node.names] if node.module == "costcalc" else [node.module]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    here = part(path)
    if here == "__init__":
        return
    for module in imports(path):
        top, *rest = module.split(".")
        if top == "costcalc" and rest and rest[0] in RANK:
            up = RANK[rest[0]] > RANK[here] or (RANK[rest[0]] == RANK[here] and {rest[0], here} == {"load", "cost"})
            assert not up or (here, rest[0]) in ALLOWED_UP, f"{here} imports {module}"
        elif top in THIRD_PARTIES:
            assert here in THIRD_PARTIES[top], f"{here} imports {top}"


def test_every_part_has_its_place() -> None:
    assert {part(path) for path in FILES} - {"__init__"} <= set(RANK)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_are_short_and_say_what_they_are(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= LONGEST, f"{len(lines)} lines: split it"
    assert ast.get_docstring(ast.parse(path.read_text()))


LONGEST = 400


def test_no_path_of_a_machine_stands_in_the_project() -> None:
    suffixes = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".txt", ""}
    folders = [PACKAGE, ROOT / "specs", ROOT / "tests", ROOT / "bench", ROOT / ".ci"]
    files = [p for f in folders for p in f.rglob("*") if p.is_file() and p.suffix in suffixes]
    for path in [*files, *(p for p in ROOT.iterdir() if p.is_file() and p.suffix in suffixes)]:
        if "__pycache__" in path.parts or path == Path(__file__):
            continue
        text = path.read_text(errors="replace")
        assert not re.search(r"/(work|root|home)/\w", text), f"{path} names a path of a machine"
