"""Who may what in a store: the rights there are, the scopes that tokens need for them, and one table.

What a role carries an owner may add to, and take from: a member's own rights hold the names of those given
beyond the role and, with a minus before it, of those taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from app.statuses import Role

if TYPE_CHECKING:
    from app.access import Desk


class Permission(StrEnum):
    """What may be asked of a store."""

    SEE_SALES = "see sales"
    SEE_EVERYTHING = "see more than deals"
    SEE_MONEY = "see money"
    SEE_PERSONAL = "see personal data"
    SHIP = "ship"
    REDEEM = "redeem"
    ACKNOWLEDGE = "acknowledge"
    MARK_PAID = "mark paid"
    NOTE = "note"
    ANSWER = "answer"
    CANCEL = "cancel"
    REFUND = "refund"
    TYPE_IN = "type in"
    TAKE_IN = "take in"
    IMPORT = "import"
    EXPORT = "export"
    STAFF = "staff"
    TOKENS = "tokens"
    SEE_LOG = "see log"
    SETTINGS = "settings"
    COMMISSION = "commission"
    SEE_SITE = "see site"


READ, WRITE, SITE = "read:store-orders", "write:store-orders", "write:site"
SCOPES = {READ: "See sales", WRITE: "Change sales", SITE: "Run the site"}

# What a token needs for each; None: no token may.
NEEDED_SCOPE: dict[Permission, str | None] = {
    Permission.SEE_SALES: READ,
    Permission.SEE_EVERYTHING: READ,
    Permission.SEE_MONEY: READ,
    Permission.SEE_PERSONAL: READ,
    Permission.SHIP: WRITE,
    Permission.REDEEM: WRITE,
    Permission.ACKNOWLEDGE: WRITE,
    Permission.MARK_PAID: WRITE,
    Permission.NOTE: WRITE,
    Permission.ANSWER: WRITE,
    Permission.CANCEL: WRITE,
    Permission.REFUND: WRITE,
    Permission.TYPE_IN: None,
    Permission.TAKE_IN: WRITE,
    Permission.IMPORT: None,
    Permission.EXPORT: READ,
    Permission.STAFF: None,
    Permission.TOKENS: None,
    Permission.SEE_LOG: None,
    Permission.SETTINGS: None,
    Permission.COMMISSION: None,
    Permission.SEE_SITE: None,
}

# What an owner may give to staff beyond their role, in words.
BEYOND = {
    Permission.CANCEL: "Cancel sales",
    Permission.REFUND: "Refund",
    Permission.STAFF: "Invite and change staff",
    Permission.TOKENS: "See and end tokens",
    Permission.SETTINGS: "Change settings",
    Permission.SEE_LOG: "Read the store’s log",
}
# What staff have until an owner takes it away.
ORDINARY = {
    Permission.SEE_MONEY: "See payments and payouts",
    Permission.SEE_PERSONAL: "See addresses, e-mails and telephones",
    Permission.EXPORT: "Export",
}


def taken(permission: Permission) -> str:
    """Return how a member's rights say that this one was taken away."""
    return f"-{permission}"


def held(role: Role, rights: Iterable[str]) -> frozenset[Permission]:
    """Return those of the rights that can be given or taken which a role holds with these."""
    if role is not Role.STAFF:
        return frozenset({*BEYOND, *ORDINARY}) if role is Role.OWNER else frozenset()
    rights = set(rights)
    given_beyond = {right for right in BEYOND if right in rights}
    return frozenset(given_beyond | {right for right in ORDINARY if taken(right) not in rights})


def kept_as(role: Role, wanted: Iterable[Permission]) -> list[str]:
    """Return how a member's rights say that a role holds these, of those that can be given or taken."""
    if role is not Role.STAFF:
        return []
    wanted = set(wanted)
    return sorted(
        [*(str(right) for right in BEYOND if right in wanted)]
        + [taken(right) for right in ORDINARY if right not in wanted]
    )


def may_give(desk: Desk, role: Role, rights: Iterable[Permission]) -> bool:
    """Tell whether the actor may make somebody this, with these rights of those that can be given or taken.

    Whoever may do everything gives everything; others nothing that they have not themselves, and no store.
    """
    if is_owner(desk) or is_admin(desk):
        return True
    theirs = {*rights, *_carried(desk, role)}
    return desk.may(Permission.STAFF) and role is not Role.OWNER and all(desk.may(r) for r in theirs)


