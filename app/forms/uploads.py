"""Files that are sent by a page, and what their reports may be asked."""

from collections.abc import Mapping
from typing import Any

from werkzeug.datastructures import FileStorage
from wtforms import FileField
from wtforms.validators import ValidationError

from app.actions.imports import Outcome
from app.forms.base import Form
from app.forms.fields import CONTROL
from app.forms.values import WordField

LONGEST_NAME = 255


class OrderFileForm(Form):
    """One file of orders."""

    file = FileField("File")

    def __init__(self, files: Mapping[str, Any] | None = None) -> None:
        super().__init__(files)

    def validate_file(self, field: Any) -> None:
        """Ask for a file."""
        if not isinstance(field.data, FileStorage) or not field.data.filename:
            raise ValidationError("Choose a file.")

    def content(self) -> bytes:
        """Return what is in the file; only after `validate`."""
        self.file.data.seek(0)
        return bytes(self.file.data.read())

    def file_name(self) -> str:
        """Return what the file is called, without the folders that some browsers put before it.

        The name is shown and never used as a path.
        """
        name = str(self.file.data.filename).replace("\\", "/").rsplit("/", 1)[-1]
        return CONTROL.sub("", name)[:LONGEST_NAME] or "file"


class ReportForm(Form):
    """Which orders of a report are shown."""

    verdict = WordField("Verdict", of=Outcome)
