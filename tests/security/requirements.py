"""The requirements of OWASP ASVS 5.0.0, levels 1 and 2, as `asvs.csv` answers them: a line each."""

import csv
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_name("asvs.csv")
VERDICTS = ("met", "deployer", "not", "n-a")
# How many each chapter of the standard has at levels 1 and 2.
CHAPTERS = {
    "1 Encoding": 27,
    "2 Business logic": 11,
    "3 Front end": 19,
    "4 API": 10,
    "5 Files": 9,
    "6 Authentication": 35,
    "7 Sessions": 18,
    "8 Authorization": 7,
    "9 Self-contained tokens": 7,
    "10 OAuth and OpenID Connect": 29,
    "11 Cryptography": 14,
    "12 TLS": 9,
    "13 Configuration": 13,
    "14 Data": 9,
    "15 Architecture": 13,
    "16 Logs and errors": 16,
    "17 WebRTC": 7,
}
LEVELS = {"1": 70, "2": 183}


class Requirement(NamedTuple):
    """A line: what it asks in short, our verdict, why or how, and the tests that show it."""

    id: str
    level: str
    verdict: str
    asks: str
    why: str
    tests: list[str]

    @property
    def chapter(self) -> str:
        """Return the number of its chapter."""
        return self.id.split(".", maxsplit=1)[0]


def requirements() -> list[Requirement]:
    """Return all lines of the file."""
    with FILE.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["id", "level", "verdict", "asks", "why", "tests"]
    return [Requirement(*row[:5], row[5].split()) for row in rows]
