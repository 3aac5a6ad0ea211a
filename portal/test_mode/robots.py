"""As whom the robots act: each of them a party to one test order, with that party's rights and no more."""
from uuid import NAMESPACE_URL, uuid5

from portal.core.access import SCOPES, TEMPLATES, Actor, ActorKind, Permission, Role
from portal.orders.models import Assignment, Order

NAME = "test robot"
PAYS = frozenset({Permission.ORDER_READ, Permission.ORDER_MARK_PAID, Permission.DISPUTE_OPEN})


def customer(order: Order) -> Actor:
    """Who pays a payin."""
    return Actor(kind=ActorKind.CUSTOMER, name=NAME, order_id=order.id, live=False, permissions=PAYS)


def store(order: Order) -> Actor:
    """Who hears that a payout did not arrive, and says so to the desk."""
    return Actor(kind=ActorKind.KEY, name=NAME, store_id=order.store_id, live=False,
                 permissions=frozenset().union(*SCOPES.values()))


def trader(assignment: Assignment) -> Actor:
    return Actor(kind=ActorKind.USER, id=assignment.trader_id, role=Role.TRADER, name=NAME,
                 trader_id=assignment.trader_id, permissions=TEMPLATES["trader"])


def staff(number: int) -> Actor:
    """Two of them: one asks for a decision, the other agrees."""
    return Actor(kind=ActorKind.USER, id=uuid5(NAMESPACE_URL, f"quittance:test-robot:{number}"), role=Role.ADMIN,
                 name=NAME, permissions=TEMPLATES["admin"])
