"""What the source never does: run words as code, read XML, draw secrets by chance, hash weakly, take what no
lock names."""

import ast
import re
from functools import cache

from tests.house.tree import ROOT, imported, modules

APP = modules("app")
# A call of one of these runs what it is given.
RUNS = {"eval", "exec", "compile", "__import__", "render_template_string", "system", "popen", "literal_eval"}
RUNNING = {"app/assets.py"}
# What reads objects out of bytes, or follows what a document names.
READS = {"pickle", "marshal", "shelve", "yaml", "xml", "lxml", "defusedxml"}
# Who may draw by chance what is no secret: waits between two tries, and the demo's sales.
BY_CHANCE = ("app/postman/connector.py", "app/demo/")
# Codes of authenticator apps, which know nothing else (RFC 6238).
WEAK = {"app/totp.py"}


@cache
def imports() -> dict[str, set[str]]:
    """Return what each file of the app imports: modules by their whole name."""
    return {
        m.path: {name for node in m.nodes(ast.Import, ast.ImportFrom) for name in imported(node)} for m in APP
    }


def importing(*names: str) -> set[str]:
    """Return the files of the app that import one of these, or something inside of it."""
    inside = tuple(f"{name}." for name in names)
    return {
        path
        for path, found in imports().items()
        if any(name in names or name.startswith(inside) for name in found)
    }


def test_no_words_are_run_as_code() -> None:
    found = []
    for module in APP:
        for call in module.nodes(ast.Call):
            assert isinstance(call, ast.Call)
            named = call.func
            name = named.id if isinstance(named, ast.Name) else getattr(named, "attr", "")
            is_regex = name == "compile" and isinstance(named, ast.Attribute)
            if name in RUNS and not is_regex:
                found.append(module.at(call))
            if any(word.arg == "shell" for word in call.keywords):
                found.append(module.at(call))
    assert found == []


def test_programs_are_started_by_the_setup_alone() -> None:
    assert importing("subprocess") == RUNNING


def test_nothing_reads_xml_or_objects_of_others() -> None:
    assert {name: importing(name) for name in READS if importing(name)} == {}


def test_no_secret_is_drawn_by_chance() -> None:
    drawing = {path for path in importing("random") if not path.startswith(BY_CHANCE)}
    assert drawing == set()
    assert importing("uuid") == set()
    assert importing("secrets")


def test_no_weak_hash_is_used_but_by_the_codes_of_apps() -> None:
    weak = {m.path for m in APP if re.search(r"\b(md5|sha1|sha224|md4|crc32|adler32)\b", m.source)}
    assert weak == WEAK


def test_every_library_is_pinned_by_its_hash() -> None:
    locks = sorted(ROOT.glob("*.lock"))
    assert len(locks) >= 4
    for lock in locks:
        lines = [line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#")]
        begins = [n for n, line in enumerate(lines) if line[:1].isalnum()]
        assert begins, lock.name
        for n, end in zip(begins, [*begins[1:], len(lines)], strict=True):
            pinned = " ".join(lines[n:end])
            assert re.match(r"[\w.\[\]-]+==\S+ ", pinned) and "--hash=sha256:" in pinned, (
                lock.name,
                lines[n],
            )
            assert "://" not in pinned, lock.name  # from no place of its own


def test_scripts_of_our_own_take_no_key_of_others_into_an_object() -> None:
    scripts = sorted((ROOT / "static").glob("*.js"))
    assert [script.name for script in scripts] == ["desk.js", "docs.js"]
    for script in scripts:
        text = script.read_text()
        assert re.findall(r"\]\s*=(?![=>])|JSON\.parse|__proto__|\bfor \(\w+ \w+ in\b", text) == [], (
            script.name
        )
        assert re.search(r'^"use strict";', text, re.MULTILINE), script.name
