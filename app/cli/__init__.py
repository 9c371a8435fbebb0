"""The command line's door: `flask setup, demo, import, store, account, token, person, serve, verify, ...`.

A command finds, lets an act do it, commits and says what came of it. What cannot be done ends it with one
sentence: exit code 1 where it was refused, 2 where it was asked wrongly.
"""

from flask import Flask

from app.cli import backup, books, demo, files, people, persons, serve, setup, worker

COMMANDS = (
    backup.backup,
    backup.restore,
    books.recount_all,
    books.verify,
    demo.demo,
    files.import_file,
    people.account,
    people.store,
    people.token,
    persons.person,
    serve.serve,
    setup.setup,
    worker.work,
)


def init_app(app: Flask) -> None:
    """Register the commands."""
    for command in COMMANDS:
        app.cli.add_command(command)
