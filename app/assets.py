"""The browser's files: taken from the wheels pinned in assets.lock and placed in static/vendor/.

`make setup` runs this file by itself, before there is an app: the standard library only, and pip in a
process of its own. The app imports it for `missing` alone.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "assets.lock"
VENDOR = ROOT / "static" / "vendor"
STAMP = VENDOR / "stamp"

# Name in static/vendor/: its path inside one of the wheels.
FILES = {
    "htmx.min.js": "django_htmx/static/django_htmx/htmx-2.min.js",
    "bootstrap.min.css": "flask_bootstrap/static/bootstrap5/css/bootstrap.min.css",
    "swagger-ui-bundle.js": "flask_swagger_ui/dist/swagger-ui-bundle.js",
    "swagger-ui.css": "flask_swagger_ui/dist/swagger-ui.css",
}


def missing() -> list[str]:
    """Return the names of the files that are absent or not those of assets.lock: run `make setup`."""
    is_current = STAMP.is_file() and STAMP.read_text() == _lock_hash()
    return [name for name in FILES if not is_current or not (VENDOR / name).is_file()]


def place() -> None:
    """Download the wheels, hashes checked, and unpack the files; do nothing when none is missing."""
    if not missing():
        return
    VENDOR.mkdir(parents=True, exist_ok=True)
    STAMP.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check"]
        only = ["--no-deps", "--only-binary=:all:", "--require-hashes"]
        if subprocess.run([*pip, *only, "-r", str(LOCK), "-d", folder], check=False).returncode:
            sys.exit("assets: the files of assets.lock could not be downloaded (pip says why above)")
        for wheel in Path(folder).glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                for name, path in FILES.items():
                    if path in archive.namelist():
                        (VENDOR / name).write_bytes(archive.read(path))
    STAMP.write_text(_lock_hash())
    if absent := missing():
        sys.exit(f"assets: not in the wheels of assets.lock: {', '.join(absent)}")


def _lock_hash() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


if __name__ == "__main__":
    place()
