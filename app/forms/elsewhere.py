"""What comes with a sign-in elsewhere: where to go afterwards, and what its issuer sends back."""

from app.forms.accounts import is_of_this_site
from app.forms.base import Form
from app.forms.fields import WordsField

LONGEST_CODE = 4000
# Bytes of a path as the cookie keeps it: a browser drops a cookie of more than four thousand.
LONGEST_WAY = 1500


class GoingForm(Form):
    """The page to go to once one is signed in."""

    next = WordsField(most=2000)

    def way_on(self) -> str:
        """Return the page that was asked for, where it is one of ours; else the way to one's desk."""
        path = self.next.data or ""
        is_short = len(path.encode("ascii", "backslashreplace")) <= LONGEST_WAY
        return path if self.validate() and is_of_this_site(path) and is_short else "/"


class BackForm(Form):
    """What the browser brings back from the issuer; what else it brings is not looked at."""

    state = WordsField(most=200)
    code = WordsField(most=LONGEST_CODE)
    iss = WordsField(most=500)
    error = WordsField(most=200)
