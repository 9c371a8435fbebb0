"""The site's calls as the document tells of them: what they take and answer, and their objects."""

from typing import Any

from app.api.openapi import Call, Described, Schema, Taken, kinds, text_schema, whole
from app.api.openapi.kinds import CURRENCY, ID, TEXT, TRUTH, listed, or_null, ref, said, thing
from app.forms.settings import ZoneField, zones
from app.forms.site import SLUG, SlugField, StoreOpenForm
from app.forms.site_calls import (
    LONGEST_PATH,
    AccountListForm,
    AccountOpenForm,
    HandoffForm,
    MemberForm,
    OpenForm,
    PathField,
    StoreListForm,
)
from app.statuses import Role

NEXT = or_null(ID, "What to send as `after` for more; null at the end.")
STORE: dict[str, Schema] = {
    "id": ID,
    "slug": said(TEXT, "Its name in addresses."),
    "name": TEXT,
    "currency": CURRENCY,
    "zone": said(TEXT, "Its time zone."),
    "is_vendor": said(TRUTH, "Whether it redeems deals."),
    "is_active": said(TRUTH, "Whether its people may come in."),
}
ACCOUNT: dict[str, Schema] = {
    "id": ID,
    "email": or_null(TEXT),
    "username": or_null(TEXT),
    "name": TEXT,
    "is_active": TRUTH,
    "is_site_admin": TRUTH,
    "is_email_proved": said(TRUTH, "Whether somebody answers for it that the e-mail is that person’s."),
}


@text_schema.register
def _(field: SlugField, form: Any) -> Schema:
    return {"type": "string", "pattern": whole(SLUG)}


@text_schema.register
def _(field: ZoneField, form: Any) -> Schema:
    return {"type": "string", "enum": sorted(zones())}


@text_schema.register
def _(field: PathField, form: Any) -> Schema:
    words = "A page of this desk: a path that begins with one slash."
    return {
        "type": "string",
        "maxLength": LONGEST_PATH,
        "pattern": r"^/(?!/)[^\\\x00-\x1f\x7f]*$",
        "description": words,
    }


DESCRIBED = Described(
    "Site",
    "How a marketplace’s own program runs the site: it makes stores and accounts, gives places, shuts and "
    "opens, and hands its people over. The token is a site admin’s, of no single store, with the scope "
    "`write:site`.",
    {
        "stores": Call(
            {200: thing({"stores": listed(ref("SiteStore")), "next": NEXT})}, query=Taken(StoreListForm)
        ),
        "make_store": Call(
            {201: ref("SiteStore"), 200: ref("SiteStore")},
            body=Taken(StoreOpenForm, is_json_alone=True),
            refuses=(409, 422),
            needs_key=True,
        ),
        "open_or_shut_store": Call(
            {200: ref("SiteStore")},
            body=Taken(OpenForm, required=("is_active",), is_json_alone=True),
            refuses=(409, 422),
            needs_key=True,
        ),
        "add_member": Call(
            {201: ref("SiteMember")},
            body=Taken(MemberForm, required=("role",), is_json_alone=True),
            refuses=(409, 422),
            needs_key=True,
            words="Send `account_id` or `email`, one of the two.",
        ),
        "accounts": Call(
            {200: thing({"accounts": listed(ref("SiteAccount")), "next": NEXT})},
            query=Taken(AccountListForm),
        ),
        "make_account": Call(
            {201: ref("SiteAccount"), 200: ref("SiteAccount")},
            body=Taken(AccountOpenForm, is_json_alone=True),
            refuses=(409, 422),
            needs_key=True,
        ),
        "open_or_shut_account": Call(
            {200: ref("SiteAccount")},
            body=Taken(OpenForm, required=("is_active",), is_json_alone=True),
            refuses=(409, 422),
            needs_key=True,
            words="A site admin’s account is not changed by a program (403).",
        ),
        "hand_over": Call(
            {201: ref("SiteHandoff")},
            body=Taken(HandoffForm, is_json_alone=True),
            refuses=(409, 422),
            words="Send `account_id` or `email`, one of the two. Each call makes a link of its own, hence no "
            "Idempotency-Key.",
        ),
    },
    {
        "SiteStore": thing(STORE),
        "SiteAccount": thing(ACCOUNT),
        "SiteMember": thing(
            {"store": TEXT, "account_id": ID, "email": or_null(TEXT), "role": kinds.one_of(Role)}
        ),
        "SiteHandoff": thing(
            {
                "url": said(TEXT, "Where to send the person: it works once."),
                "account_id": ID,
                "expires_at": {"type": "string", "format": "date-time"},
            }
        ),
        "SiteError": thing(
            {"error": TEXT, "field": said(TEXT, "The field that is meant; empty for the whole.")},
            without={"field"},
        ),
    },
    {"slug": said(kinds.STEP, "The store’s name in addresses."), "account": ID},
    (("bearer",),),
    {},
    ref("SiteError"),
    (400, 401, 403, 404, 415, 429, 500, 503),
)
