"""Addresses as strangers and proxies write them, and what counts as one neighbour: an IPv4 address, a /64 of IPv6."""
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

NETWORK_BITS = 64  # one IPv6 customer has a whole /64
LONGEST = 64  # characters: an IPv6 address with zone, brackets and port


@lru_cache(maxsize=4096)
def read(text: str) -> IPv4Address | IPv6Address | None:
    """The address alone, without a port, brackets or a zone; None for what is none. An IPv4 one within IPv6 is IPv4."""
    if len(text) > LONGEST:
        return None
    bare = text.strip(' "')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def written(text: str) -> str | None:
    """As we write it, in the database too; None for what is no address."""
    address = read(text)
    return None if address is None else str(address)


def network_of(text: str) -> str:
    """Who is counted as one. What is no address (a Unix socket) is everybody's together."""
    address = read(text)
    if isinstance(address, IPv6Address):
        return f"{IPv6Address(int(address) >> NETWORK_BITS << NETWORK_BITS)}/{NETWORK_BITS}"
    return str(address or "")
