"""All that people are told of: whom it is for, how it is said, by which channels unless they choose otherwise."""
from collections.abc import Mapping
from dataclasses import dataclass, field

from portal.core.access import Permission as P
from portal.core.access import Role

N_ = str  # marks a sentence for translation
PORTAL, MAIL, TELEGRAM, PUSH, OPERATOR = "portal", "mail", "telegram", "push", "operator"
CHANNELS = (PORTAL, MAIL, TELEGRAM, PUSH)
"""What a person chooses among; `operator` is the desk's own address."""
OFF, NOW, DIGEST = "off", "now", "digest"
GROUPS = {"account": N_("Your account"), "orders": N_("Orders"), "disputes": N_("Disputes"), "money": N_("Money"),
          "decisions": N_("Decisions"), "integration": N_("Integration"), "desk": N_("The desk")}
STAFF = frozenset({Role.SUPPORT, Role.ADMIN})
TRADER, MERCHANT = frozenset({Role.TRADER}), frozenset({Role.MERCHANT})
OWNERS = TRADER | MERCHANT
EVERYBODY = STAFF | OWNERS


@dataclass(frozen=True)
class Event:
    """`label`: on the page of choices. `title` and `text` with its facts in them; `translated`: facts that are
    sentences of ours. `path`: where it leads, `{area}` by who reads. `always`: channels nobody can turn off. `urgent`:
    quiet hours do not hold it."""

    group: str
    roles: frozenset[Role]
    permission: P
    label: str
    title: str
    text: str
    path: str
    usually: Mapping[str, str] = field(default_factory=lambda: {PORTAL: NOW})
    always: frozenset[str] = frozenset()
    translated: frozenset[str] = frozenset()
    urgent: bool = False
    own_letter: bool = False  # whoever says it sends a letter of its own (web/mails.py)


BY_MAIL = {PORTAL: NOW, MAIL: NOW}
POCKET = {PORTAL: NOW, TELEGRAM: NOW, PUSH: NOW}
EVERYWHERE = {**POCKET, MAIL: NOW}
ON_WISH: dict[str, str] = {}
BOTH = frozenset({PORTAL, MAIL})

