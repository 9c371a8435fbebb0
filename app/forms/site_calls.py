"""What a marketplace's own program sends about the site: stores, accounts, members, hand-offs, lists."""

import re
from typing import Any

from wtforms.validators import ValidationError

from app.forms.accounts import is_of_this_site
from app.forms.base import Form
from app.forms.fields import IdField, NumberField, PlainField, TickField, WordsField
from app.forms.values import LONGEST_NAME, EmailField, WordField, needed
from app.statuses import Role

LONGEST_PATH = 2000
MOST_LISTED = 100


class PathField(PlainField):
    """The path of a page of this desk, with its query."""

    def read(self, text: str) -> str:
        """Return the path; ValueError where a browser could take it elsewhere."""
        if len(text) > LONGEST_PATH:
            raise ValueError(f"At most {LONGEST_PATH} characters fit here; these are {len(text)}.")
        if not is_of_this_site(text):
            raise ValueError("Write a path of this desk that begins with one slash, such as /purchases.")
        return text


class YesField(TickField):
    """Yes or no; null and absent leave it unsaid."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read it; absent is none of both."""
        PlainField.process_formdata(self, valuelist)


class AccountOpenForm(Form):
    """A new account; `is_email_proved`: the marketplace has proved that the e-mail is its person's."""

    email = EmailField("E-mail", [needed])
    name = WordsField("Name", most=LONGEST_NAME)
    is_email_proved = TickField("The e-mail is proved")


class OpenForm(Form):
    """Whether a store or an account is open."""

    is_active = YesField("Open", [needed])


class WhoForm(Form):
    """Somebody with an account, by its id or their e-mail."""

    account_id = IdField("Account")
    email = EmailField("E-mail")

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge every field; exactly one of the two names who is meant."""
        is_valid = bool(super().validate(extra_validators))
        if is_valid and (self.account_id.data is None) == (self.email.data is None):
            self.account_id.errors = ["Send account_id or email, one of the two."]
            return False
        return is_valid


class MemberForm(WhoForm):
    """Somebody's place in a store."""

    role = WordField("Role", [needed], of=Role)


class HandoffForm(WhoForm):
    """Whom a marketplace hands over, and to which page."""

    path = PathField("Page")


class StoreListForm(Form):
    """Which stores are listed: those after an id, so many."""

    after = IdField("After")
    limit = NumberField("At most", least=1, most=MOST_LISTED)

    @property
    def most(self) -> int:
        """Return how many are listed at most."""
        return self.limit.data or MOST_LISTED


class AccountListForm(StoreListForm):
    """Which accounts are listed; `email` narrows them to one."""

    email = EmailField("E-mail")


class KeyForm(Form):
    """The key of a link."""

    key = WordsField(validators=[needed], most=64)

    def validate_key(self, field: WordsField) -> None:
        """Refuse what no link ever had."""
        if field.data and not re.fullmatch(r"[A-Za-z0-9_-]{43}", field.data, re.ASCII):
            raise ValidationError("This is no key.")
