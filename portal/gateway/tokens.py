"""`POST /token`: a key is shown once for a token of fifteen minutes, as OAuth 2 has it for programs (RFC 6749, 4.4).

Refusals are the gateway's own, with OAuth's `error` and `error_description` beside, so that a library understands them.
"""
import base64
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, unquote_plus

from flask import Response, g, request

from portal.core import crypto
from portal.core.commands import Command
from portal.core.db import transaction
from portal.core.errors import PortalError
from portal.gateway import auth, rate_limits, schemas, strict_json
from portal.gateway.endpoint import call, shown
from portal.gateway.errors import (
    AddressNotAllowed,
    ClientInvalid,
    GrantTypeUnsupported,
    NotForm,
    ScopeInvalid,
    TokenRequestInvalid,
    Unauthorized,
)
from portal.parties import access_tokens, key_tokens, token_keys
from portal.parties.key_cache import FoundKey
from portal.parties.stores import StoreSuspended

FORM = "application/x-www-form-urlencoded"
FIELDS_MAX = 20
GRANT = "client_credentials"
ERRORS: dict[type[PortalError], str] = {
    ClientInvalid: "invalid_client", AddressNotAllowed: "unauthorized_client", StoreSuspended: "unauthorized_client",
    GrantTypeUnsupported: "unsupported_grant_type", ScopeInvalid: "invalid_scope"}


class TokenRequest(Command):
    """What an OAuth 2 client sends; id and secret here, or as HTTP Basic authentication."""

    grant_type: str
    client_id: str | None = None
    client_secret: str | None = None
    scope: str | None = None


@call("POST", "/token", None, summary="A token of fifteen minutes for a key", body=TokenRequest,
      answer=schemas.AccessToken, takes_form=True,
      errors=(TokenRequestInvalid, GrantTypeUnsupported, ScopeInvalid, ClientInvalid, AddressNotAllowed,
              StoreSuspended))
def token() -> Response:
    return _in_oauths_words(_issue)


def _issue() -> Response:
    try:
        sent = _sent()
        key = _known(_client(sent))
    except PortalError:  # guesses are counted by address, as everywhere
        rate_limits.check_stranger()
        raise
    rate_limits.check(key.id, writes=True)
    if sent.get("grant_type") != GRANT:
        raise GrantTypeUnsupported() if "grant_type" in sent else TokenRequestInvalid()
    if key.suspended:
        raise StoreSuspended()
    scopes = _scopes(sent.get("scope"), key)
    if not access_tokens.ready():
        with transaction() as session:
            token_keys.ensure(session)
    return shown({"access_token": access_tokens.issue(key.public_id, scopes), "token_type": "Bearer",
                  "expires_in": int(access_tokens.LIVES_FOR.total_seconds()), "scope": " ".join(scopes)})


def _in_oauths_words(answer: Callable[[], Response]) -> Response:
    try:
        return answer()
    except PortalError as error:
        called = next((name for kind, name in ERRORS.items() if isinstance(error, kind)), "invalid_request")
        error.details |= {"error": called, "error_description": error.message}
        raise


def _sent() -> Mapping[str, str]:
    """The fields of the body; those that OAuth does not name are not looked at. Raises NotForm, TokenRequestInvalid."""
    if request.mimetype == "application/json":
        return {name: value for name, value in strict_json.body().items() if isinstance(value, str)}
    if request.mimetype != FORM:
        raise NotForm()
    try:
        pairs = parse_qsl(request.get_data().decode("ascii"), keep_blank_values=True, strict_parsing=True,
                          max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError:
        raise TokenRequestInvalid() from None
    if len(dict(pairs)) != len(pairs):
        raise TokenRequestInvalid()
    return {name: value for name, value in pairs if value}  # an empty one counts as left out: RFC 6749, 3.2


def _client(sent: Mapping[str, str]) -> tuple[str, str]:
    """Id and secret, by HTTP Basic or in the body, not both. Raises TokenRequestInvalid, ClientInvalid."""
    scheme, _, basic = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        if "client_id" not in sent or "client_secret" not in sent:
            raise TokenRequestInvalid()
        return sent["client_id"], sent["client_secret"]
    if scheme.lower() != "basic" or "client_secret" in sent:
        raise TokenRequestInvalid()
    try:
        id, _, secret = base64.b64decode(basic.strip(), validate=True).decode("ascii").partition(":")
    except ValueError:
        raise ClientInvalid() from None
    if sent.get("client_id", unquote_plus(id)) != unquote_plus(id):
        raise TokenRequestInvalid()
    return unquote_plus(id), unquote_plus(secret)


def _known(client: tuple[str, str]) -> FoundKey:
    """Raises ClientInvalid, AddressNotAllowed."""
    id, secret = client
    if not secret.isascii() or not secret.startswith(key_tokens.PREFIX):
        raise ClientInvalid()  # a token buys no other token
    try:
        key, address = auth.known(secret, request.remote_addr or "")
    except auth.TurnedAway as away:
        g.turned_away = auth.actor_of(away.key, away.address, request_id=g.request_id)
        raise
    except Unauthorized:
        raise ClientInvalid() from None
    if not crypto.same(id, key.public_id):
        raise ClientInvalid()
    g.actor = auth.actor_of(key, address, request_id=g.request_id)  # for the log
    return key


def _scopes(asked: str | None, key: FoundKey) -> list[str]:
    """Those of the key, or as many of them as are asked for. Raises ScopeInvalid."""
    wanted = key.scopes if asked is None else frozenset(asked.split(" "))
    if not wanted <= key.scopes:
        raise ScopeInvalid()
    return sorted(wanted)