EVENTS: dict[str, Event] = {
    "account.new_device": Event(
        "account", EVERYBODY, P.PROFILE, N_("A new browser signed in"), N_("Signed in at a new browser"),
        N_("From %(address)s, %(browser)s. If it was not you, change your password at once."), "/profile",
        POCKET, always=BOTH, urgent=True, own_letter=True),
    "account.password_changed": Event(
        "account", EVERYBODY, P.PROFILE, N_("Password changed"), N_("Your password was changed"),
        N_("Every other session has ended. If it was not you, tell an administrator at once."), "/profile",
        POCKET, always=BOTH, urgent=True, own_letter=True),
    "account.factor_added": Event(
        "account", EVERYBODY, P.PROFILE, N_("Second factor added"), N_("A second factor was added: %(what)s"),
        N_("If it was not you, tell an administrator at once."), "/profile", POCKET, always=BOTH,
        translated=frozenset({"what"}), urgent=True, own_letter=True),
    "account.factor_removed": Event(
        "account", EVERYBODY, P.PROFILE, N_("Second factor removed"), N_("A second factor was removed: %(what)s"),
        N_("If it was not you, tell an administrator at once."), "/profile", POCKET, always=BOTH,
        translated=frozenset({"what"}), urgent=True, own_letter=True),
    "decision.waits": Event(
        "decisions", STAFF, P.APPROVAL_DECIDE, N_("Something waits for a second person"),
        N_("Waits for a second person: %(what)s"), N_("Asked by %(by)s. %(reason)s"), "/admin/approvals/{approval}",
        {PORTAL: NOW}, translated=frozenset({"what"})),
    "decision.made": Event(
        "decisions", EVERYBODY, P.PROFILE, N_("What you asked for was decided"), N_("Decided: %(what)s — %(outcome)s"),
        "%(reason)s", "{home}", BY_MAIL, translated=frozenset({"what", "outcome"})),
    "order.assigned": Event(
        "orders", TRADER, P.ORDER_CONFIRM, N_("An order came to you"), N_("A new order: %(amount)s"),
        N_("Order %(order)s waits for you."), "{order_page}", ON_WISH, urgent=True),
    "order.paid": Event(
        "orders", TRADER, P.ORDER_CONFIRM, N_("A payer says that he paid"), N_("Paid, says the payer: %(amount)s"),
        N_("Look whether the money came, and confirm order %(order)s."), "{order_page}", ON_WISH,
        urgent=True),
    "order.attention": Event(
        "orders", STAFF | TRADER, P.ORDER_READ, N_("An order needs attention"), N_("Order %(order)s needs attention"),
        "%(why)s", "{order_page}", POCKET, translated=frozenset({"why"}),
        urgent=True),
    "order.amount": Event(
        "orders", MERCHANT, P.ORDER_CANCEL, N_("Less came than was ordered: do you take it?"),
        N_("%(received)s came instead of %(ordered)s"),
        N_("Take it for order %(order)s, or leave it to support. After a day it is left to them."), "{order_page}",
        EVERYWHERE),
    "review.waits": Event(
        "orders", STAFF, P.RISK_DECIDE, N_("An order waits in review"), N_("Order %(order)s waits in review"),
        N_("Rules of risk want a person's word: release it, or refuse it. No clock decides."), "/admin/risk/reviews",
        POCKET, urgent=True),
    "help.asked": Event(
        "orders", STAFF, P.DISPUTE_OPEN, N_("Somebody asks for help"), N_("Help wanted with order %(order)s"),
        N_("Nobody has answered yet."), "/admin/help/{thread}", POCKET, urgent=True),
    "help.answered": Event(
        "orders", TRADER, P.DISPUTE_OPEN, N_("Support answered you"), N_("Support answered: order %(order)s"),
        N_("Read it on the page of help of the order."), "/trader/help/{order}", POCKET),
    "shift.handed": Event(
        "desk", STAFF, P.ADMIN_PORTAL, N_("A colleague hands matters over to you"),
        N_("Matters handed over to you: %(matters)s"), N_("By %(by)s. %(note)s"), "/admin/cases", EVERYWHERE),
    "shift.ended": Event(
        "orders", TRADER, P.SHIFT_MANAGE, N_("Your shift was ended"), N_("Your shift was ended"),
        N_("Two orders in a row waited for you in vain. Switch on “Accepting orders” when you are back."),
        "/trader/orders", EVERYWHERE, urgent=True),
    "requisite.quarantined": Event(
        "orders", TRADER, P.REQUISITE_READ, N_("A requisite went into quarantine"),
        N_("Quarantine: %(number)s"),
        N_("Five orders in a row were not paid on it. Does the bank take transfers to it?"),
        "/trader/requisites/{requisite}", POCKET),
    "requisite.frozen": Event(
        "orders", STAFF | TRADER, P.REQUISITE_READ, N_("A bank froze a requisite"),
        N_("Frozen by its bank: %(number)s"), N_("Stuck there: %(amount)s. %(reason)s"),
        "/{area}/requisites/{requisite}", POCKET, urgent=True),
    "requisite.blocked": Event(
        "orders", TRADER, P.REQUISITE_READ, N_("The desk blocked a requisite"), N_("Blocked by the desk: %(number)s"),
        N_("It takes no new orders. Open ones go on. Ask support why."), "/trader/requisites/{requisite}", POCKET,
        urgent=True),
    "requisite.given_back": Event(
        "orders", TRADER, P.REQUISITE_READ, N_("A requisite was given back, after a freeze or a block"),
        N_("Given back: %(number)s"), "%(how)s", "/trader/requisites/{requisite}", POCKET,
        translated=frozenset({"how"})),
    "dispute.opened": Event(
        "disputes", EVERYBODY, P.DISPUTE_OPEN, N_("A dispute was opened"), N_("A dispute about order %(order)s"),
        "%(waits)s", "/{area}/disputes/{dispute}", EVERYWHERE, translated=frozenset({"waits"})),
    "dispute.answered": Event(
        "disputes", EVERYBODY, P.DISPUTE_OPEN, N_("Somebody spoke in a dispute"),
        N_("An answer in the dispute about order %(order)s"), "%(waits)s", "/{area}/disputes/{dispute}",
        translated=frozenset({"waits"})),
    "dispute.deadline": Event(
        "disputes", EVERYBODY, P.DISPUTE_OPEN, N_("The time to answer in a dispute ends soon"),
        N_("Answer soon: the dispute about order %(order)s"),
        N_("Minutes left: %(minutes)s. Whoever does not answer in time leaves it to the other side and the desk."),
        "/{area}/disputes/{dispute}", EVERYWHERE, urgent=True),
    "dispute.decided": Event(
        "disputes", EVERYBODY, P.DISPUTE_OPEN, N_("A dispute was decided"),
        N_("Decided: the dispute about order %(order)s — %(outcome)s"), "%(ground)s",
        "/{area}/disputes/{dispute}", BY_MAIL, translated=frozenset({"outcome"})),
    "deposit.booked": Event(
        "money", OWNERS, P.BALANCE_READ, N_("A deposit was booked"), N_("A deposit was booked: %(amount)s"),
        "%(name)s", "/{area}/deposits", BY_MAIL),
    "withdrawal.sent": Event(
        "money", OWNERS, P.BALANCE_READ, N_("A withdrawal was sent"), N_("A withdrawal was sent: %(amount)s"),
        N_("Its reference: %(reference)s"), "/{area}/withdrawals/{withdrawal}", BY_MAIL),
    "balance.low": Event(
        "money", OWNERS, P.BALANCE_READ, N_("The balance is low"), N_("The balance is low: %(amount)s"),
        N_("%(name)s has less available than the limit you chose."), "/{area}/balance", EVERYWHERE),
    "key.ends": Event(
        "integration", MERCHANT, P.KEY_READ, N_("An API key ends soon"), N_("The key %(name)s ends in days: %(days)s"),
        N_("Roll it in time: calls with an ended key are refused."), "/merchant/developers/keys/{key}", BY_MAIL),
    "webhook.disabled": Event(
        "integration", MERCHANT, P.WEBHOOK_READ, N_("A webhook endpoint was switched off"),
        N_("A webhook endpoint was switched off"), N_("%(url)s: %(why)s"), "/merchant/developers/endpoints/{endpoint}",
        BY_MAIL, translated=frozenset({"why"})),
    "pause.began": Event(
        "desk", STAFF | MERCHANT, P.ORDER_READ, N_("A part of the desk stands still"), N_("No new orders: %(what)s"),
        "%(reason)s", "{home}", translated=frozenset({"what"})),
    "pause.announced": Event(
        "desk", STAFF | MERCHANT, P.ORDER_READ, N_("A part of the desk will stand still"),
        N_("Soon no new orders: %(what)s"), N_("In minutes: %(minutes)s. %(reason)s"), "{home}",
        translated=frozenset({"what"})),
    "pause.ended": Event(
        "desk", STAFF | MERCHANT, P.ORDER_READ, N_("Orders are taken again"), N_("Orders are taken again: %(what)s"),
        "", "{home}", translated=frozenset({"what"})),
    "coverage.hole": Event(
        "desk", STAFF, P.REQUISITE_READ, N_("Nobody could take orders of a size"),
        N_("Nobody could take: %(method)s from %(least)s"), N_("%(what)s an hour at this time: %(count)s."),
        "/admin/coverage?direction={direction}", POCKET, urgent=True, translated=frozenset({"what"})),
    "rates.stale": Event(
        "desk", STAFF, P.REFERENCE_MANAGE, N_("A rate is too old"), N_("The rate of %(name)s is too old"),
        N_("Orders that need it are refused until there is a new one."), "/admin/rates/{pair}", EVERYWHERE,
        urgent=True),
    "books.differ": Event(
        "desk", STAFF, P.LEDGER_READ, N_("A proof of the books found a difference"), N_("The books differ"),
        N_("%(difference)s No money leaves the desk until it is settled."), "/admin/proof", EVERYWHERE, urgent=True),
    "jobs.dead": Event(
        "desk", STAFF, P.JOB_MANAGE, N_("Work has failed for good"), N_("Work has failed for good: %(kind)s"),
        N_("Dead jobs of this kind: %(count)s. Retry or drop them."), "/admin/jobs", BY_MAIL,
        translated=frozenset({"kind"})),
}
"""By name, `noun.what`."""


def of(name: str) -> Event:
    return EVENTS[name]


def chosen_by(role: Role) -> dict[str, Event]:
    """What somebody of this role can be told of, in the order of its groups."""
    order = list(GROUPS)
    return dict(sorted(((name, event) for name, event in EVENTS.items() if role in event.roles),
                       key=lambda item: order.index(item[1].group)))
