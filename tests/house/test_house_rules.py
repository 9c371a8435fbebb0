"""The house's rules, read from its files (architecture, Conventions 1, 2, 3 and 4).

Import floors are import-linter's, in `make check`. What breaks a rule is named with its file and line.
"""

import ast
import re
from collections.abc import Iterator

import pytest
from jinja2 import Environment, nodes

import app.models  # noqa: F401 - the tables register themselves
from app.db import Base
from tests.house.tree import ROOT, Module, files, imported, modules, templates

APP = modules("app")
DOORS = {"web", "api", "cli", "worker", "postman"}
HOT_ROWS = ("sales/_rows.html", "macros/sale_row.html", "items/_rows.html")
LONGEST_MODULE = 300
LONGEST_FUNCTION = 60
EMPTY_NAMES = {"util", "helper", "common", "core", "service", "manager", "repository"}
BODY_READS = {"form", "get_json", "get_data", "data", "json", "files", "values", "stream", "input_stream"}
# request.files: read by the form of uploads, and named by the API, which takes none.
TAKES_FILES = {"app/forms/uploads.py", "app/web/imports.py", "app/api/shape.py"}
# A call is a macro's, url_for's or a right's.
COSTLY = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Call, nodes.CallBlock, nodes.Filter)
STEPS = (ast.FunctionDef, ast.AsyncFunctionDef)
# In two pieces, so that this file does not hold them itself.
OUTSIDE = re.compile(r"""\.\./""" r"""shared|/work/""" r"""shared|["']shared["']""")
MACHINE = re.compile(r"(?<![\w.}])/" r"(work|root)/\w|/home/" r"\w")


def is_request(node: ast.AST) -> bool:
    """Tell whether an expression is Flask's request."""
    return isinstance(node, ast.Name) and node.id == "request"


def test_only_doors_commit() -> None:
    committing = [
        m.at(node)
        for m in APP
        if m.floor not in DOORS  # what is not called by its own name was given by a door
        for node in m.nodes(ast.Attribute)
        if isinstance(node, ast.Attribute) and node.attr == "commit"
    ]
    assert committing == []


def test_doors_use_the_session_only_to_end_what_acts_began() -> None:
    used = [
        f"{m.at(node)} {node.attr}"
        for m in APP
        if m.floor in DOORS
        for node in m.nodes(ast.Attribute)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "session"
        and node.attr not in {"commit", "rollback", "remove"}
    ]
    assert used == []


def status_writes(module: Module) -> Iterator[ast.AST]:
    """Yield what sets a row's status: an assignment, setattr, the values of an UPDATE."""
    for node in module.nodes(ast.Attribute, ast.Call):
        match node:
            case ast.Attribute(attr="status", ctx=ast.Store(), value=ast.Name(id="self")):
                # A refusal has an HTTP status of its own; rows do not set theirs.
                if module.floor == "models":
                    yield node
            case ast.Attribute(attr="status", ctx=ast.Store()):
                yield node
            case ast.Call(func=ast.Name(id="setattr")):
                yield node
            case ast.Call(func=ast.Attribute(attr="values"), keywords=given):
                if any(keyword.arg == "status" for keyword in given):
                    yield node


def test_only_acts_set_a_status() -> None:
    assert [m.at(write) for m in APP if m.floor != "actions" for write in status_writes(m)] == []


def test_only_one_module_speaks_the_headers_of_htmx() -> None:
    speaking = [m.path for m in APP if "HX-" in m.source]
    assert speaking == ["app/web/htmx.py"]


def test_bodies_are_read_in_one_place() -> None:
    readers = [
        f"{m.at(node)} request.{node.attr}"
        for m in APP
        if m.path != "app/forms/base.py"
        for node in m.nodes(ast.Attribute)
        if isinstance(node, ast.Attribute)
        and is_request(node.value)
        and node.attr in BODY_READS
        and not (node.attr == "files" and m.path in TAKES_FILES)
    ]
    assert readers == []


def test_doors_never_import_sqlalchemy() -> None:
    importing = [
        m.at(node)
        for m in APP
        if m.floor in DOORS
        for node in m.nodes(ast.Import, ast.ImportFrom)
        if any(name.split(".")[0] in {"sqlalchemy", "flask_sqlalchemy"} for name in imported(node))
    ]
    assert importing == []


def test_no_module_is_longer_than_300_lines() -> None:
    lengths = {m.path: len(m.source.splitlines()) for m in APP}
    assert {path: n for path, n in lengths.items() if n > LONGEST_MODULE} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    lengths = {
        f"{m.at(node)} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for m in APP
        for node in m.nodes(*STEPS)
        if isinstance(node, STEPS)
    }
    assert {where: n for where, n in lengths.items() if n > LONGEST_FUNCTION} == {}


