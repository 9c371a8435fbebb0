"""Who gets what answer at every address: one line a route, one column a person.

A route without a line fails. Beside the columns stand those who are answered as somebody of them: ELSE.
Unsafe requests carry a valid CSRF token and an empty body, so whoever has the right reads what is wrong with
it (422, 400), or gets the answer of an act to which nothing was asked.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.house.conftest import WHO, House
from tests.house.others import OTHERS

PAGES_OF_NOBODY = {"static", "security.static"}
BEFORE_SIGN_IN = ("/login", "/forgot", "/reset")


class Line(NamedTuple):
    """One route, an address of it, and the status for each of WHO, in their order."""

    method: str
    rule: str
    address: str
    statuses: tuple[int, ...]


def lines(text: str) -> list[Line]:
    """Read the table: method, rule, statuses; an address stands on a line of its own under its rule."""
    found: list[Line] = []
    for row in text.strip().splitlines():
        words = row.split()
        if words[0] in {"GET", "POST", "PUT", "PATCH", "DELETE"}:
            found.append(Line(words[0], words[1], words[1], tuple(int(word) for word in words[2:])))
        else:
            found[-1] = found[-1]._replace(address=row.strip())
    return found


# Columns: signed out, stranger, buyer, other buyer, vendor, staff, owner, owner of another store, site admin.
# 303 of somebody signed out leads to the sign-in page.
LINES = lines("""
GET  /healthz                                         200 200 200 200 200 200 200 200 200
GET  /readyz                                          200 200 200 200 200 200 200 200 200
GET  /api/openapi.json                                200 200 200 200 200 200 200 200 200
GET  /api/docs                                        200 200 200 200 200 200 200 200 200
GET  /                                                303 303 303 303 303 303 303 303 303
GET  /login                                           200 302 302 302 302 302 302 302 302
POST /login                                           200 302 302 302 302 302 302 302 302
POST /logout                                          302 302 302 302 302 302 302 302 302
GET  /login/code                                      303 303 303 303 303 303 303 303 303
POST /login/code                                      303 303 303 303 303 303 303 303 303
GET  /forgot                                          200 200 200 200 200 200 200 200 200
POST /forgot                                          422 422 422 422 422 422 422 422 422
GET  /reset                                           410 410 410 410 410 410 410 410 410
POST /reset                                           410 410 410 410 410 410 410 410 410
POST /theme                                           303 303 303 303 303 303 303 303 303
GET  /account                                         303 200 200 200 200 200 200 200 200
POST /account                                         303 303 303 303 303 303 303 303 303
GET  /account/password                                303 200 200 200 200 200 200 200 200
POST /account/password                                303 422 422 422 422 422 422 422 422
GET  /account/email                                   303 200 200 200 200 200 200 200 200
POST /account/email                                   303 422 422 422 422 422 422 422 422
GET  /account/email/confirm                           303 410 410 410 410 410 410 410 410
POST /account/email/confirm                           303 410 410 410 410 410 410 410 410
GET  /account/second-factor                           303 200 200 200 200 200 200 200 200
POST /account/second-factor                           303 303 422 422 422 422 422 422 422
POST /account/second-factor/off                       303 422 422 422 422 422 422 422 422
POST /account/second-factor/codes                     303 422 303 303 303 303 303 303 303
GET  /account/sessions                                303 200 200 200 200 200 200 200 200
POST /account/sessions/<id:signin_id>/end             303 404 404 404 404 404 303 404 404
     /account/sessions/{owner's session}/end
POST /account/sessions/end-others                     303 303 303 303 303 303 303 303 303
GET  /account/tokens                                  303 200 200 200 200 200 200 200 200
POST /account/tokens                                  303 422 422 422 422 422 422 422 422
POST /account/tokens/<public_id>/end                  303 404 404 404 404 404 303 404 404
     /account/tokens/{owner's token}/end
GET  /login/handoff                                   200 200 200 200 200 200 200 200 200
     /login/handoff?key={hand-off}
POST /login/handoff                                   410 410 410 410 410 410 410 410 410
GET  /stores/<slug>/orders/<channel>                  303 404 303 404 404 303 303 404 303
     /stores/papershop/orders/intake?id={outside id}
GET  /stores/<slug>/orders/<channel>/<path:outside_id> 303 404 303 404 404 303 303 404 303
     /stores/papershop/orders/intake/{outside id}
GET  /purchases                                       303 200 200 200 200 200 200 200 200
GET  /purchases/<id:order_id>                         303 404 200 404 404 404 404 404 404
     /purchases/{sale}
GET  /purchases/<id:order_id>                         303 404 303 404 404 404 404 404 404
     /purchases/{absorbed}
GET  /purchases/<id:order_id>/invoice                 303 404 200 404 404 404 404 404 404
     /purchases/{sale}/invoice
POST /purchases/<id:order_id>/paid                    303 404 422 404 404 404 404 404 404
     /purchases/{sale}/paid
POST /purchases/<id:order_id>/paid                    303 404 303 404 404 404 404 404 404
     /purchases/{absorbed}/paid
POST /purchases/<id:order_id>/received                303 404 422 404 404 404 404 404 404
     /purchases/{sale}/received
POST /purchases/<id:order_id>/problem                 303 404 422 404 404 404 404 404 404
     /purchases/{sale}/problem
POST /purchases/<id:order_id>/feedback                303 404 422 404 404 404 404 404 404
     /purchases/{sale}/feedback
POST /purchases/<id:order_id>/download                303 404 422 404 404 404 404 404 404
     /purchases/{sale}/download
GET  /site/persons                                    303 403 403 403 403 403 403 403 200
POST /site/persons/export                             303 403 403 403 403 403 403 403 422
POST /site/persons/erase                              303 403 403 403 403 403 403 403 422
GET  /guest/<token>                                   404 404 404 404 404 404 404 404 404
     /guest/x
GET  /guest/<token>                                   303 303 303 303 303 303 303 303 303
     /guest/{guest link's token}
GET  /guest/<id:link_id>                              404 404 404 404 404 404 404 404 404
     /guest/{guest link}
GET  /guest/<id:link_id>/invoice                      404 404 404 404 404 404 404 404 404
     /guest/{guest link}/invoice
POST /guest/<id:link_id>/received                     404 404 404 404 404 404 404 404 404
     /guest/{guest link}/received
POST /guest/<id:link_id>/problem                      404 404 404 404 404 404 404 404 404
     /guest/{guest link}/problem
POST /stores/<slug>/sales/<id:order_id>/guest-link    303 404 404 404 403 303 303 404 303
     /stores/papershop/sales/{sale}/guest-link
POST /stores/<slug>/sales/<id:order_id>/guest-link    303 404 404 404 403 303 303 404 303
     /stores/papershop/sales/{papershop's deal sale}/guest-link
POST /stores/<slug>/sales/<id:order_id>/guest-link/end 303 404 404 404 403 303 303 404 303
     /stores/papershop/sales/{papershop's deal sale}/guest-link/end
POST /stores/<slug>/sales/<id:order_id>/guest-link/end 303 404 404 404 403 303 303 404 303
     /stores/vendorshop/sales/{bought}/guest-link/end
GET  /stores/<slug>/sales/<id:order_id>/invoice       303 404 404 404 403 200 200 404 200
     /stores/papershop/sales/{sale}/invoice
POST /stores/<slug>/sales/<id:order_id>/feedback      303 404 404 404 403 422 422 404 422
     /stores/papershop/sales/{sale}/feedback
GET  /site                                            303 403 403 403 403 403 403 403 200
POST /site/stores                                     303 403 403 403 403 403 403 403 422
POST /site/stores/<id:store_id>/disable               303 403 403 403 403 403 403 403 303
     /site/stores/1/disable
POST /site/stores/<id:store_id>/enable                303 403 403 403 403 403 403 403 303
     /site/stores/1/enable
POST /site/stores/<id:store_id>/hand-over             303 403 403 403 403 403 403 403 422
     /site/stores/1/hand-over
GET  /site/people                                     303 403 403 403 403 403 403 403 200
POST /site/people/<id:account_id>/disable             303 403 403 403 403 403 403 403 303
     /site/people/{the buyer}/disable
POST /site/people/<id:account_id>/enable              303 403 403 403 403 403 403 403 303
     /site/people/{the buyer}/enable
POST /site/people/<id:account_id>/make-admin          303 403 403 403 403 403 403 403 303
     /site/people/{the buyer}/make-admin
POST /site/people/<id:account_id>/unmake-admin        303 403 403 403 403 403 403 403 303
     /site/people/{the buyer}/unmake-admin
POST /site/people/<id:account_id>/sign-out            303 403 403 403 403 403 403 403 303
     /site/people/{the buyer}/sign-out
GET  /site/log                                        303 403 403 403 403 403 403 403 200
GET  /site/log.csv                                    303 403 403 403 403 403 403 403 200
GET  /invitations/<token>                             200 200 200 200 200 200 200 200 200
     /invitations/{link}
POST /invitations/<token>/accept                      303 303 404 404 404 404 404 404 404
     /invitations/{link}/accept
POST /invitations/<token>/accept                      303 403 403 403 403 403 403 403 403
     /invitations/{link of a new one}/accept
POST /invitations/<token>/join                        422 403 403 403 403 403 403 403 403
     /invitations/{link of a new one}/join
POST /invitations/<token>/decline                     303 404 404 404 404 404 404 404 404
     /invitations/{link}/decline
GET  /stores/<slug>/staff                             303 404 404 404 403 403 200 404 200
     /stores/papershop/staff
POST /stores/<slug>/staff                             303 404 404 404 403 403 422 404 422
     /stores/papershop/staff
GET  /stores/<slug>/staff/<id:account_id>             303 404 404 404 403 403 200 404 200
     /stores/papershop/staff/{the staff}
POST /stores/<slug>/staff/<id:account_id>             303 404 404 404 403 403 422 404 422
     /stores/papershop/staff/{the staff}
POST /stores/<slug>/staff/<id:account_id>/remove      303 404 404 404 403 403 303 404 404
     /stores/papershop/staff/{the staff}/remove
POST /stores/<slug>/staff/<id:account_id>/remove      303 404 404 404 403 403 409 404 409
     /stores/papershop/staff/{the owner}/remove
POST /stores/<slug>/staff/invitations/<id:invitation_id>/again    303 404 404 404 403 403 303 404 404
     /stores/papershop/staff/invitations/{invitation}/again
POST /stores/<slug>/staff/invitations/<id:invitation_id>/withdraw 303 404 404 404 403 403 303 404 404
     /stores/papershop/staff/invitations/{invitation}/withdraw
GET  /stores/<slug>/leave                             303 404 404 404 200 200 200 404 404
     /stores/papershop/leave
POST /stores/<slug>/leave                             303 404 404 404 303 303 409 404 404
     /stores/papershop/leave
GET  /stores/<slug>/tokens                            303 404 404 404 403 403 200 404 200
     /stores/papershop/tokens
POST /stores/<slug>/tokens/<public_id>/end            303 404 404 404 403 403 303 404 404
     /stores/papershop/tokens/{token for papershop}/end
GET  /stores/<slug>/log                               303 404 404 404 403 403 200 404 200
     /stores/papershop/log
GET  /stores/<slug>/log.csv                           303 404 404 404 403 403 200 404 200
     /stores/papershop/log.csv
GET  /stores/<slug>/sales                             303 404 404 404 200 200 200 404 200
     /stores/papershop/sales
GET  /stores/<slug>/items                             303 404 404 404 200 200 200 404 200
     /stores/papershop/items
GET  /stores/<slug>/sales/<id:order_id>               303 404 404 404 403 200 200 404 200
     /stores/papershop/sales/{sale}
GET  /stores/<slug>/sales/<id:order_id>               303 404 404 404 200 200 200 404 200
     /stores/papershop/sales/{papershop's deal sale}
GET  /stores/<slug>/sales/<id:order_id>               303 404 404 404 403 303 303 404 303
     /stores/papershop/sales/{absorbed}
GET  /stores/<slug>/sales/<id:order_id>/row           303 404 404 404 403 200 200 404 200
     /stores/papershop/sales/{sale}/row
GET  /stores/<slug>/sales/<id:order_id>/row           303 404 404 404 200 200 200 404 200
     /stores/papershop/sales/{papershop's deal sale}/row
GET  /stores/<slug>/sales/<id:order_id>/ship          303 404 404 404 403 200 200 404 200
     /stores/papershop/sales/{sale}/ship
POST /stores/<slug>/sales/<id:order_id>/ship          303 404 404 404 403 422 422 404 422
     /stores/papershop/sales/{sale}/ship
GET  /stores/<slug>/sales/<id:order_id>/ship          303 404 404 404 403 200 200 404 200
     /stores/papershop/sales/{papershop's deal sale}/ship
POST /stores/<slug>/sales/<id:order_id>/ship          303 404 404 404 403 422 422 404 422
     /stores/vendorshop/sales/{vendorshop's deal sale}/ship
GET  /stores/<slug>/sales/<id:order_id>/ship/number   303 404 404 404 403 200 200 404 200
     /stores/papershop/sales/{papershop's deal sale}/ship/number
GET  /stores/<slug>/sales/<id:order_id>/ship/number   303 404 404 404 403 200 200 404 200
     /stores/papershop/sales/{sale}/ship/number
POST /stores/<slug>/sales/<id:order_id>/paid          303 404 404 404 403 422 422 404 422
     /stores/papershop/sales/{unpaid}/paid
POST /stores/<slug>/sales/<id:order_id>/paid          303 404 404 404 403 422 422 404 422
     /stores/papershop/sales/{unpaid deal}/paid
POST /stores/<slug>/sales/<id:order_id>/paid          303 404 404 404 403 303 303 404 303
     /stores/papershop/sales/{absorbed}/paid
POST /stores/<slug>/sales/<id:order_id>/cancel           303 404 404 404 403 403 422 404 422
     /stores/papershop/sales/{sale}/cancel
POST /stores/<slug>/sales/<id:order_id>/refund           303 404 404 404 403 403 422 404 422
     /stores/papershop/sales/{sale}/refund
POST /stores/<slug>/sales/<id:order_id>/refund/done      303 404 404 404 403 403 422 404 422
     /stores/papershop/sales/{sale}/refund/done
POST /stores/<slug>/sales/<id:order_id>/refund/withdraw  303 404 404 404 403 403 422 404 422
     /stores/papershop/sales/{sale}/refund/withdraw
POST /stores/<slug>/sales/<id:order_id>/return           303 404 404 404 403 422 422 404 422
     /stores/papershop/sales/{sale}/return
POST /stores/<slug>/sales/<id:order_id>/problem          303 404 404 404 403 422 422 404 422
     /stores/papershop/sales/{sale}/problem
POST /stores/<slug>/sales/<id:order_id>/resolve          303 404 404 404 403 422 422 404 422
     /stores/papershop/sales/{sale}/resolve
POST /stores/<slug>/sales/<id:order_id>/expire           303 404 404 404 403 403 422 404 422
     /stores/papershop/sales/{sale}/expire
POST /stores/<slug>/sales/<id:order_id>/notes            303 404 404 404 403 422 422 404 422
     /stores/papershop/sales/{sale}/notes
POST /stores/<slug>/sales/<id:order_id>/address          303 404 404 404 403 422 422 404 422
     /stores/papershop/sales/{sale}/address
POST /stores/<slug>/sales/<id:order_id>/unpaid           303 404 404 404 403 422 422 404 422
     /stores/papershop/sales/{unpaid}/unpaid
POST /stores/<slug>/sales/<id:order_id>/parcels/<id:parcel_id>/void 303 404 404 404 403 404 404 404 404
     /stores/papershop/sales/{sale}/parcels/999999/void
POST /stores/<slug>/sales/<id:order_id>/parcels/<id:parcel_id>/void 303 404 404 404 403 303 422 404 422
     /stores/papershop/sales/{sent}/parcels/{parcel}/void
POST /stores/<slug>/sales/<id:order_id>/mails/<id:mail_id>/again 303 404 404 404 403 404 404 404 404
     /stores/papershop/sales/{sale}/mails/{mail}/again
POST /stores/<slug>/sales/<id:order_id>/mails/<id:mail_id>/again 303 404 404 404 403 303 409 404 409
     /stores/papershop/sales/{sent}/mails/{mail}/again
POST /stores/<slug>/items/<id:item_id>                303 404 404 404 403 303 303 404 303
     /stores/papershop/items/{sale's item}
POST /stores/<slug>/items/<id:item_id>                303 404 404 404 403 303 303 404 303
     /stores/papershop/items/{papershop's deal}
POST /stores/<slug>/items/<id:item_id>                303 404 404 404 303 303 303 404 303
     /stores/vendorshop/items/{vendorshop's deal}
POST /stores/<slug>/items/<id:item_id>                303 404 404 404 403 303 303 404 303
     /stores/vendorshop/items/{vendorshop's goods}
GET  /stores/<slug>/sales/new                         303 404 404 404 403 200 200 404 200
     /stores/papershop/sales/new
POST /stores/<slug>/sales/new                         303 404 404 404 403 422 422 404 422
     /stores/papershop/sales/new
GET  /stores/<slug>/settings                          303 404 404 404 403 403 200 404 200
     /stores/papershop/settings
POST /stores/<slug>/settings                          303 404 404 404 403 403 422 404 422
     /stores/papershop/settings
GET  /stores/<slug>/settings/webhooks                 303 404 404 404 403 403 200 404 200
     /stores/papershop/settings/webhooks
POST /stores/<slug>/settings/webhooks                 303 404 404 404 403 403 422 404 422
     /stores/papershop/settings/webhooks
POST /stores/<slug>/settings/webhooks/<id:webhook_id> 303 404 404 404 403 403 422 404 422
     /stores/vendorshop/settings/webhooks/{webhook}
POST /stores/<slug>/settings/webhooks/<id:webhook_id>/secret 303 404 404 404 403 403 422 404 422
     /stores/vendorshop/settings/webhooks/{webhook}/secret
POST /stores/<slug>/settings/webhooks/<id:webhook_id>/ping 303 404 404 404 403 403 303 404 303
     /stores/vendorshop/settings/webhooks/{webhook}/ping
POST /stores/<slug>/settings/webhooks/<id:webhook_id>/end 303 404 404 404 403 403 303 404 404
     /stores/vendorshop/settings/webhooks/{webhook}/end
POST /stores/<slug>/settings/webhooks/messages/<id:delivery_id>/again 303 404 404 404 403 403 303 404 409
     /stores/vendorshop/settings/webhooks/messages/{message}/again
GET  /stores/<slug>/settings/connections              303 404 404 404 403 403 200 404 200
     /stores/papershop/settings/connections
POST /stores/<slug>/settings/connections              303 404 404 404 403 403 422 404 422
     /stores/papershop/settings/connections
POST /stores/<slug>/settings/connections/pull         303 404 404 404 403 403 303 404 303
     /stores/vendorshop/settings/connections/pull
POST /stores/<slug>/settings/connections/pause        303 404 404 404 403 403 303 404 303
     /stores/vendorshop/settings/connections/pause
POST /stores/<slug>/settings/connections/resume       303 404 404 404 403 403 303 404 303
     /stores/vendorshop/settings/connections/resume
POST /stores/<slug>/settings/connections/end          303 404 404 404 403 403 303 404 409
     /stores/vendorshop/settings/connections/end
POST /stores/<slug>/settings/connections/sales/<id:order_id>/again 303 404 404 404 403 403 303 404 303
     /stores/vendorshop/settings/connections/sales/{untold}/again
GET  /stores/<slug>/attention                         303 404 404 404 403 200 200 404 200
     /stores/papershop/attention
GET  /stores/<slug>/parcels                           303 404 404 404 403 200 200 404 200
     /stores/papershop/parcels
POST /stores/<slug>/parcels/<id:parcel_id>/send       303 404 404 404 403 303 409 404 409
     /stores/papershop/parcels/{draft}/send
POST /stores/<slug>/parcels/<id:parcel_id>/void       303 404 404 404 403 303 409 404 409
     /stores/papershop/parcels/{parcel}/void
GET  /stores/<slug>/import                            303 404 404 404 403 200 200 404 200
     /stores/papershop/import
POST /stores/<slug>/import                            303 404 404 404 403 422 422 404 422
     /stores/papershop/import
GET  /stores/<slug>/import/<id:job_id>                303 404 404 404 403 200 200 404 200
     /stores/papershop/import/{import}
POST /stores/<slug>/import/<id:job_id>                303 404 404 404 403 303 303 404 303
     /stores/papershop/import/{import}
GET  /api/okanjo/stores/<store>/sales                 401 403 403 403 200 200 200 403 200
     /api/okanjo/stores/1/sales
GET  /api/okanjo/stores/<store>/sales/<item>          401 404 404 404 403 200 200 404 200
     /api/okanjo/stores/1/sales/{sale's item}
GET  /api/okanjo/stores/<store>/sales/<item>          401 404 404 404 200 200 200 404 200
     /api/okanjo/stores/1/sales/{papershop's deal}
PUT  /api/okanjo/stores/<store>/sales/<item>          401 403 403 403 403 200 200 403 200
     /api/okanjo/stores/1/sales/{sale's item}
PUT  /api/okanjo/stores/<store>/sales/<item>          401 403 403 403 403 200 200 403 200
     /api/okanjo/stores/1/sales/{papershop's deal}
PUT  /api/okanjo/stores/<store>/sales/<item>          401 403 403 403 200 200 200 403 200
     /api/okanjo/stores/2/sales/{vendorshop's deal}
GET  /api/okanjo/order-items                          401 200 200 200 200 200 200 200 200
GET  /api/okanjo/order-items/<item>                   401 404 200 404 404 404 404 404 404
     /api/okanjo/order-items/{bought goods}
PUT  /api/okanjo/order-items/<item>                   401 404 200 404 404 404 404 404 404
     /api/okanjo/order-items/{bought goods}
GET  /api/okanjo/orders                               401 200 200 200 200 200 200 200 200
GET  /api/okanjo/orders/<order>                       401 404 200 404 404 404 404 404 404
     /api/okanjo/orders/{bought}
GET  /api/okanjo/stores/<store>/feedback              401 403 403 403 200 200 200 403 200
     /api/okanjo/stores/1/feedback
GET  /api/okanjo/stores/<store>/feedback/<item>       401 404 404 404 404 404 404 404 404
     /api/okanjo/stores/1/feedback/{sale's item}
GET  /api/okanjo/users/<user>/feedback                401 403 200 403 403 403 403 403 403
     /api/okanjo/users/{the buyer}/feedback
GET  /api/okanjo/users/<user>/feedback/<item>         401 403 404 403 403 403 403 403 403
     /api/okanjo/users/{the buyer}/feedback/{bought file}
PUT  /api/okanjo/users/<user>/feedback/<item>         401 403 400 403 403 403 403 403 403
     /api/okanjo/users/{the buyer}/feedback/{bought file}
GET  /api/weebly/v1/user/sites/<site>/store/orders    401 403 403 403 200 200 200 403 200
     /api/weebly/v1/user/sites/1/store/orders
GET  /api/weebly/user/<user>/site/<site>/store/order  401 403 403 403 200 200 200 403 200
     /api/weebly/user/{the owner}/site/1/store/order
GET  /api/weebly/user/<user>/site/<site>/store/order  401 403 403 403 403 403 403 403 403
     /api/weebly/user/{the buyer}/site/1/store/order
GET  /api/weebly/v1/user/sites/<site>/store/orders/count 401 403 403 403 200 200 200 403 200
     /api/weebly/v1/user/sites/1/store/orders/count
GET  /api/weebly/user/<user>/site/<site>/store/order/count 401 403 403 403 200 200 200 403 200
     /api/weebly/user/{the owner}/site/1/store/order/count
GET  /api/weebly/v1/user/sites/<site>/store/orders/<order> 401 403 403 403 403 200 200 403 200
     /api/weebly/v1/user/sites/1/store/orders/{sale}
GET  /api/weebly/v1/user/sites/<site>/store/orders/<order> 401 403 403 403 200 200 200 403 200
     /api/weebly/v1/user/sites/1/store/orders/{papershop's deal sale}
GET  /api/weebly/user/<user>/site/<site>/store/order/<order> 401 403 403 403 403 200 200 403 200
     /api/weebly/user/{the owner}/site/1/store/order/{sale}
GET  /api/weebly/v1/user/sites/<site>/store/orders/<order>/items 401 403 403 403 403 200 200 403 200
     /api/weebly/v1/user/sites/1/store/orders/{sale}/items
GET  /api/weebly/user/<user>/site/<site>/store/order/<order>/item 401 403 403 403 403 200 200 403 200
     /api/weebly/user/{the owner}/site/1/store/order/{sale}/item
GET  /api/weebly/v1/user/sites/<site>/store/orders/<order>/items/count 401 403 403 403 403 200 200 403 200
     /api/weebly/v1/user/sites/1/store/orders/{sale}/items/count
GET  /api/weebly/user/<user>/site/<site>/store/order/<order>/item/count 401 403 403 403 403 200 200 403 200
     /api/weebly/user/{the owner}/site/1/store/order/{sale}/item/count
GET  /api/weebly/v1/user/sites/<site>/store/orders/<order>/items/<item> 401 403 403 403 403 200 200 403 200
     /api/weebly/v1/user/sites/1/store/orders/{sale}/items/1
GET  /api/weebly/user/<user>/site/<site>/store/order/<order>/item/<item> 401 403 403 403 403 200 200 403 200
     /api/weebly/user/{the owner}/site/1/store/order/{sale}/item/1
GET  /api/hip/sales                                   401 200 200 200 200 200 200 200 200
GET  /api/hip/sales/<order>                           401 404 200 404 403 200 200 404 200
     /api/hip/sales/{sale}
GET  /api/hip/sales/<order>                           401 404 404 404 200 200 200 404 200
     /api/hip/sales/{papershop's deal sale}
GET  /api/hip/sales/<order>                           401 404 404 404 403 404 404 404 404
     /api/hip/sales/{absorbed}
PUT  /api/hip/sales/<order>                           401 404 404 404 403 404 404 404 404
     /api/hip/sales/{absorbed}
PUT  /api/hip/stores/<slug>/sales/<order>             401 403 403 403 403 404 404 403 404
     /api/hip/stores/papershop/sales/{absorbed}
PUT  /api/hip/sales/<order>                           401 404 400 404 403 403 403 404 403
     /api/hip/sales/{sale}
PUT  /api/hip/stores/<slug>/sales/<order>             401 403 403 403 403 400 400 403 400
     /api/hip/stores/papershop/sales/{sale}
GET  /api/hip/stores/<slug>/sales/all                 401 403 403 403 200 200 200 403 200
     /api/hip/stores/papershop/sales/all
GET  /api/hip/stores/<slug>/sales/paid                401 403 403 403 200 200 200 403 200
     /api/hip/stores/papershop/sales/paid
GET  /api/hip/stores/<slug>/sales/unpaid              401 403 403 403 200 200 200 403 200
     /api/hip/stores/papershop/sales/unpaid
GET  /api/hip/stores/<slug>/sales/paid_not_shipped    401 403 403 403 200 200 200 403 200
     /api/hip/stores/papershop/sales/paid_not_shipped
GET  /api/hip/stores/<slug>/sales/posted_sent         401 403 403 403 200 200 200 403 200
     /api/hip/stores/papershop/sales/posted_sent
GET  /api/hip/stores/<slug>/listings/closed           401 403 403 403 400 400 400 403 400
     /api/hip/stores/papershop/listings/closed
POST /api/intake/stores/<slug>/purchases              401 404 404 404 403 400 400 404 400
     /api/intake/stores/papershop/purchases
POST /api/intake/orders/<order>/payments              401 404 403 404 403 400 400 404 400
     /api/intake/orders/{sale}/payments
POST /api/intake/orders/<order>/payments              401 404 409 404 403 400 400 404 400
     /api/intake/orders/{absorbed}/payments
POST /api/intake/orders/<order>/cancellations         401 404 403 404 403 403 400 404 400
     /api/intake/orders/{sale}/cancellations
POST /api/intake/orders/<order>/refunds               401 404 403 404 403 403 400 404 400
     /api/intake/orders/{sale}/refunds
POST /api/intake/orders/<order>/notes                 401 404 403 404 403 400 400 404 400
     /api/intake/orders/{sale}/notes
GET  /api/site/stores                                 401 403 403 403 403 403 403 403 200
POST /api/site/stores                                 401 403 403 403 403 403 403 403 400
POST /api/site/stores/<slug>                          401 403 403 403 403 403 403 403 400
     /api/site/stores/papershop
POST /api/site/stores/<slug>/members                  401 403 403 403 403 403 403 403 400
     /api/site/stores/papershop/members
GET  /api/site/accounts                               401 403 403 403 403 403 403 403 200
POST /api/site/accounts                               401 403 403 403 403 403 403 403 400
POST /api/site/accounts/<account>                     401 403 403 403 403 403 403 403 400
     /api/site/accounts/1
POST /api/site/handoffs                               401 403 403 403 403 403 403 403 415
""")

# Who besides; as whom of the columns they are answered at pages, and at programs' doors (-: they do not come
# there). All of them were the owner, or hold what is or was the owner's.
# "400": an unsafe request is refused with this, since no form's token can be right.
# "reads": as that column where it reads, else refused. "vendorshop": as the owner in that store alone.
# "own": but for what is below their link; that all came is said by an empty form, too.
ELSE = """
an ended sign-in               signed_out      signed_out
a lapsed sign-in               signed_out      signed_out
an idle sign-in                signed_out      signed_out
a forged cookie                signed_out,400  signed_out
a disabled person              signed_out      signed_out
an owner put out               stranger        stranger
an owner made a vendor         vendor          vendor
an owner made staff            staff           staff
an owner of shut stores        stranger        stranger
a bad token                    -               signed_out
an empty token                 -               signed_out
a revoked token                -               signed_out
an expired token               -               signed_out
a token that reads             -               owner,reads
a token of vendorshop          -               stranger,vendorshop
a program at a page            signed_out      -
a browser at a program's door  -               signed_out
a guest                        signed_out,own  signed_out
"""


def routes(app: Flask) -> set[tuple[str, str]]:
    """Return (method, rule) of every route that answers by who asks."""
    return {
        (method, str(rule))
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in PAGES_OF_NOBODY
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def ask(house: House, who: str, method: str, address: str) -> TestResponse:
    """Send a request of one of the cast: with a token to a program's door, else by a browser."""
    browser = house.browser("signed_out" if address.startswith("/api/") else who)
    if address.startswith("/api/"):
        return browser.open(address, method=method, headers=house.bearer(who))
    if method == "GET":
        return browser.get(address)
    return browser.open(address, method=method, data={"csrf_token": house.csrf(browser, who)})


def test_every_route_has_a_line(app: Flask) -> None:
    assert {(line.method, line.rule) for line in LINES} == routes(app)


@pytest.mark.parametrize("line", LINES, ids=[f"{x.method} {x.address}" for x in LINES])
def test_everybody_gets_the_answer_of_the_table(house: House, line: Line) -> None:
    address = house.path(line.address)
    answered = {who: ask(house, who, line.method, address) for who in WHO}
    assert {who: answer.status_code for who, answer in answered.items()} == dict(
        zip(WHO, line.statuses, strict=True)
    )
    if not address.startswith(
        ("/api/", "/logout", "/theme", "/healthz", "/readyz", "/invitations/", "/guest/", *BEFORE_SIGN_IN)
    ):
        assert answered["signed_out"].location.startswith("/login")


def awaited(line: Line, column: str) -> set[int]:
    """Return what somebody may be answered who is treated as this column says."""
    who, _, how = column.partition(",")
    status = line.statuses[WHO.index(who)]
    if how == "400" and line.method != "GET":
        return {400}
    if how == "own" and line.address.startswith("/guest/{guest link}"):
        return {303 if line.rule.endswith("/received") else 422 if line.method == "POST" else 200}
    if how == "reads" and line.method != "GET":
        return {403, 404}
    if how == "vendorshop" and re.search(r"vendorshop|/(stores|sites?)/2/", line.address):
        return {line.statuses[WHO.index("owner")]}
    # What is done once may be done already, by a line further up.
    return {status, *({404, 409, 422} & set(line.statuses) if status == 303 else ())}


@pytest.mark.parametrize("row", ELSE.strip().splitlines(), ids=lambda row: re.split(r"  +", row)[0])
def test_everybody_else_is_answered_as_the_table_says(
    house: House, row: str, count: Callable[[str, int], None]
) -> None:
    name, *columns = re.split(r"  +", row)
    as_whom = dict(zip((False, True), columns, strict=True))
    asks = OTHERS[name](house)
    wrong, tried = {}, 0
    # What ends a place or a sign-in comes last.
    for line in sorted(LINES, key=lambda line: (line.rule == "/logout", line.rule.endswith("/leave"))):
        column = as_whom[line.address.startswith("/api/")]
        # What a person has made, an address by their own name, their account and an invitation of theirs are
        # no store's to take away.
        is_own = "owner" in line.address or line.address.startswith(("/account/", "/invitations/"))
        is_own = is_own and column.partition(",")[0] not in {"signed_out", "owner"}
        if column == "-" or is_own:
            continue
        answer = asks(line.method, house.path(line.address))
        tried += 1
        if answer.status_code not in awaited(line, column):
            wrong[line.method, line.address] = answer.status_code
    assert wrong == {}
    assert tried
    count("cells of routes x principals", tried)


def test_the_table_names_everybody_else(house: House, count: Callable[[str, int], None]) -> None:
    assert [re.split(r"  +", row)[0] for row in ELSE.strip().splitlines()] == list(OTHERS)
    count("cells of routes x principals", len(LINES) * len(WHO))


def evened(answer: TestResponse, said: object) -> str:
    """Return a whole answer but for the step of its address that the asker named, tokens and its own id."""
    text = f"{answer.status} {sorted(answer.headers.items())} {answer.text}"
    text = re.sub(rf"/{said}(?!\w)", "/_", text)
    text = re.sub(r"\('Content-Length', '\d+'\)|\('(Set-Cookie|X-Request-ID)', [^)]*\)", "", text)
    return re.sub(r'(csrf_token" value="|X-CSRFToken": ")[^"]*', r"\1", text)


# Site admins know of everything, and others are refused before anything is looked for.
WITH_ID = [x for x in LINES if re.search(r"<id:|<item>|<order>", x.rule) and not x.rule.startswith("/site/")]


# The step of a rule that names a row, and what another store has of the kind.
OF_OTHERS = {
    "<item>": "elsewhere's item",
    "<id:item_id>": "elsewhere's item",
    "<id:job_id>": "elsewhere's import",
    "<id:link_id>": "elsewhere's guest link",
    "<id:parcel_id>": "elsewhere's parcel",
    "<id:webhook_id>": "elsewhere's webhook",
    "<id:delivery_id>": "elsewhere's message",
    "<id:signin_id>": "elsewhere's session",
    "<id:account_id>": "elsewhere's member",
    "<id:invitation_id>": "elsewhere's invitation",
    "<order>": "elsewhere",
    "<id:order_id>": "elsewhere",
}


def last_named(line: Line) -> tuple[int, str]:
    """Return which step of an address names a row last, and another store's row of the kind."""
    steps = list(zip(line.rule.split("/"), line.address.split("/"), strict=True))
    named = [(n, OF_OTHERS[word]) for n, (word, at) in enumerate(steps) if word in OF_OTHERS and "{" in at]
    return named[-1]


@pytest.mark.parametrize("line", WITH_ID, ids=[f"{x.method} {x.address}" for x in WITH_ID])
def test_a_row_of_another_store_answers_as_one_that_is_not_there(house: House, line: Line) -> None:
    n, foreign = last_named(line)
    absent = 987654321
    told = {}
    who = "buyer" if "<user>/feedback" in line.rule else "owner"
    for row_id in (house.ids[foreign], absent):
        steps = line.address.split("/")
        steps[n] = str(row_id)
        answer = ask(house, who, line.method, house.path("/".join(steps)))
        assert answer.status_code == 404
        told[row_id] = evened(answer, row_id)
    assert told[house.ids[foreign]] == told[absent]


WITH_STORE = [x for x in LINES if re.search(r"<slug>|<store>|<site>", x.rule)]


@pytest.mark.parametrize("line", WITH_STORE, ids=[f"{x.method} {x.address}" for x in WITH_STORE])
def test_a_store_of_others_answers_as_one_that_is_not_there(house: House, line: Line) -> None:
    told = {}
    own = house.path(line.address)
    by_id = own.startswith(("/api/okanjo/", "/api/weebly/"))
    foreign, absent = ("3", "987654") if by_id else ("othershop", "nowhere")
    for store in (foreign, absent):
        answer = ask(house, "owner", line.method, re.sub(r"/(stores|sites?)/\w+/", rf"/\1/{store}/", own))
        assert answer.status_code in {403, 404}
        told[store] = evened(answer, store)
    assert told[foreign] == told[absent]


@pytest.mark.parametrize("spelling", ["0", "007", "-1", "1.0", "１", "9223372036854775808", "1" * 30, "%20"])
@pytest.mark.parametrize("line", WITH_ID[:1] + WITH_ID[-1:], ids=["page", "program"])
def test_an_id_in_another_spelling_is_not_there(house: House, line: Line, spelling: str) -> None:
    who = "buyer" if line.address.startswith("/purchases") else "owner"
    assert ask(house, who, line.method, re.sub(r"\{.*\}", spelling, line.address)).status_code == 404
