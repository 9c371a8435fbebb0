"""The HTML doors: a blueprint a module. This file only puts them together."""

from flask import Flask
from werkzeug.routing import BaseConverter, ValidationError

from app.forms.fields import read_id
from app.web import (
    account,
    aftersale,
    attention,
    buyers_word,
    errors,
    frame,
    headers,
    health,
    imports,
    invoices,
    items,
    new_sale,
    origin,
    parcels,
    purchases,
    sales,
    settings,
    ship,
    signin,
    site,
    tokens,
    webhooks,
)

BLUEPRINTS = (
    account.blueprint,
    health.blueprint,
    sales.blueprint,
    ship.blueprint,
    aftersale.blueprint,
    items.blueprint,
    parcels.blueprint,
    attention.blueprint,
    imports.blueprint,
    new_sale.blueprint,
    settings.blueprint,
    webhooks.blueprint,
    purchases.blueprint,
    buyers_word.blueprint,
    invoices.blueprint,
    site.blueprint,
    tokens.blueprint,
)


class IdConverter(BaseConverter):
    """An id in a path: plain digits, no leading zero, at most 2^63-1; every other spelling is a 404."""

    regex = "[1-9][0-9]{0,18}"

    def to_python(self, value: str) -> int:
        """Return the id."""
        try:
            return read_id(value)
        except ValueError as wrong:
            raise ValidationError from wrong


def init_app(app: Flask) -> None:
    """Register pages, sign-in, headers and error pages."""
    app.url_map.converters["id"] = IdConverter
    origin.init_app(app)
    signin.init_app(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    frame.init_app(app)
    headers.init_app(app)
    errors.init_app(app)
