"""The HTML doors: a blueprint a module. This file only puts them together."""

from flask import Flask
from werkzeug.routing import BaseConverter, ValidationError

from app.forms.fields import read_id
from app.web import (
    account,
    aftersale,
    attention,
    buyers_word,
    connections,
    cookies,
    email_change,
    errors,
    frame,
    guest,
    guest_links,
    handoff,
    headers,
    health,
    imports,
    invitations,
    invoices,
    items,
    logbook,
    new_sale,
    openid,
    order_links,
    origin,
    parcels,
    passwords,
    persons,
    purchases,
    sales,
    second_factor,
    second_step,
    settings,
    ship,
    signin,
    signins,
    site,
    site_log,
    site_people,
    staff,
    static_files,
    store_tokens,
    tokens,
    webhooks,
)

BLUEPRINTS = (
    account.blueprint,
    passwords.blueprint,
    email_change.blueprint,
    second_factor.blueprint,
    second_step.blueprint,
    signins.blueprint,
    health.blueprint,
    sales.blueprint,
    ship.blueprint,
    aftersale.blueprint,
    items.blueprint,
    parcels.blueprint,
    persons.blueprint,
    attention.blueprint,
    imports.blueprint,
    new_sale.blueprint,
    settings.blueprint,
    webhooks.blueprint,
    connections.blueprint,
    purchases.blueprint,
    buyers_word.blueprint,
    guest.blueprint,
    guest_links.blueprint,
    invoices.blueprint,
    site.blueprint,
    site_people.blueprint,
    site_log.blueprint,
    staff.blueprint,
    invitations.blueprint,
    store_tokens.blueprint,
    logbook.blueprint,
    tokens.blueprint,
    handoff.blueprint,
    order_links.blueprint,
)


class IdConverter(BaseConverter):
    """An id in a path: plain digits, no leading zero, at most 2^63-1; every other spelling is a 404."""

    regex = "[1-9][0-9]{0,18}"
    weight = 50  # tried before a step that takes any text

    def to_python(self, value: str) -> int:
        """Return the id."""
        try:
            return read_id(value)
        except ValueError as wrong:
            raise ValidationError from wrong


def init_app(app: Flask) -> None:
    """Register pages, sign-in, headers and error pages."""
    app.url_map.converters["id"] = IdConverter
    cookies.init_app(app)
    origin.init_app(app)
    signin.init_app(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    openid.init_app(app)
    frame.init_app(app)
    headers.init_app(app)
    static_files.init_app(app)
    errors.init_app(app)
