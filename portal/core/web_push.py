"""Web Push on the wire: a message that only one browser can read (RFC 8291), and a proof of who sends it (RFC 8292).

Ours, of `cryptography`'s parts: the libraries that do it bring HTTP clients of their own, and the address of a push
service comes from the browser, so that only the guarded transport may call it (decision 0180).
"""
import json
import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.core import clock

CURVE = ec.SECP256R1()
RECORD = 4096  # octets, RFC 8188
PLAIN_MAX = RECORD - 17 - 86  # less the tag, the end mark and the header
POINT, AUTH, KEY = 65, 16, 32  # octets of a public key, of a browser's secret, of a private key
PROOF_FOR = timedelta(hours=12)  # RFC 8292 allows a day


class BadKey(ValueError):
    """Not what a browser, or `bin/flask notices push-key`, would give."""


@dataclass(frozen=True)
class Sender:
    """The desk as push services know it. `contact`: whom they write to, as mailto: or https:."""

    key: ec.EllipticCurvePrivateKey
    contact: str

    @property
    def public(self) -> str:
        return encoded(point_of(self.key.public_key()))

    def proof(self, origin: str) -> str:
        """The Authorization of a message to this push service."""
        said = {"aud": origin, "exp": int((clock.now() + PROOF_FOR).timestamp()), "sub": self.contact}
        signed = ".".join(encoded(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ES256"}, said))
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(SHA256())))
        signature = encoded(r.to_bytes(KEY, "big") + s.to_bytes(KEY, "big"))
        return f"vapid t={signed}.{signature}, k={self.public}"


def new_key() -> str:
    """For the setting PUSH_KEY."""
    return encoded(ec.generate_private_key(CURVE).private_numbers().private_value.to_bytes(KEY, "big"))


def read_key(text: str) -> ec.EllipticCurvePrivateKey:
    """Raises BadKey."""
    try:
        return ec.derive_private_key(int.from_bytes(decoded(text, KEY), "big"), CURVE)
    except ValueError as error:
        raise BadKey("not a private key of P-256: 32 octets in base64url") from error


def read_point(raw: bytes) -> ec.EllipticCurvePublicKey:
    """A browser's public key. Raises BadKey where it is not on the curve."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, raw)
    except ValueError as error:
        raise BadKey("not a point of P-256") from error


def sealed(text: bytes, *, browser: bytes, auth: bytes, salt: bytes | None = None,
           key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    """The body of a message, one record of `aes128gcm`. `browser`: its public key; salt and key are new each time."""
    assert len(text) <= PLAIN_MAX
    salt, key = salt or os.urandom(16), key or ec.generate_private_key(CURVE)
    ours = point_of(key.public_key())
    shared = key.exchange(ec.ECDH(), read_point(browser))
    secret = _derived(shared, salt=auth, info=b"WebPush: info\0" + browser + ours, length=32)
    content_key = _derived(secret, salt=salt, info=b"Content-Encoding: aes128gcm\0", length=16)
    nonce = _derived(secret, salt=salt, info=b"Content-Encoding: nonce\0", length=12)
    return (salt + struct.pack(">IB", RECORD, POINT) + ours
            + AESGCM(content_key).encrypt(nonce, text + b"\x02", None))


def point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(text: str, length: int) -> bytes:
    """Raises BadKey unless it is `length` octets in base64url."""
    try:
        raw = urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except ValueError as error:
        raise BadKey("not base64url") from error
    if len(raw) != length:
        raise BadKey(f"not {length} octets")
    return raw


def _derived(secret: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)
