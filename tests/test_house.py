"""The rules of the house that no linter has: replay safety, rooms, what is locked and deployed."""

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = {"activities", "curfew", "orchestrators", "triggers"}
HELPERS = {"bench", "devhost", "simulator", "tests"}
FUNCTIONS_LIBRARIES = {"azure.functions", "azure.durable_functions"}
BUILTINS_WITH_EFFECTS = {"breakpoint", "exec", "eval", "input", "open", "print"}


def python_files(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported; of `from a import b` both `a` and `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def breaks_replay(tree: ast.AST) -> list[str]:
    """What may not stand in an orchestrator, each with its line."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Try(finalbody=[first, *_]) | ast.TryStar(finalbody=[first, *_]):
                found.append((first.lineno, "finally"))
            case ast.With():
                found.append((node.lineno, "with"))
            case ast.AsyncFunctionDef() | ast.AsyncFor() | ast.AsyncWith():
                found.append((node.lineno, "async"))
            case ast.Await():
                found.append((node.lineno, "await"))
            case ast.Global():
                found.append((node.lineno, "global"))
            case ast.ExceptHandler(type=None):
                found.append((node.lineno, "bare except"))
            case ast.ExceptHandler(type=ast.expr() as caught) if {
                "BaseException",
                "GeneratorExit",
            } & {name.id for name in ast.walk(caught) if isinstance(name, ast.Name)}:
                found.append((node.lineno, "except BaseException"))
            case ast.Call(func=ast.Name(id=name)) if name in BUILTINS_WITH_EFFECTS:
                found.append((node.lineno, name))
    return [f"line {line}: {what}" for line, what in sorted(found)]


@pytest.mark.parametrize(
    ("source", "finding"),
    [
        ("try:\n  a = 1\nfinally:\n  b = 2", "line 4: finally"),
        ("try:\n  a = 1\nexcept* ValueError:\n  pass\nfinally:\n  b = 2", "line 6: finally"),
        ("try:\n  a = 1\nexcept:\n  pass", "line 3: bare except"),
        ("try:\n  a = 1\nexcept BaseException:\n  pass", "line 3: except BaseException"),
        (
            "try:\n  a = 1\nexcept (KeyError, GeneratorExit):\n  pass",
            "line 3: except BaseException",
        ),
        ("with lock:\n  a = 1", "line 1: with"),
        ("async def f(): pass", "line 1: async"),
        ("def f():\n  global a\n  a = 1", "line 2: global"),
        ("print(1)", "line 1: print"),
    ],
)
def test_what_breaks_replay_is_found(source: str, finding: str) -> None:
    assert breaks_replay(ast.parse(source)) == [finding]


def test_awaiting_breaks_replay() -> None:
    tree = ast.parse("async def f():\n  await g()")
    assert breaks_replay(tree) == ["line 1: async", "line 2: await"]


def test_catching_every_exception_is_what_orchestrators_do() -> None:
    assert breaks_replay(ast.parse("try:\n  a = 1\nexcept Exception as failure:\n  b = 2")) == []


def test_no_orchestrator_breaks_replay() -> None:
    found = {
        str(path.relative_to(ROOT)): breaks_replay(ast.parse(path.read_text()))
        for path in python_files("orchestrators")
    }
    assert {path: findings for path, findings in found.items() if findings} == {}


def test_the_function_app_only_registers_the_rooms() -> None:
    tree = ast.parse((ROOT / "function_app.py").read_text())
    allowed = FUNCTIONS_LIBRARIES | {"activities", "orchestrators", "triggers"}
    foreign = [
        name
        for name in imported_names(tree)
        if name != "azure"
        and not any(name == room or name.startswith(f"{room}.") for room in allowed)
    ]
    assert foreign == []


def test_the_library_is_free_of_azure_functions() -> None:
    importers = [
        str(path.relative_to(ROOT))
        for path in python_files("curfew", "simulator")
        if FUNCTIONS_LIBRARIES & set(imported_names(ast.parse(path.read_text())))
    ]
    assert importers == []


def test_no_test_replaces_what_it_tests_by_a_mock() -> None:
    importers = [
        str(path.relative_to(ROOT))
        for path in python_files("tests", "bench")
        for name in imported_names(ast.parse(path.read_text()))
        if name.split(".")[0] in {"unittest", "mock"}
    ]
    assert importers == []


def test_a_file_can_be_read_in_one_sitting() -> None:
    long_ones = {
        str(path.relative_to(ROOT)): lines
        for path in python_files(*ROOMS, *HELPERS)
        if (lines := len(path.read_text().splitlines())) > 400
    }
    assert long_ones == {}


def pins(file: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", (ROOT / file).read_text(), re.MULTILINE))


def test_what_is_deployed_is_what_is_tested() -> None:
    assert pins("requirements.txt").items() <= pins("requirements-dev.txt").items()


def test_every_declared_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = {re.split(r"[<>=]", name)[0] for name in project["project"]["dependencies"]}
    tools = {re.split(r"[<>=]", name)[0] for name in project["dependency-groups"]["dev"]}
    assert declared <= pins("requirements.txt").keys()
    assert tools <= pins("requirements-dev.txt").keys()


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_python_package_is_locked_by_hash_and_by_name_only(file: str) -> None:
    text = (ROOT / file).read_text()
    entries = re.findall(r"^[a-z0-9._-]+==.*\n((?: +--hash=.*\n)*)", text, re.MULTILINE)
    assert entries
    assert all("--hash=sha256:" in hashes for hashes in entries)
    assert "://" not in text
    assert "--index-url" not in text


def test_every_npm_package_is_locked_by_hash_and_by_name_only() -> None:
    lock = json.loads((ROOT / "devhost/node/package-lock.json").read_text())
    packages = [package for name, package in lock["packages"].items() if name]
    assert packages
    assert all("integrity" in package and "resolved" not in package for package in packages)


def test_the_task_hub_keeps_its_name() -> None:
    """A new name leaves every waiting grant behind in the old hub (design rule 11)."""
    host = json.loads((ROOT / "host.json").read_text())
    assert host["extensions"]["durableTask"]["hubName"] == "curfew"


def test_durable_inputs_and_outputs_stay_out_of_traces() -> None:
    host = json.loads((ROOT / "host.json").read_text())
    assert host["extensions"]["durableTask"]["tracing"]["traceInputsAndOutputs"] is False


def test_only_the_rooms_of_the_app_are_deployed() -> None:
    lines = (ROOT / ".funcignore").read_text().splitlines()
    ignored = [line for line in lines if line and not line.startswith("#")]
    deployed = {
        path.name
        for path in ROOT.iterdir()
        if not any(fnmatch(path.name, pattern) for pattern in ignored)
    }
    rooms = ROOMS | {"perimeter", "portal"}
    assert deployed <= rooms | {"LICENSE", "function_app.py", "host.json", "requirements.txt"}
    assert HELPERS.isdisjoint(deployed)
