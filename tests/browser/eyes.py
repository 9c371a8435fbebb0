"""What a screen reader would stumble over on a page, by axe."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE = Axe()


def faults_of(page: Page, *, only: str | None = None) -> list[tuple[str, list[str]]]:
    """Return what axe finds on a page: (rule, the first places); `only` asks one rule alone."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if only:
        options["runOnly"] = [only]
    violations = AXE.run(page, options=options).response["violations"]
    return [(v["id"], [n["html"][:120] for n in v["nodes"][:2]]) for v in violations]
