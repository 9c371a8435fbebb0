"""The fields that pages, programs and files share: each reads one plain text and says how to mend it."""

import re
from enum import IntEnum, StrEnum
from typing import Any, NoReturn

from wtforms import Field
from wtforms.validators import StopValidation
from wtforms.widgets import CheckboxInput, TextInput

LARGEST_ID = 2**63 - 1
ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
LINE_BREAK = re.compile(r"[\r\n\t\x85\u2028\u2029]")


class Null(str):
    """JSON's null where text is expected: as good as absent for most fields."""


class Truth(str):
    """JSON's true or false where text is expected: for ticks alone."""


class Compound(str):
    """A JSON list or object where text is expected: wrong for every plain field."""


class Many(Compound):
    """A JSON list."""


class PlainField(Field):
    """A field of one text. Empty is absent; a JSON list or object is refused."""

    widget: Any = TextInput()
    takes_truth = False

    def _value(self) -> str:
        """Return what stands in the page's field: what was typed, right or wrong."""
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else self.shown(self.data)

    def shown(self, value: Any) -> str:
        """Return a value of ours as it is typed."""
        return str(value)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the one text that was sent."""
        self.data = None
        # As a text a Compound is empty, so it is asked for first.
        if valuelist and isinstance(valuelist[0], Compound):
            raise ValueError("Send one plain value here.")
        if valuelist and isinstance(valuelist[0], Truth) and not self.takes_truth:
            raise ValueError("Send text or a number here, not true or false.")
        if not valuelist or valuelist[0] == "" or isinstance(valuelist[0], Null):
            if valuelist and isinstance(valuelist[0], Null):
                self.read_null()
            return
        if CONTROL.search(valuelist[0]):
            raise ValueError("Leave out control characters.")
        self.data = self.read(valuelist[0])

    def read_null(self) -> None:
        """Take JSON's null as absent."""

    def read(self, text: str) -> Any:
        """Return the value of a text; ValueError says how to mend it."""
        return text


class WordsField(PlainField):
    """Text on one line, of at most `most` characters; blanks around it are taken away."""

    is_too_long = False

    def __init__(self, label: str | None = None, *args: Any, most: int, **kwargs: Any) -> None:
        super().__init__(label, *args, **kwargs)
        self.most = most

    def read(self, text: str) -> str | None:
        """Return the text; ValueError where it is longer than the limit or has line breaks."""
        text = text.strip()
        if len(text) > self.most:
            self.is_too_long = True
            raise ValueError(f"At most {self.most} characters fit here; these are {len(text)}.")
        if LINE_BREAK.search(text):
            raise ValueError("Write this on one line.")
        return text or None


class TextsField(WordsField):
    """Text on several lines, of at most `most` characters."""

    def read(self, text: str) -> str | None:
        """Return the text with plain line breaks; ValueError where it is longer than the limit."""
        text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
        if len(text) > self.most:
            self.is_too_long = True
            raise ValueError(f"At most {self.most} characters fit here; these are {len(text)}.")
        return text or None


def plain_number(text: str) -> int:
    """Return a plain decimal number; ValueError for signs, blanks, points and other digits."""
    if not DIGITS.fullmatch(text):
        raise ValueError("Write a whole number in plain digits.")
    return int(text)


def read_word(text: str, of: type[StrEnum]) -> StrEnum:
    """Return a member of a list of words; ValueError names those that it has."""
    try:
        return of(text)
    except ValueError:
        raise ValueError(f"Use one of {', '.join(of)}.") from None


class NumberField(PlainField):
    """A whole number from `least` to `most`."""

    def __init__(
        self, label: str | None = None, *args: Any, least: int = 0, most: int = LARGEST_ID, **kwargs: Any
    ) -> None:
        super().__init__(label, *args, **kwargs)
        self.least, self.most = least, most

    def read(self, text: str) -> int:
        """Return the number; ValueError where it is out of bounds."""
        number = plain_number(text)
        if not self.least <= number <= self.most:
            raise ValueError(f"Write a number from {self.least} to {self.most}.")
        return number


class CodeField(PlainField):
    """A member of a code list, sent as its number; `only` narrows which ones may be sent."""

    def __init__(
        self,
        label: str | None = None,
        *args: Any,
        of: type[IntEnum],
        only: frozenset[Any] | None = None,
        sentence: str = "This is no code of the list.",
        **kwargs: Any,
    ) -> None:
        super().__init__(label, *args, **kwargs)
        self.of, self.only, self.sentence = of, only or frozenset(of), sentence

    def read_null(self) -> NoReturn:
        """Refuse null: it is no code."""
        raise ValueError(self.sentence)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the code; every fault has the field's one sentence."""
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(self.sentence) from None

    def read(self, text: str) -> IntEnum:
        """Return the member; ValueError where the number is none that may be sent."""
        code = self.of(plain_number(text))
        if code not in self.only:
            raise ValueError(self.sentence)
        return code


def read_id(text: str) -> int:
    """Return an id; ValueError unless it is 1 to 2^63-1 in plain digits, without a leading zero."""
    if not ID.fullmatch(text) or int(text) > LARGEST_ID:
        raise ValueError("An id is a whole number from 1, in plain digits.")
    return int(text)


def number_in(searched: str) -> int | None:
    """Return the number of a sale that was searched for and nothing besides ("#1001"); None: other words."""
    try:
        return read_id(searched.strip().removeprefix("#"))
    except ValueError:
        return None


class IdField(PlainField):
    """One id."""

    def read(self, text: str) -> int:
        """Return the id."""
        return read_id(text)


class TickField(PlainField):
    """A tick: sent as y, 1, true or on; absent means no."""

    widget = CheckboxInput()
    takes_truth = True
    words = {"y": True, "1": True, "true": True, "on": True, "0": False, "false": False}

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the tick; absent is no."""
        super().process_formdata(valuelist)
        self.data = bool(self.data)

    def read(self, text: str) -> bool:
        """Return yes or no; ValueError for any other word."""
        if text not in self.words:
            raise ValueError("Tick it or leave it.")
        return self.words[text]

    def _value(self) -> str:
        """Return what a ticked box sends."""
        return "1"


class MapField(Field):
    """Names and short texts that the sender chooses (options of a product)."""

    most_pairs = 50
    most = 255

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        """Read all `<name>-<key>` that were sent."""
        self.process_errors = []
        self.raw_data = []
        self.data = {}
        self.sent: list[str] = []
        for name in formdata or ():
            if name.startswith(self.name + "-"):
                self.sent.append(formdata[name])
                self.data[name[len(self.name) + 1 :]] = str(formdata[name])

    def pre_validate(self, form: Any) -> None:
        """Refuse too many pairs, or texts that are too long."""
        if any(isinstance(text, Compound) for text in self.sent):
            raise StopValidation("Send one plain value for each name.")
        texts = [*self.data, *self.data.values()]
        if len(self.data) > self.most_pairs or any(len(t) > self.most or CONTROL.search(t) for t in texts):
            raise StopValidation("At most 50 pairs of texts up to 255 characters.")
