"""By which road money comes and goes: chains whose addresses check themselves, banks, and whatever else people use."""
import re
from collections.abc import Callable
from dataclasses import dataclass

from portal import reference
from portal.core.errors import FieldError, Invalid
from portal.reference import chains

DETAILS_MIN, DETAILS_MAX = 6, 300
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True)
class Network:
    """`check` gives an address in its one spelling or raises ValueError. `carries`: by kind and code of a currency."""

    code: str
    title: str
    check: Callable[[str], str]
    carries: Callable[[str, str], bool]


def _details(typed: str) -> str:
    if not DETAILS_MIN <= len(typed) <= DETAILS_MAX:
        raise ValueError("Write all that is needed to send there, in 6 to 300 characters.")
    return typed


NETWORKS = {network.code: network for network in (
    Network("trc20", "TRON (TRC-20)", chains.tron, lambda kind, code: kind == "crypto" and code != "BTC"),
    Network("erc20", "Ethereum (ERC-20)", chains.ethereum, lambda kind, code: kind == "crypto" and code != "BTC"),
    Network("bitcoin", "Bitcoin", chains.bitcoin, lambda kind, code: code == "BTC"),
    Network("bank", "Bank transfer", _details, lambda kind, code: kind == "fiat"),
    Network("other", "Another way", _details, lambda kind, code: True),
)}
CHAINS = ("trc20", "erc20", "bitcoin")


def of(currency: str) -> list[Network]:
    """Those that carry a settlement currency."""
    kind = reference.snapshot().currency(currency).kind
    return [network for network in NETWORKS.values() if network.carries(kind, currency)]


def chosen(code: str, currency: str) -> Network:
    """Raises Invalid."""
    found = next((network for network in of(currency) if network.code == code), None)
    if found is None:
        raise Invalid(fields=[FieldError("/network", "unknown_network", "Choose how the money goes.")])
    return found


def title(code: str | None) -> str:
    """To be translated; a network that is gone is still shown."""
    return NETWORKS[code].title if code in NETWORKS else code or "—"


def reference_key(text: str) -> str:
    """A transfer's reference as it is compared: blanks and capitals do not make another transfer."""
    return _BLANKS.sub("", text).casefold()
