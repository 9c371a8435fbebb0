"""Which columns hold what is somebody's own, which hold secrets, and what stands there once it is forgotten.

Every other column of text is plain: it names no person. A test holds this list against the schema, so that
no column comes without an answer.
"""

from typing import Any

from sqlalchemy import JSON, ColumnElement, case

# What is given out to the person, and forgotten with them.
PERSONAL: dict[str, tuple[str, ...]] = {
    "account": ("email", "username", "name", "zone", "locale", "preferences"),
    "address": (
        "name",
        "given_name",
        "family_name",
        "company",
        "street",
        "street2",
        "city",
        "region",
        "region_code",
        "postal_code",
        "phone",
        "email",
        "destination_key",
    ),
    "api_token": ("name",),
    "buyer": ("external_ref", "username", "name", "email"),
    "feedback": ("text",),
    "idempotency": ("answer",),
    "identity": ("subject",),
    "invitation": ("email",),
    "job": ("source",),
    "job_row": ("reason",),
    "note": ("body",),
    "order_item": ("personalisation", "ack"),
    "orders": ("open_key", "buyer_note", "gift_message"),
    "outbox": ("recipient",),
    "pull": ("remarks",),
    "search_term": ("term",),
    "signin": ("browser", "address"),
}
# What nobody is given, not even the person.
SECRET: dict[str, tuple[str, ...]] = {
    "account": ("password", "fs_uniquifier", "tf_primary_method", "tf_totp_secret", "mf_recovery_codes"),
    "api_token": ("token_hash",),
    "connection": ("sealed_key",),
    "handoff": ("key_hash",),
    "signin": ("token_hash",),
}
# What stands where something must.
NEUTRAL = {
    "account.name": "Forgotten person",
    "address.name": "Forgotten",
    "buyer.name": "Forgotten buyer",
    "note.body": "Forgotten",
    "order_item.ack": "Forgotten",
}


def neutral(table: Any, names: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Return what these columns of a table (None: its personal ones) hold once they are forgotten.

    What was empty stays empty, so that the history of what was set holds.
    """
    columns = [table.c[name] for name in (names or PERSONAL[table.name])]
    return {column.name: _neutral(f"{table.name}.{column.name}", column) for column in columns}


def _neutral(name: str, column: Any) -> ColumnElement[Any] | Any:
    """Return the word of a column, or that it is empty."""
    if name in NEUTRAL:
        return case((column.is_not(None), NEUTRAL[name]))
    if column.nullable:
        return None
    return {} if isinstance(column.type, JSON) else ""
