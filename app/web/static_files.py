"""The browser's own files: their addresses say what is in them, so that a browser asks for each once."""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from flask import Flask, Response, request, url_for
from werkzeug.security import safe_join

KEPT = "public, max-age=31536000, immutable"  # a year: with other content the address is another


def init_app(app: Flask) -> None:
    """Give templates the addresses of static files, and let what was asked for by its version be kept."""
    folder = str(app.static_folder)

    @app.template_global()
    def static_path(name: str) -> str:
        """Return the address of a static file, put together once."""
        return _static_path(request.script_root, name, version(folder, name))

    @app.after_request
    def let_it_be_kept(answer: Response) -> Response:
        if request.endpoint == "static" and answer.status_code < 400 and "v" in request.args:
            name = (request.view_args or {})["filename"]
            if request.args["v"] == version(folder, name):
                answer.headers["Cache-Control"] = KEPT
        return answer


def version(folder: str, name: str) -> str | None:
    """Return what changes when the content of a file changes; None where there is no such file."""
    path = safe_join(folder, name)
    try:
        return _digest(path, Path(path).stat().st_mtime_ns) if path else None
    except OSError:
        return None


@lru_cache(maxsize=64)
def _static_path(_root: str, name: str, version: str | None) -> str:
    return url_for("static", filename=name, v=version)


@lru_cache(maxsize=64)
def _digest(path: str, _mtime_ns: int) -> str:
    return sha256(Path(path).read_bytes()).hexdigest()[:12]
