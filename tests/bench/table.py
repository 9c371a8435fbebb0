"""The table of ratios, and the same as JSON."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.bench.goals import GROUPS, Ratio, ratios, short
from tests.bench.measure import Figures, Key

HEAD = ("", "orders", "quiet", "p50", "core", "beside", "ratio", "goal")
WIDTHS = (46, 6, 7, 7, 7, 16, 8, 10)
LEFT = {0, 5, 7}


def table(measured: Mapping[Key, Figures]) -> str:
    """Return the table; a path with several ratios has a line for each."""
    lines = [line(*HEAD), line(*("-" * width for width in WIDTHS))]
    for group in GROUPS:
        of_group = [rows for path in group.paths for rows in _rows(path.name, path.title, measured)]
        if of_group:
            lines += ["", group.title, *of_group]
    return "\n".join(text.rstrip() for text in lines)


def line(*cells: str, end: str = "") -> str:
    """Return one line: the first cell to the left, figures to the right."""
    padded = [
        cell.ljust(width) if n in LEFT else cell.rjust(width)
        for n, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    ]
    return "  ".join([*padded, end])


def _rows(name: str, title: str, measured: Mapping[Key, Figures]) -> Iterator[str]:
    """Yield a path's lines for each database."""
    for key in sorted(key for key in measured if key.path == name):
        found = measured[key]
        rate = f"{found.pieces / found.quiet * 1e9:,.0f} a second" if found.pieces > 1 else ""
        shown = list(ratios(key, measured))
        first = ratio_cells(shown[0]) if shown else ("", "", "", "")
        size = short(key.orders) if key.orders else ""
        core = time_text(found.core) if found.core else ""
        head = (f"  {title}", size, time_text(found.quiet), time_text(found.p50), core)
        said = (first[3], rate, "disturbed" if found.is_disturbed else "")
        yield line(*head, *first[:3], end=", ".join(filter(None, said)))
        for ratio in shown[1:]:
            *cells, verdict = ratio_cells(ratio)
            yield line("", "", "", "", "", *cells, end=verdict)


def ratio_cells(ratio: Ratio) -> tuple[str, str, str, str]:
    """Return the cells of a ratio: what it is beside, how often, the goal, the verdict."""
    return ratio.to, f"{ratio.value:.2f} x", ratio.goal, ratio.verdict


def time_text(nanoseconds: float) -> str:
    """Write a time with three digits: 98 µs, 2.31 ms, 1.20 s."""
    for size, unit in ((1e9, "s"), (1e6, "ms")):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds / 1e3:.3g} µs"


def as_json(measured: Mapping[Key, Figures]) -> list[dict[str, Any]]:
    """Return what the table says, path by path; times in microseconds."""
    return [
        {
            "path": path.name,
            "group": group.title,
            "title": path.title,
            "orders": key.orders,
            "quiet_us": round(found.quiet / 1e3, 2),
            "p50_us": round(found.p50 / 1e3, 2),
            "core_us": found.core and round(found.core / 1e3, 2),
            "is_disturbed": found.is_disturbed,
            "calls": found.calls,
            "turns": found.turns,
            "pieces": found.pieces,
            "ratios": [ratio._asdict() for ratio in ratios(key, measured)],
        }
        for group in GROUPS
        for path in group.paths
        for key, found in sorted(measured.items())
        if key.path == path.name
    ]
