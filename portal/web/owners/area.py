"""Views at two doors, and whose money they are about: a trader's own, or that of the store named in the address."""
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flask import Blueprint, Response, redirect, request, url_for

from portal.core.db import reader
from portal.core.errors import NotFound
from portal.treasury import owners
from portal.treasury.owners import Owner
from portal.web.identity import signed_in

View = TypeVar("View", bound=Callable[..., Any])


class OwnerArea:
    """`/trader/<noun>` and `/merchant/<noun>`, with the same views: each looks after what its visitor owns."""

    def __init__(self, noun: str, module: str) -> None:
        self.trader, self.merchant = (Blueprint(f"{role}_{noun}", module, url_prefix=f"/{role}/{noun}")
                                      for role in ("trader", "merchant"))

    def get(self, rule: str) -> Callable[[View], View]:
        return self._at(rule, "GET")

    def post(self, rule: str) -> Callable[[View], View]:
        return self._at(rule, "POST")

    def _at(self, rule: str, method: str) -> Callable[[View], View]:
        def add(view: View) -> View:
            for blueprint in (self.trader, self.merchant):
                blueprint.add_url_rule(rule, view.__name__, view, methods=[method])
            return view

        return add


def choice() -> tuple[Sequence[Owner], Owner]:
    """All that are the visitor's, and the one of the address, else the first. Raises NotFound, also for another's."""
    mine, wanted = owners.own(reader(), signed_in()), request.args.get("store")
    for owner in mine:
        if wanted in (None, "", owner.public_id):
            return mine, owner
    raise NotFound()


def asking() -> dict[str, Any]:
    """Whose it is, as a command wants it."""
    owner = choice()[1]
    return {"owner_kind": owners.kind_of(owner), "owner_id": owner.id}


def to(endpoint: str, **values: Any) -> Response:
    return redirect(url_for(endpoint, **values), 303)  # type: ignore[return-value]


def store_named() -> dict[str, str]:
    """For addresses of the page: the store it is about, if one is named."""
    wanted = request.args.get("store")
    return {"store": wanted} if wanted else {}
