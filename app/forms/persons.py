"""What site admins send about a person: whose data is given out or erased."""

from wtforms.validators import ValidationError

from app.forms.base import Form
from app.forms.fields import IdField, TickField, WordsField
from app.forms.values import needed

LONGEST_EMAIL = 320


class PersonForm(Form):
    """Whose data it is."""

    email = WordsField("E-mail", [needed], most=LONGEST_EMAIL)


class NamedForm(Form):
    """Of whom a page speaks already."""

    person = IdField("Person")


class EraseForm(PersonForm):
    """Whose data is erased: their address is typed twice."""

    email = WordsField("E-mail", [needed], most=LONGEST_EMAIL, id="erase-email")
    again = WordsField("E-mail again", [needed], most=LONGEST_EMAIL)
    anyway = TickField("Also if something is still to be sent to them")

    def validate_again(self, field: WordsField) -> None:
        """Ask for the same address."""
        if field.data != self.email.data and not field.errors:
            raise ValidationError("This is another address than the one above.")
