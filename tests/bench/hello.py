"""The least that a Flask application can do: the floor under every page."""

from flask import Flask

from tests.bench.calls import Answer, Wrong

WORDS = "hello"

app = Flask(__name__)


@app.get("/")
def hello() -> str:
    """Say hello."""
    return WORDS


def says_hello(answer: Answer) -> None:
    """Judge an answer."""
    if answer != (200, WORDS.encode()):
        raise Wrong(f"no hello: {answer}")
