"""What a push service and a browser want to see: one encrypted record (RFC 8291, 8188), signed for by us (RFC 8292).

Imported only where a message is sent or a key is made: the library for it takes 7 MB, and 9 once used.
"""

import hmac
import os
from collections.abc import Mapping

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from jk_bms.web.push.keyfile import base64url

CURVE = ec.SECP256R1()
RECORD = 4096  # bytes: push services take no more
PrivateKey = ec.EllipticCurvePrivateKey


def encrypted(
    text: bytes,
    receiver: bytes,
    auth: bytes,
    size: int = 0,
    *,
    once: PrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """Return ``text`` as one record that only the browser with the point ``receiver`` and the secret ``auth`` reads.

    ``size``: filled up to so many bytes, so that its length says nothing. ``once``, ``salt``: of this message alone;
    None: made here. Raises ValueError where ``receiver`` is no point of the curve.
    """
    own = ec.generate_private_key(CURVE) if once is None else once
    salt = os.urandom(16) if salt is None else salt
    sender = point_of(own)
    shared = own.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, receiver))
    secret = _derived(auth, shared, b"WebPush: info\0" + receiver + sender, 32)
    key = _derived(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(salt, secret, b"Content-Encoding: nonce\0", 12)
    record = AESGCM(key).encrypt(nonce, text + b"\2" + bytes(max(0, size - len(text))), None)
    return salt + RECORD.to_bytes(4, "big") + bytes([len(sender)]) + sender + record


def is_point(data: bytes) -> bool:
    """Whether ``data`` is an uncompressed point of the curve."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(CURVE, data)
    except ValueError:
        return False
    return len(data) == 65


def signed(key: PrivateKey, audience: str, subject: str, expires: int) -> str:
    """Return the value of ``Authorization`` for the push service ``audience``, good until ``expires``, s since 1970."""
    claims: Mapping[str, str | int] = {"aud": audience, "exp": expires, "sub": subject}
    token = f"{_json({'typ': 'JWT', 'alg': 'ES256'})}.{_json(claims)}"
    r, s = decode_dss_signature(key.sign(token.encode(), ec.ECDSA(hashes.SHA256())))
    signature = base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return f"vapid t={token}.{signature}, k={base64url(point_of(key))}"


def new_key() -> bytes:
    """Return a new private key as PEM (PKCS#8)."""
    return ec.generate_private_key(CURVE).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def loaded(pem: bytes) -> PrivateKey:
    """Return the private key in ``pem``. Raises ValueError where there is none of this curve."""
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != CURVE.name:
        raise ValueError("it is of another kind")
    return key


def point_of(key: PrivateKey) -> bytes:
    """Return the public half of ``key``: 65 bytes."""
    return key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def _json(value: Mapping[str, str | int]) -> str:
    return base64url(msgspec.json.encode(value))


def _derived(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    """Return the first block of HKDF-SHA-256 (RFC 5869), of which no more than 32 bytes are wanted here."""
    extracted = hmac.digest(salt, secret, "sha256")
    return hmac.digest(extracted, info + b"\1", "sha256")[:length]
