"""What the tests of the pages share: browsers signed in as one of the cast, ready to send forms."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.web.pages import Browser


@pytest.fixture
def browse(sign_in: Callable[[str], FlaskClient]) -> Callable[[str], Browser]:
    """Return a browser signed in as one of the cast that knows its CSRF token."""
    return lambda who: Browser(sign_in(who))
