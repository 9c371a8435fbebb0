"""The tables, and facts about one row.

Import models from here. No module of this folder selects anything or knows of requests; every child
carries its store's id, and composite foreign keys keep parent and child in the same store.
"""

from app.models.connections import Connection, Pull, SaleThere
from app.models.history import (
    Event,
    Feedback,
    Idempotency,
    Job,
    JobRow,
    Note,
    Outbox,
    SearchTerm,
    Tally,
    Webhook,
)
from app.models.orders import Combined, Discount, Order, OrderItem, Payment, Payout, TaxLine
from app.models.parcels import Parcel, ParcelLine
from app.models.people import Account, ApiToken, Buyer, Invitation, Member, Signin
from app.models.privacy import Forgotten, GuestLink
from app.models.shop import Address, Cause, Media, Product, Store
from app.models.ways import Handoff, Identity

__all__ = [
    "Account",
    "Address",
    "ApiToken",
    "Buyer",
    "Cause",
    "Combined",
    "Connection",
    "Discount",
    "Event",
    "Feedback",
    "Forgotten",
    "GuestLink",
    "Handoff",
    "Idempotency",
    "Identity",
    "Invitation",
    "Job",
    "JobRow",
    "Media",
    "Member",
    "Note",
    "Order",
    "OrderItem",
    "Outbox",
    "Parcel",
    "ParcelLine",
    "Payment",
    "Payout",
    "Product",
    "Pull",
    "SaleThere",
    "SearchTerm",
    "Signin",
    "Store",
    "Tally",
    "TaxLine",
    "Webhook",
]
