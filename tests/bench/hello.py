"""The least that a Flask application can do: the floor under every page."""

from flask import Flask

from tests.bench.calls import Answer, Wrong

WORDS = "hello"


def create_hello() -> Flask:
    """Make an application that says hello and nothing else."""
    app = Flask(__name__)
    app.add_url_rule("/", "hello", lambda: WORDS)
    return app


def says_hello(answer: Answer) -> None:
    """Judge an answer."""
    if answer != (200, WORDS.encode()):
        raise Wrong(f"no hello: {answer}")
