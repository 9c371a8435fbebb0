"""What comes with a sign-in elsewhere: where to go afterwards, and what its issuer sends back."""

from app.forms.accounts import is_of_this_site, is_short_way
from app.forms.base import Form
from app.forms.fields import WordsField

LONGEST_CODE = 4000


class GoingForm(Form):
    """The page to go to once one is signed in."""

    next = WordsField(most=2000)

    def way_on(self) -> str:
        """Return the page that was asked for, where it is one of ours; else the way to one's desk."""
        path = self.next.data or ""
        return path if self.validate() and is_of_this_site(path) and is_short_way(path) else "/"


class BackForm(Form):
    """What the browser brings back from the issuer; what else it brings is not looked at."""

    state = WordsField(most=200)
    code = WordsField(most=LONGEST_CODE)
    iss = WordsField(most=500)
    error = WordsField(most=200)
