"""The signature of wake-ups: Huey unpickles nothing that one of our keys did not sign."""
import hashlib
import hmac
from collections.abc import Sequence

from huey.serializer import Serializer

SEPARATOR = b":"


class Signed(Serializer):  # type: ignore[misc]
    """HMAC-SHA-256. The first key signs, all are accepted: one is changed without losing what waits."""

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__()
        self.use(keys)

    def use(self, keys: Sequence[str]) -> None:
        self._keys = [hashlib.sha256(b"huey" + key.encode()).digest() for key in keys]

    def _serialize(self, message: object) -> bytes:
        pickled: bytes = super()._serialize(message)
        return pickled + SEPARATOR + self._signature(self._keys[0], pickled)

    def _deserialize(self, data: bytes) -> object:
        """Raises ValueError for anything that we did not sign."""
        pickled, separator, signature = data.rpartition(SEPARATOR)
        good = [hmac.compare_digest(signature, self._signature(key, pickled)) for key in self._keys]
        if not separator or not any(good):
            raise ValueError("a wake-up that is not signed by us")
        return super()._deserialize(pickled)

    @staticmethod
    def _signature(key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, hashlib.sha256).hex().encode()
