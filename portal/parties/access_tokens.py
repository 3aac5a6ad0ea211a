"""Short-lived tokens in the place of a key: JWTs (RFC 9068) that any process issues and reads from what it remembers.

A token says whose key it stands for and with which of its scopes; everything else is asked of the key itself at every
call, so a token opens nothing that its key would not. See docs/decisions/0156.
"""
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from portal.core import clock, crypto, ids, site
from portal.core.db import engine, give_back, reader, translated
from portal.parties import key_invalidation, token_keys
from portal.parties.token_keys import ALGORITHM, TokenKey

LIVES_FOR = timedelta(minutes=15)
TYPE = "at+jwt"
LENGTH_MAX = 2000  # characters; ours have some 600
REMEMBERED_MAX = 10_000  # tokens that were verified, in a process
HEARD_S, FRESH_S = 60.0, 4.0  # the keys are read anew after: by a process that hears of changes, by one that does not
LOOK_AGAIN_S = 1.0  # for a key that nobody here knows
WANTED = ["iss", "aud", "sub", "exp", "iat", "scope"]


@dataclass(slots=True)
class Claims:
    """What a token of ours says. `digest` is of its key, once that was looked up: it never changes."""

    public_id: str
    scopes: frozenset[str]
    expires_at: datetime
    kid: str
    digest: bytes | None = None


@dataclass(frozen=True)
class _Pair:
    """A key as a process remembers it."""

    id: UUID
    kid: str
    signs_at: datetime
    private_sealed: bytes
    public: Any


@dataclass(frozen=True)
class _Known:
    pairs: dict[str, _Pair]  # by kid, the newest first
    jwks: list[dict[str, Any]]
    read_at: float
    generation: int


_known: dict[Engine, _Known] = {}
_verified: dict[bytes, Claims] = {}


def audience() -> str:
    return f"{site.url()}/gateway/v1"


def ready() -> bool:
    """There is a key that signs. A desk that has never issued a token may have none: `token_keys.ensure` makes it."""
    return _signing() is not None


def issue(public_id: str, scopes: Collection[str]) -> str:
    """A token for the key with this id; to be told to nobody but its holder."""
    import jwt  # workers have no tokens to read or write

    now, pair = clock.now(), _signing()
    assert pair is not None, "asked before there was a key: see `ready`"
    claims = {"iss": site.url(), "aud": audience(), "sub": public_id, "client_id": public_id, "scope": " ".join(scopes),
              "iat": int(now.timestamp()), "exp": int((now + LIVES_FOR).timestamp()), "jti": ids.text(ids.new_id())}
    return jwt.encode(claims, token_keys.private_key(pair.id, pair.private_sealed), ALGORITHM,
                      {"kid": pair.kid, "typ": TYPE})


def read(token: str) -> Claims | None:
    """What it says, or None for what is not ours, was changed, or is over. A signature is verified once a process."""
    if not token.startswith("eyJ") or len(token) > LENGTH_MAX:
        return None
    digest = crypto.sha256(token)
    claims = _verified.get(digest)
    if claims is None:
        claims = _verify(token)
        if claims is None:
            return None
        if len(_verified) >= REMEMBERED_MAX:
            _verified.clear()
        _verified[digest] = claims
    return claims if clock.now() < claims.expires_at and _pair(claims.kid) is not None else None


def jwks() -> dict[str, Any]:
    """The public keys, for whoever wants to verify a token himself."""
    return {"keys": _keys().jwks}


def _verify(token: str) -> Claims | None:
    import jwt

    try:
        header = jwt.get_unverified_header(token)
        if header.get("typ") != TYPE or (pair := _pair(header.get("kid"))) is None:
            return None
        said = jwt.decode(token, pair.public, [ALGORITHM], audience=audience(), issuer=site.url(), options={
            "require": WANTED, "verify_exp": False, "verify_iat": False, "verify_nbf": False})  # by our own clock
        return Claims(said["sub"], frozenset(said["scope"].split()), datetime.fromtimestamp(said["exp"], UTC),
                      pair.kid)
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError):
        return None


def _pair(kid: object) -> _Pair | None:
    found = _keys()
    if kid not in found.pairs and time.monotonic() - found.read_at > LOOK_AGAIN_S:
        found = _read()
    return found.pairs.get(kid) if isinstance(kid, str) else None


def _keys() -> _Known:
    """Remembered for as long as changes are heard of. Raises MustRead on the event loop."""
    found, watch = _known.get(engine()), key_invalidation.of(engine())
    if found is not None and found.pairs:
        age = time.monotonic() - found.read_at
        if watch.is_listening and found.generation == watch.generation and age < HEARD_S:
            return found
        if not watch.is_listening and age < FRESH_S:
            return found
    return _read()


def _read() -> _Known:
    generation = key_invalidation.of(engine()).generation  # before the look: what changes meanwhile is looked at again
    with translated():
        rows = token_keys.standing(reader())
        found = _Known({row.kid: _remembered(row) for row in rows}, token_keys.shown(rows), time.monotonic(),
                       generation)
    give_back()
    _known[engine()] = found
    return found


def _remembered(row: TokenKey) -> _Pair:
    return _Pair(row.id, row.kid, row.signs_at, row.private_sealed, token_keys.key_of(row.public_key))


def _signing() -> _Pair | None:
    now = clock.now()
    return next((pair for pair in _keys().pairs.values() if pair.signs_at <= now), None)
