"""What a store's settings page sends: one form, which makes the `Settings` that the act takes."""

import re
from datetime import date
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from wtforms import Form as PartForm
from wtforms import FormField
from wtforms.validators import ValidationError

from app.actions.mails import NAMES, Mail
from app.actions.stores import Settings, fingerprint
from app.carriers import LONGEST as LONGEST_CARRIER
from app.forms.base import StrictForm
from app.forms.fields import NumberField, PlainField, TextsField, TickField, WordsField
from app.forms.purchases import EMAIL
from app.forms.values import CurrencyField, needed
from app.models import Store
from app.words import fold

MOST_DAYS = 3650
MOST_MONTHS = 240
MOST_HANDLING = 60
MOST_UNDO = 24 * 60
MOST_HOLIDAYS = 400
MOST_CARRIERS = 40
LONGEST_MAIL = 2000
FIRST_YEAR, LAST_YEAR = 1990, 2099

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_BRACED = re.compile(r"\{[^{}\n]*\}?|\}")
_PERCENT = re.compile(r"(\d{1,3})(?:\.(\d{1,2}))?", re.ASCII)


@cache
def zones() -> tuple[str, ...]:
    """Return the names of all time zones, in the alphabet's order."""
    # Two entries of the system's list are places of its own, not of the world.
    return tuple(sorted(available_timezones() - {"localtime", "Factory"}))


class ZoneField(PlainField):
    """The name of a time zone."""

    def read(self, text: str) -> str:
        """Return the name; ValueError where there is no such zone."""
        if text not in zones():
            raise ValueError(
                f"“{text[:64]}” is no time zone that we know: choose one, such as Europe/Berlin."
            )
        return text


class ListField(TextsField):
    """Texts one a line; empty lines are left out."""

    def __init__(self, label: str | None = None, *args: Any, most_lines: int, **kwargs: Any) -> None:
        super().__init__(label, *args, most=LONGEST_MAIL * 10, **kwargs)
        self.most_lines = most_lines

    def shown(self, value: Any) -> str:
        """Return the lines as they are typed."""
        return "\n".join(value)

    def read(self, text: str) -> Any:
        """Return the lines; ValueError where one is wrong, or where there are too many."""
        lines = [line.strip() for line in (super().read(text) or "").split("\n")]
        found = self.judged([line for line in lines if line])
        if len(found) > self.most_lines:
            raise ValueError(f"At most {self.most_lines} lines fit here; these are {len(found)}.")
        return found or None

    def judged(self, lines: list[str]) -> list[str]:
        """Return the lines as they are kept; ValueError says which is wrong."""
        return lines


class DaysField(ListField):
    """Days one a line, such as 2026-12-25; kept in their sequence, each once."""

    def judged(self, lines: list[str]) -> list[str]:
        """Return the days; ValueError names the first line that is none."""
        return sorted({_day(line).isoformat() for line in lines})


def _day(text: str) -> date:
    """Return a day; ValueError where the text is none."""
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"“{text[:64]}” is not a day: write it as 2026-12-25, one a line.")
    return day


class CarriersField(ListField):
    """Names of carriers one a line, each once whatever its case."""

    def judged(self, lines: list[str]) -> list[str]:
        """Return the names in their sequence; ValueError names one that is too long."""
        names: dict[str, str] = {}
        for line in lines:
            if len(line) > LONGEST_CARRIER:
                raise ValueError(
                    f"“{line[:20]}…” is too long: at most {LONGEST_CARRIER} characters name a carrier."
                )
            names.setdefault(fold(line), line)
        return list(names.values())


def percent_text(share: int) -> str:
    """Write hundredths of a percent as a percentage: 600 is "6.00"."""
    return f"{share // 100}.{share % 100:02}"


class PercentField(PlainField):
    """A share of a hundred with at most two decimals, kept in hundredths of a percent."""

    def shown(self, value: int) -> str:
        """Return 600 as "6.00"."""
        return percent_text(value)

    def read(self, text: str) -> int:
        """Return hundredths of a percent; ValueError where it is none from 0 to 100."""
        found = _PERCENT.fullmatch(text.strip())
        share = int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0")) if found else -1
        if not 0 <= share <= 10_000:
            raise ValueError("Write a percentage from 0 to 100 with at most two decimals, such as 6.50.")
        return share


def in_braces(before_last: str = "and") -> str:
    """Return the names that own words may hold, as they are written: "{buyer}, {order} and {store}"."""
    *others, last = (f"{{{name}}}" for name in NAMES)
    return f"{', '.join(others)} {before_last} {last}"


