"""Reference data: small, slow to change, cached by who reads it."""
from flask import Response

from portal import reference
from portal.core import clock
from portal.core.access import Permission
from portal.gateway import schemas
from portal.gateway.endpoint import call
from portal.gateway.etags import conditional


@call("GET", "/currencies", Permission.REFERENCE_READ, summary="Currencies in use",
      answer=schemas.Page[schemas.CurrencyFacts], cached=True)
def currencies() -> Response:
    return _listed([{"code": c.code, "exponent": c.exponent, "kind": c.kind}
                    for c in reference.snapshot().currencies.values() if c.active])


@call("GET", "/methods", Permission.REFERENCE_READ, summary="Payment methods",
      answer=schemas.Page[schemas.MethodFacts], cached=True)
def methods() -> Response:
    return _listed([{"code": m.code, "name": m.name, "number_label": m.number_label, "currencies": [*m.currencies]}
                    for m in reference.snapshot().methods.values() if m.active])


@call("GET", "/banks", Permission.REFERENCE_READ, summary="Banks",
      answer=schemas.Page[schemas.BankFacts], cached=True)
def banks() -> Response:
    return _listed([{"code": b.code, "name": b.name, "country": b.country}
                    for b in reference.snapshot().banks.values() if b.active])


@call("GET", "/rates", Permission.REFERENCE_READ, summary="The newest rate of each pair",
      answer=schemas.Page[schemas.RateFacts], cached=True)
def rates() -> Response:
    return _listed([{"base": r.base, "quote": r.quote, "rate": f"{r.rate:.6f}", "source": r.source,
                     "at": clock.rfc3339(r.at)} for r in reference.snapshot().rates.values()])


def _listed(rows: list[dict[str, object]]) -> Response:
    return conditional({"data": rows, "next_cursor": None})
