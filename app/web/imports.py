"""Bringing in files (being written)."""

from flask import Blueprint

blueprint = Blueprint("imports", __name__, url_prefix="/stores/<slug>/import")


@blueprint.get("")
def index(slug: str) -> str:
    return ""