class MailTextField(TextsField):
    """The store's own words in a mail, in which braces stand around the names of `NAMES` alone."""

    def read(self, text: str) -> str | None:
        """Return the text; ValueError shows the first name that stands for nothing."""
        said = super().read(text)
        for found in _BRACED.findall(said or ""):
            if found not in {f"{{{name}}}" for name in NAMES}:
                raise ValueError(f"“{found[:32]}” stands for nothing: write {in_braces('or')}.")
        return said


# The days on which the store sends, and the store's own words, one field a kind of mail.
WorkdaysForm = type(
    "WorkdaysForm", (PartForm,), {f"day{n}": TickField(day) for n, day in enumerate(WEEKDAYS, start=1)}
)
MailTextsForm = type(
    "MailTextsForm",
    (PartForm,),
    {kind.value: MailTextField(kind.label, most=LONGEST_MAIL) for kind in Mail},
)


class SettingsForm(StrictForm):
    """All that a store sets for itself; `seen` is the fingerprint of the settings that the form showed."""

    seen = WordsField(most=64)
    name = WordsField("Name", [needed], most=255)
    legal_name = WordsField("Legal name", most=255)
    address = TextsField("Address", most=1000)
    vat_id = WordsField("VAT id", most=32)
    zone = ZoneField("Time zone", [needed])
    currency = CurrencyField("Currency")
    handling_days = NumberField("Handling days", [needed], most=MOST_HANDLING)
    workdays: Any = FormField(WorkdaysForm)
    cut_off = NumberField("Cut-off hour", [needed], most=24)
    holidays = DaysField("Holidays", most_lines=MOST_HOLIDAYS)
    cancel_days = NumberField("Cancel a paid sale within", [needed], most=MOST_DAYS)
    unpaid_days = NumberField("Cancel an unpaid sale after", [needed], most=MOST_DAYS)
    received_days = NumberField("Ask about a parcel after", [needed], least=1, most=MOST_DAYS)
    undo_minutes = NumberField("Undo within", [needed], most=MOST_UNDO)
    guest_days = NumberField("Guest links work for", [needed], most=MOST_DAYS)
    forget_months = NumberField("Forget buyers after", [needed], most=MOST_MONTHS)
    carriers = CarriersField("Carriers offered first", most_lines=MOST_CARRIERS)
    commission = PercentField("Commission in percent", [needed])
    mails_all = TickField("Also mail buyers of other channels")
    mail_from = WordsField("Answers go to", most=320)
    mail_texts: Any = FormField(MailTextsForm)

    workdays_error = ""

    def __init__(self, sent: Any = None, *, store: Store, may_set_commission: bool) -> None:
        """Show the store's settings, or what was sent for them."""
        self.store = store
        kept = {
            name: getattr(store, name) for name in Settings._fields if name not in {"workdays", "mail_texts"}
        }
        super().__init__(
            sent,
            data={
                **kept,
                "seen": fingerprint(store),
                "commission": store.commission_bp,
                "workdays": {f"day{n}": str(n) in store.workdays for n in range(1, 8)},
                "mail_texts": store.mail_texts,
            },
        )
        if not may_set_commission:
            del self.commission

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge every field; what is no field of this person's form is refused."""
        is_valid = super().validate(extra_validators)
        if not self._workdays():
            self.workdays_error = "Tick one day at least: otherwise nothing would ever be due."
            is_valid = False
        return is_valid

    def validate_mail_from(self, field: WordsField) -> None:
        """Refuse what cannot be an address."""
        if field.data and not EMAIL.fullmatch(field.data):
            raise ValidationError("Write an address such as shop@example.com.")

    def _workdays(self) -> str:
        """Return the ticked days as ISO numbers, "12345"."""
        return "".join(str(n) for n in range(1, 8) if self.workdays.form[f"day{n}"].data)

    def settings(self) -> Settings:
        """Return what was sent as the act takes it; only after `validate`."""
        return Settings(
            name=self.name.data,
            legal_name=self.legal_name.data or "",
            address=self.address.data or "",
            vat_id=self.vat_id.data or "",
            zone=self.zone.data,
            currency=self.currency.data,
            handling_days=self.handling_days.data,
            workdays=self._workdays(),
            cut_off=self.cut_off.data,
            holidays=self.holidays.data or [],
            cancel_days=self.cancel_days.data,
            unpaid_days=self.unpaid_days.data,
            received_days=self.received_days.data,
            undo_minutes=self.undo_minutes.data,
            guest_days=self.guest_days.data,
            forget_months=self.forget_months.data,
            carriers=self.carriers.data or [],
            commission_bp=self.commission.data if "commission" in self else None,
            mails_all=self.mails_all.data,
            mail_from=self.mail_from.data or "",
            mail_texts={f.short_name: f.data for f in self.mail_texts.form if f.data},
        )
