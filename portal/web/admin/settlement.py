"""What balances can be kept in, to choose from when a store or a trader is made: any asset that is switched on."""
from flask import request

from portal import reference
from portal.core.errors import FieldError, Invalid


def choices() -> list[tuple[str, str]]:
    """Assets first, then the currencies of countries."""
    known = [one for one in reference.snapshot().currencies.values() if one.active]
    return [(one.code, one.code) for kind in ("crypto", "fiat") for one in known if one.kind == kind]


def chosen() -> str:
    """Of the form that was sent; never guessed, for a balance keeps its currency for good. Raises Invalid."""
    wanted = request.form.get("settlement_currency", "").strip()
    if not wanted:
        raise Invalid(fields=[FieldError("/settlement_currency", "missing", "Field required")])
    if wanted not in dict(choices()):
        raise Invalid(fields=[FieldError("/settlement_currency", "unknown_currency", "There is no such currency.")])
    return wanted