def _carried(desk: Desk, role: Role) -> set[Permission]:
    """Return what a role carries here by itself, without what can be given or taken."""
    other = replace(
        desk,
        actor=replace(desk.actor, is_site_admin=False),
        role=role,
        rights=frozenset(kept_as(role, ())),
    )
    return {right for right, rules in RULES.items() if any(holds(other) for holds in rules)}


def is_owner(desk: Desk) -> bool:
    """Tell whether the actor owns the store."""
    return desk.role is Role.OWNER


def is_staff(desk: Desk) -> bool:
    """Tell whether the actor works in the store."""
    return desk.role is Role.STAFF


def is_vendor(desk: Desk) -> bool:
    """Tell whether the actor sees to the store's deals."""
    return desk.role is Role.VENDOR


def is_admin(desk: Desk) -> bool:
    """Tell whether the actor runs the site: may do what an owner may."""
    return desk.actor.is_site_admin


def in_vendor_store(holds: Callable[[Desk], bool]) -> Callable[[Desk], bool]:
    """Return what tells whether this holds in a store that redeems deals."""

    def both(desk: Desk) -> bool:
        return holds(desk) and desk.store.is_vendor

    both.__name__ = f"{holds.__name__}_in_vendor_store"
    return both


def given(permission: Permission, *needs: Permission) -> Callable[[Desk], bool]:
    """Return what tells whether the actor works in the store and was given this right by its owner.

    It is worth nothing without what it needs: whoever refunds sees what was paid.
    """

    def holds(desk: Desk) -> bool:
        is_given = is_staff(desk) and permission in desk.rights
        return is_given and not any(taken(need) in desk.rights for need in needs)

    holds.__name__ = f"given_{permission.name.lower()}"
    return holds


def left(*permissions: Permission) -> Callable[[Desk], bool]:
    """Return what tells whether the actor works in the store and its owner left them all of these rights."""

    def holds(desk: Desk) -> bool:
        return is_staff(desk) and not any(taken(permission) in desk.rights for permission in permissions)

    holds.__name__ = f"left_{'_and_'.join(p.name.lower() for p in permissions)}"
    return holds


_MONEY, _PERSONAL = Permission.SEE_MONEY, Permission.SEE_PERSONAL
_SEES_PERSONAL = left(_PERSONAL)

RULES: dict[Permission, tuple[Callable[[Desk], bool], ...]] = {
    Permission.SEE_SALES: (is_owner, is_staff, is_vendor, is_admin),
    Permission.SEE_EVERYTHING: (is_owner, is_staff, is_admin),
    Permission.SEE_MONEY: (is_owner, left(_MONEY), is_admin),
    Permission.SEE_PERSONAL: (is_owner, _SEES_PERSONAL, is_admin),
    Permission.SHIP: (is_owner, is_staff, is_admin),
    Permission.REDEEM: (is_owner, is_staff, in_vendor_store(is_vendor), is_admin),
    Permission.ACKNOWLEDGE: tuple(map(in_vendor_store, (is_vendor, is_owner, is_admin))),
    Permission.MARK_PAID: (is_owner, is_staff, is_admin),
    Permission.NOTE: (is_owner, is_staff, is_admin),
    Permission.ANSWER: (is_owner, is_staff, is_admin),
    Permission.CANCEL: (is_owner, given(Permission.CANCEL), is_admin),
    Permission.REFUND: (is_owner, given(Permission.REFUND, _MONEY), is_admin),
    # A form that knows the buyers, and a file of them that is shown row by row.
    Permission.TYPE_IN: (is_owner, _SEES_PERSONAL, is_admin),
    Permission.TAKE_IN: (is_owner, is_staff, is_admin),
    Permission.IMPORT: (is_owner, _SEES_PERSONAL, is_admin),
    Permission.EXPORT: (is_owner, left(Permission.EXPORT), is_admin),
    Permission.STAFF: (is_owner, given(Permission.STAFF), is_admin),
    Permission.TOKENS: (is_owner, given(Permission.TOKENS), is_admin),
    # The log tells of everything.
    Permission.SEE_LOG: (is_owner, given(Permission.SEE_LOG, _MONEY, _PERSONAL), is_admin),
    Permission.SETTINGS: (is_owner, given(Permission.SETTINGS), is_admin),
    Permission.COMMISSION: (is_admin,),
    Permission.SEE_SITE: (is_admin,),
}