def says_nothing(name: str) -> bool:
    """Tell whether a name is one of those that could hold anything, alone or as a part of it."""
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+", name)}
    singular = {re.sub(r"ies$", "y", word) for word in words} | {word.removesuffix("s") for word in words}
    return bool((words | singular) & EMPTY_NAMES)


def test_no_module_has_a_name_that_could_hold_anything() -> None:
    paths = [m.path for m in (*APP, *modules("tests"), *modules("migrations"))] + [
        name for name, _ in templates()
    ]
    vague = [p for p in paths for part in p.split("/") if says_nothing(part.rsplit(".", 1)[0])]
    assert vague == []


def test_no_class_is_called_a_manager_a_service_or_a_repository() -> None:
    classes = [(m, node) for m in APP for node in m.nodes(ast.ClassDef)]
    vague = [m.at(c) for m, c in classes if isinstance(c, ast.ClassDef) and says_nothing(c.name)]
    assert vague == []


def test_every_module_says_what_is_in_it() -> None:
    silent = [
        m.path
        for m in (*APP, *modules("tests"), *modules("migrations"))
        if m.tree.body and ast.get_docstring(m.tree) is None
    ]
    assert silent == []


def test_nothing_is_left_to_be_done_in_a_comment() -> None:
    left = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
    ours = [(path, text) for path, text in files() if not path.endswith(".lock")]
    assert [path for path, text in ours if left.search(text)] == []


def test_no_amount_passes_through_a_float() -> None:
    floats = [
        m.at(node)
        for m in APP
        if m.floor != "demo"  # weights and chances; its amounts come out of the acts as everybody's do
        for node in m.nodes(ast.Name)
        if isinstance(node, ast.Name) and node.id == "float"
    ]
    columns = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.type.__visit_name__ in {"float", "double", "numeric"}
    ]
    assert floats + columns == []


UNSAFE_IN_TEMPLATES = {
    "a style of its own": r"<style\b|\sstyle\s*=",
    "a script of its own": r"<script\b(?![^>]*\bsrc=)|javascript:|\sxlink:href\s*=",
    "an event attribute": r"\son[a-z]+\s*=|\shx-on\b|\bjs:",
    "text passed on unescaped": r"\|\s*safe\b|\bautoescape\b|\bMarkup\b",
}


@pytest.mark.parametrize("what", UNSAFE_IN_TEMPLATES)
def test_no_template_has(what: str) -> None:
    pattern = re.compile(UNSAFE_IN_TEMPLATES[what], re.IGNORECASE)
    assert [(name, m[0]) for name, text in templates() for m in pattern.finditer(text)] == []


def test_no_module_calls_text_safe_html() -> None:
    marking = [m.path for m in APP if re.search(r"\bMarkup\b|\bmarkupsafe\b", m.source)]
    assert marking == []


@pytest.mark.parametrize("name", HOT_ROWS)
def test_the_rows_of_a_hot_list_come_formatted(name: str) -> None:
    tree = Environment(autoescape=True).parse((ROOT / "templates" / name).read_text())
    loops = list(tree.find_all(nodes.For))
    assert loops
    assert [f"line {n.lineno}: {type(n).__name__}" for loop in loops for n in loop.find_all(COSTLY)] == []


def test_every_form_that_writes_carries_a_csrf_token() -> None:
    bare = []
    for name, text in templates():
        for form in re.findall(r"<form\b.*?(?:</form>|\Z)", text, re.DOTALL | re.IGNORECASE):
            writes = re.search(r"""method=["']?post|hx-(post|put|patch|delete)=""", form, re.IGNORECASE)
            if writes and not re.search(r"""hidden_csrf\(\)|hidden_tag\(\)|name="csrf_token\"""", form):
                bare.append((name, form[:80]))
    assert bare == []


def test_nothing_points_outside_the_repository() -> None:
    pointing = [
        path
        for path, text in files()
        if OUTSIDE.search(text) and not (path.startswith("tests/") and re.search(r"\bskip(if)?\b", text))
    ]
    assert pointing == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    assert [(path, m[0]) for path, text in files() for m in MACHINE.finditer(text)] == []


def test_no_relationship_loads_by_itself() -> None:
    eager = [
        f"{mapper.class_.__name__}.{relation.key} is {relation.lazy}"
        for mapper in Base.registry.mappers
        for relation in mapper.relationships
        if relation.lazy != "raise"
    ]
    assert eager == []
