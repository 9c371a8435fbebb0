"""Cells of order files as our forms take them: signs, numbers, amounts and days; nothing is judged here.

What is no such value comes back as it is, so that the form says what is wrong with it.
"""

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

_ENTITY = re.compile(r"&(amp|lt|gt|quot|#0?39);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "#39": "'", "#039": "'"}
_BREAKS = re.compile(r"[\r\n\t\x85\u2028\u2029]+")
_WHOLE = re.compile(r"(\d+)\.0+", re.ASCII)
_ROUNDED = re.compile(r"\d(?:\.\d+)?e\+?\d+", re.ASCII | re.IGNORECASE)
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_MONTH_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})", re.ASCII)


def one_line(text: str) -> str:
    """Return a text on one line, with the few signs that some files write as HTML as they were typed."""
    return _BREAKS.sub(" ", unescaped(text)).strip()


def unescaped(text: str) -> str:
    """Return a text with &#39; and its like as plain signs; once, so that what was typed so stays."""
    return _ENTITY.sub(lambda found: _ENTITIES[found[1]], text) if "&" in text else text


def cut(text: str, most: int) -> str:
    """Return a text that is no longer than `most`; an ellipsis says that it was."""
    return text if len(text) <= most else text[: most - 1] + "…"


def whole(text: str) -> str:
    """Return a whole number's digits: spreadsheets and pandas write 3 as 3.0."""
    found = _WHOLE.fullmatch(text)
    return found[1] if found else text


def is_rounded(text: str) -> bool:
    """Tell whether a spreadsheet rounded this id (2.82E+09): several would become one."""
    return _ROUNDED.fullmatch(text) is not None


def amount(text: str) -> str:
    """Return an amount without the commas between its thousands."""
    return text.replace(",", "") if _THOUSANDS.fullmatch(text) else text


def is_some(text: str) -> bool:
    """Tell whether an amount is more than nothing (or is none, which the form will say)."""
    return bool(text.strip("0."))


def day_month_first(text: str, zone: str) -> str:
    """Return the instant at which a day (MM/DD/YY or MM/DD/YYYY) begins in a time zone."""
    found = _MONTH_FIRST.fullmatch(text)
    if not found:
        return text
    month, day, year = (int(part) for part in found.groups())
    try:
        began = date(year if len(found[3]) == 4 else year + 2000, month, day)
        return datetime.combine(began, time(), ZoneInfo(zone)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return text
