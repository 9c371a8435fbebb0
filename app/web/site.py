"""What site admins see: every store and who works in it."""

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from app.access import find_site
from app.queries import counts, people
from app.web.signin import current_actor

blueprint = Blueprint("site", __name__, url_prefix="/site")


@blueprint.get("")
def index() -> ResponseReturnValue:
    """Show all stores with their people and how much there is to do."""
    find_site(current_actor())
    stores = people.all_stores()
    members = people.members_of([s.id for s in stores])
    tallies = counts.tabs_of_all()
    return render_template(
        "site/index.html",
        stores=[
            {
                "name": s.name,
                "slug": s.slug,
                "href": url_for("sales.index", slug=s.slug),
                "is_active": s.is_active,
                "is_vendor": s.is_vendor,
                "currency": s.currency,
                "people": [(name, role) for store_id, name, role in members if store_id == s.id],
                "all": sum(tallies.get(s.id, {}).values()),
                "to_ship": tallies.get(s.id, {}).get("to_ship", 0),
            }
            for s in stores
        ],
    )
