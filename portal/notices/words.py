"""A happening as people read it, in their language, without a page around it: for the portal, mails and messengers."""
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import NamedTuple

from babel.support import NullTranslations, Translations

from portal.core.access import Role
from portal.notices import catalogue

SHOWN = 6  # of an order's id
TRANSLATIONS = Path(__file__).resolve().parents[2] / "translations"


class Words(NamedTuple):
    """`path`: where it leads, on this desk."""

    title: str
    text: str
    path: str


def of(event: str, facts: dict[str, str], *, locale: str, role: str) -> Words:
    known = catalogue.EVENTS.get(event)
    if known is None:  # of a release that is gone
        return Words(event, "", "/notices")
    filled = defaultdict(lambda: "—", {
        name: translated(value, locale) if name in known.translated else value for name, value in facts.items()})
    if "order" in facts:
        filled["order"] = f"…{facts['order'][-SHOWN:]}"  # as lists show it; the whole of it is where this leads
    area = "admin" if role in (Role.ADMIN, Role.SUPPORT) else role
    home = facts.get("home") if area != "admin" else None
    places = defaultdict(lambda: "", facts | {"area": area, "home": home or _home(facts, area),
                                            "order_page": _order_page(facts.get("order", ""), area)})
    return Words(translated(known.title, locale) % filled, (translated(known.text, locale) % filled).strip(" —"),
                 known.path.format_map(places).replace("{area}", area))


def _order_page(order: str, area: str) -> str:
    """A trader's payouts have pages of their own."""
    return f"/{area}/{'payouts' if area == 'trader' and order.startswith('pout_') else 'orders'}/{order}"


def _home(facts: dict[str, str], area: str) -> str:
    """Where it leads whoever has no page of their own for it."""
    if area != "admin":
        return "/notices"
    return f"/admin/approvals/{facts['approval']}" if "approval" in facts else facts.get("desk", "/notices")


def translated(sentence: str, locale: str) -> str:
    return str(_catalogue(locale).gettext(sentence)) if sentence else ""


@cache
def _catalogue(locale: str) -> NullTranslations:
    return Translations.load(str(TRANSLATIONS), [locale])
