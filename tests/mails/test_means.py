"""The means by which mails leave: a file, the console, TLS; and the settings that choose them."""

import shutil
import ssl
import stat
import subprocess
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from flask import Flask

from app.config import BadSetting, from_environment
from tests.factories import Factory
from tests.mails.outbox import MAJA, SITE, Box, change, free_port, go_round, rows, sale, send, sending_by


def test_where_no_server_is_named_mails_are_files_that_only_their_owner_reads(
    app: Flask, make: Factory, tmp_path: Path
) -> None:
    given = {"MAIL_MEANS": "file", "MAIL_FILE_PATH": str(tmp_path / "mails"), "MAIL_SENDER": SITE}
    with sending_by(app, given), app.app_context():
        send(make, sale(make))
        go_round()
        change(state="due")
        go_round()
    (file,) = (tmp_path / "mails").iterdir()  # what goes out twice is one file
    assert file.suffix == ".eml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert mail["To"] == MAJA
    assert "2 × Letterpress card" in mail.get_content()  # type: ignore[attr-defined]


def test_the_console_shows_mails(app: Flask, make: Factory, capsys: pytest.CaptureFixture[str]) -> None:
    with sending_by(app, {"MAIL_MEANS": "console", "MAIL_SENDER": SITE}), app.app_context():
        send(make, sale(make))
        go_round()
    assert f"To: {MAJA}\n" in capsys.readouterr().out


def test_tls_wants_a_certificate_that_fits(desk: Flask, make: Factory, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate of this test")
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    asked = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost"
    made = [*asked.split(), "-keyout", key, "-out", certificate]
    subprocess.run(made, check=True, capture_output=True)
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(certificate, key)
    controller = Controller(Box(), hostname="127.0.0.1", port=free_port(), tls_context=own)
    controller.start()
    try:
        send(make, sale(make))
        with sending_by(desk, {"MAIL_PORT": controller.port, "MAIL_USE_TLS": True}):
            go_round()
    finally:
        controller.stop()
    assert rows()[0].trouble == "The mail server's certificate does not fit its name."
    assert controller.handler.mails == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"BACKEND": "pigeon"}, "TRADEPOST_MAIL_BACKEND must be smtp, console or file, not “pigeon”."),
        ({"BACKEND": "smtp"}, "name the server in TRADEPOST_MAIL_SERVER"),
        ({"SERVER": "mx", "TLS": "1", "SSL": "1"}, "exclude each other"),
        ({"SENDER": "Desk <a@b>\r\nBcc: c@d"}, "TRADEPOST_MAIL_SENDER must be an e-mail address"),
        ({"PORT": "0"}, "TRADEPOST_MAIL_PORT must be a whole number from 1"),
    ],
)
def test_a_setting_that_cannot_be_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: dict[str, str], says: str
) -> None:
    monkeypatch.setenv("TRADEPOST_INSTANCE", str(tmp_path))
    for name, value in given.items():
        monkeypatch.setenv(f"TRADEPOST_MAIL_{name}", value)
    with pytest.raises(BadSetting) as refused:
        from_environment()
    assert says in refused.value.message


@pytest.mark.parametrize(
    ("given", "is_so"),
    [
        ({}, ("file", 25, False)),
        ({"SERVER": "mx"}, ("smtp", 25, False)),
        ({"SERVER": "mx", "USER": "me"}, ("smtp", 587, True)),  # no password goes in the clear
        ({"SERVER": "mx", "USER": "me", "SSL": "1"}, ("smtp", 465, False)),
        ({"SERVER": "mx", "BACKEND": "console"}, ("console", 25, False)),
    ],
)
def test_what_is_named_decides_how_mail_leaves(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    given: dict[str, str],
    is_so: tuple[str, int, bool],
) -> None:
    monkeypatch.setenv("TRADEPOST_INSTANCE", str(tmp_path))
    for name, value in given.items():
        monkeypatch.setenv(f"TRADEPOST_MAIL_{name}", value)
    read = from_environment()
    assert (read["MAIL_MEANS"], read["MAIL_PORT"], read["MAIL_USE_TLS"]) == is_so
