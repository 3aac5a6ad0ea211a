"""How a shop signs its calls: written from the documentation, not from the desk's code."""
import hashlib
import hmac


def signature(secret: str, timestamp: str, method: str, target: str, key: str, body: bytes) -> str:
    """`target`: path and query as they are sent; `key`: of idempotency, or empty."""
    text = f"v1\n{timestamp}\n{method}\n{target}\n{key}\n{hashlib.sha256(body).hexdigest()}"
    return "v1=" + hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
