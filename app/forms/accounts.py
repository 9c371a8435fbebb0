"""What people set for themselves."""

from wtforms.validators import AnyOf, Optional

from app.forms.base import Form
from app.forms.fields import WordsField


def is_of_this_site(path: str) -> bool:
    """Tell whether a path leads to a page of ours: one slash, and nothing a browser could read otherwise."""
    return path.startswith("/") and not path.startswith("//") and not set(path) & set("\\\r\n\t\x00")


class ThemeForm(Form):
    """Light, dark or as the system has it, and the page to go back to."""

    theme = WordsField("Theme", most=8, validators=[Optional(), AnyOf(["auto", "light", "dark"])])
    next = WordsField(most=2000)

    def way_back(self) -> str | None:
        """Return the page it was chosen on, where it is one of ours."""
        path = self.next.data
        return path if path and is_of_this_site(path) else None
