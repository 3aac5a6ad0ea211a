"""Payment links: `/pay/<token>`, where the token is the order's id and an HMAC over it. Nothing of it is stored."""
from uuid import UUID

from portal.core import crypto, ids
from portal.core.errors import NotFound


def token_of(order_id: UUID) -> str:
    """26 characters of id, 32 of HMAC (192 bits)."""
    return ids.text(order_id) + crypto.link_token(order_id.bytes)


def form_token_of(order_id: UUID) -> str:
    """What the forms of this link's page carry, so that they need no cookie."""
    return crypto.link_token(b"form" + order_id.bytes)


def order_id_of(token: str) -> UUID:
    """Raises NotFound for anything that we did not sign."""
    order_id = ids.parse("pay", f"pay_{token[:ids.LENGTH]}")
    if not token.isascii() or not crypto.is_link_token(token[ids.LENGTH:], order_id.bytes):
        raise NotFound()
    return order_id


def path_of(order_id: UUID) -> str:
    return f"/pay/{token_of(order_id)}"
