"""A key as a call needs it: looked up for a token, and looked up again for all that are in use."""
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from portal.core.access import SCOPES, Permission

# for one key or for many; the text never changes. Driver's SQL: the listener asks on a connection of its own.
LOOK_UP = """
    SELECT k.public_id, k.id, k.name, k.store_id, s.merchant_id, k.live, k.scopes, k.networks::text[], k.expires_at,
           s.status <> 'active' OR m.status <> 'active' AS suspended, k.digest, k.signing_sealed,
           k.signing_previous_sealed, k.signing_previous_until, k.signing_required, s.signed_payouts
      FROM api_keys k JOIN stores s ON s.id = k.store_id JOIN merchants m ON m.id = s.merchant_id
     WHERE k.public_id = ANY (%s) AND k.revoked_at IS NULL"""


class Signing(NamedTuple):
    """How calls with a key are signed. `of_payouts`: its store lets no payout pass without."""

    sealed: bytes | None
    previous_sealed: bytes | None
    previous_until: datetime | None
    of_all: bool
    of_payouts: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundKey:
    """A key that may be used now; `networks` are CIDR texts, none meaning from anywhere."""

    public_id: str
    id: UUID
    name: str
    store_id: UUID
    merchant_id: UUID
    live: bool
    scopes: frozenset[str]
    permissions: frozenset[Permission]
    networks: tuple[str, ...]
    expires_at: datetime | None
    suspended: bool  # its store or merchant is
    digest: bytes
    signing: Signing


def read(row: Sequence[Any]) -> FoundKey:
    """Of a row of LOOK_UP."""
    public_id, id, name, store_id, merchant_id, live, scopes, networks, expires_at, suspended, digest, *signing = row
    scopes, permissions = _shared(frozenset(scopes))
    return FoundKey(
        public_id=public_id, id=id, name=name, store_id=store_id, merchant_id=merchant_id, live=live, scopes=scopes,
        networks=tuple(networks), expires_at=expires_at, suspended=suspended, permissions=permissions,
        digest=bytes(digest), signing=Signing(*signing))


@lru_cache(maxsize=1024)
def _shared(scopes: frozenset[str]) -> tuple[frozenset[str], frozenset[Permission]]:
    """Most keys may do what many others may: 3 KB of each of thousands that are remembered."""
    return scopes, permissions_of(scopes)


def permissions_of(scopes: Iterable[str]) -> frozenset[Permission]:
    return frozenset().union(*(SCOPES.get(name, frozenset()) for name in scopes))
