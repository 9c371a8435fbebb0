"""What the source never does: run words as code, read XML, draw secrets by chance, hash weakly, take what no
lock names."""

import ast
import re

from tests.house.tree import ROOT, modules

APP = modules("app")
# A call of one of these runs what it is given.
RUNS = {"eval", "exec", "compile", "__import__", "render_template_string", "system", "popen", "literal_eval"}
RUNNING = {"app/assets.py", "app/cli/supervising.py"}
# What reads objects out of bytes, or follows what a document names.
READS = {"pickle", "marshal", "shelve", "yaml", "xml", "lxml", "defusedxml"}
# Who may draw by chance what is no secret: waits between two tries, and the demo's sales.
BY_CHANCE = ("app/postman/connector.py", "app/demo/")
# Codes of authenticator apps, which know nothing else (RFC 6238).
WEAK = {"app/totp.py"}


def names(node: ast.AST) -> set[str]:
    """Return the modules that a statement imports, by their first word."""
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").split(".")[0]}
    return set()


def importing(name: str) -> set[str]:
    """Return the files of the app that import a library."""
    return {m.path for m in APP if any(name in names(n) for n in m.nodes(ast.Import, ast.ImportFrom))}


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


def test_programs_are_started_by_the_supervisor_and_the_setup_alone() -> None:
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
        text = re.sub(r"^\s*#.*$", "", lock.read_text(), flags=re.MULTILINE)
        wanted = re.findall(r"^([A-Za-z0-9][\w.\[\]-]*)(\S*)((?:[^\n]*\\\n)*[^\n]*)", text, re.MULTILINE)
        assert wanted, lock.name
        for name, version, rest in wanted:
            assert version.startswith("==") and "--hash=sha256:" in rest, (lock.name, name)
        assert "://" not in text, lock.name  # from no place of its own
