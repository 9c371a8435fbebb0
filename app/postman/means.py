"""The means by which mail leaves: a server by SMTP, the worker's console, or a folder of .eml files."""

import os
import smtplib
import socket
import ssl
from pathlib import Path
from typing import Any, NamedTuple

from flask_mailman import EmailMessage
from flask_mailman.backends.base import BaseEmailBackend
from flask_mailman.backends.console import EmailBackend as Console
from flask_mailman.backends.smtp import EmailBackend as Smtp

PERMANENT = 500


class CarefulSmtp(smtplib.SMTP):
    """SMTP whose STARTTLS wants to see a certificate that fits: smtplib by itself takes any."""

    def starttls(self, *_: Any, **__: Any) -> tuple[int, bytes]:
        """Go over to TLS."""
        return super().starttls(context=ssl.create_default_context())


class Server(Smtp):
    """A mail server, spoken to by SMTP."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """Return what speaks to the server."""
        return smtplib.SMTP_SSL if self.use_ssl else CarefulSmtp


class Folder(BaseEmailBackend):
    """A folder in which every mail is a file, named by its Message-ID: what goes out twice is one."""

    def send_messages(self, email_messages: list[EmailMessage]) -> int:
        """Write each mail into a file that appears whole or not at all, readable by its owner only."""
        folder = Path(self.mailman.file_path)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for mail in email_messages:
            name = mail.extra_headers["Message-ID"].strip("<>").partition("@")[0]
            draft = folder / f".{name}.{os.getpid()}"
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(mail.message().as_bytes())
            draft.replace(folder / f"{name}.eml")
        return len(email_messages)


MEANS: dict[str, type[BaseEmailBackend]] = {"smtp": Server, "console": Console, "file": Folder}


class NotReached(Exception):
    """No server was there to be handed a mail; the cause says why."""


class Reason(NamedTuple):
    """Why a mail was not sent, in words of ours.

    `is_final`: asking again does not help. `is_doubtful`: it may have been taken all the same.
    `is_unreachable`: the next mail would fare no better now. `is_unforeseen`: look at the code.
    """

    words: str
    is_final: bool = False
    is_doubtful: bool = False
    is_unreachable: bool = False
    is_unforeseen: bool = False


def why_not(error: Exception) -> Reason:
    """Put what kept a mail from being sent into words; nothing of the server's answer but its number."""
    match error:
        case NotReached(__cause__=Exception() as cause):
            reason = why_not(cause)
            words = "The mail server cannot be reached." if reason.is_doubtful else reason.words
            return reason._replace(words=words, is_doubtful=False, is_unreachable=True)
        case smtplib.SMTPRecipientsRefused():
            codes = [code for code, _ in error.recipients.values()]
            is_final = all(code >= PERMANENT for code in codes)
            return Reason(f"The mail server refused the address ({codes[0]}).", is_final=is_final)
        case smtplib.SMTPAuthenticationError():
            words = f"The mail server refused the desk's user or password ({error.smtp_code})."
            return Reason(words, is_unreachable=True)
        case smtplib.SMTPSenderRefused():
            return Reason(f"The mail server refused the sender ({error.smtp_code}).")
        case smtplib.SMTPConnectError():
            return Reason(f"The mail server takes no mail now ({error.smtp_code}).", is_unreachable=True)
        case smtplib.SMTPResponseException():
            return Reason(f"The mail server did not take the mail ({error.smtp_code}).")
        case smtplib.SMTPNotSupportedError():
            return Reason("The mail server cannot do what the settings ask of it.", is_unreachable=True)
        case ConnectionRefusedError() | socket.gaierror():
            return Reason("The mail server cannot be reached.", is_unreachable=True)
        case ssl.SSLCertVerificationError():
            return Reason("The mail server's certificate does not fit its name.", is_unreachable=True)
        case smtplib.SMTPServerDisconnected() | TimeoutError() | ConnectionError():
            words = "The connection to the mail server broke."
            return Reason(words, is_doubtful=True, is_unreachable=True)
        case OSError():
            return Reason("The mail could not be handed over.", is_doubtful=True, is_unreachable=True)
    return Reason("The mail could not be sent.", is_unforeseen=True)
