"""The other side of push: a push service with a certificate of its own authority, and a phone that reads its messages.

They check as a service and a browser do, by other code than that under test: ``http-ece`` decrypts, the signature is
judged by the plain arithmetic of P-256.
"""

import asyncio
import hashlib
import json
import ssl
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Self

import http_ece  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jk_bms.web.push.services import PushServices

NAMES = ("fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com", "push.example.net")
PUBLIC = "8.8.8.8"  # what a name of a service leads to, for the program; the tests connect to this machine

# The curve P-256 (FIPS 186-4, D.1.2.3)
P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
Point = tuple[int, int] | None


def unbase64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def added(one: Point, other: Point) -> Point:
    """The sum of two points of the curve; None is the zero."""
    if one is None or other is None:
        return one or other
    if one[0] == other[0] and (one[1] + other[1]) % P == 0:
        return None
    if one == other:
        slope = (3 * one[0] * one[0] - 3) * pow(2 * one[1], -1, P)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, P)
    x = (slope * slope - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def times(number: int, point: Point) -> Point:
    result: Point = None
    while number:
        if number & 1:
            result = added(result, point)
        point, number = added(point, point), number >> 1
    return result


def verified(message: bytes, signature: bytes, key: bytes) -> bool:
    """Whether ``signature`` (r and s, 32 bytes each) of ``message`` is of the holder of the point ``key``."""
    x, y = int.from_bytes(key[1:33], "big"), int.from_bytes(key[33:], "big")
    assert (len(key), key[0], (y * y - x**3 + 3 * x - B) % P) == (65, 4, 0)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if len(signature) != 64 or not (0 < r < N and 0 < s < N):
        return False
    inverse, digest = pow(s, -1, N), int.from_bytes(hashlib.sha256(message).digest(), "big")
    found = added(times(digest * inverse % N, G), times(r * inverse % N, (x, y)))
    return found is not None and found[0] % N == r


class Signature(NamedTuple):
    """What ``Authorization`` says, once it is known to be good."""

    claims: dict[str, Any]
    key: bytes


def signature_of(authorization: str) -> Signature:
    """Check the header as RFC 8292 wants it."""
    kind, _, rest = authorization.partition(" ")
    fields = dict(part.strip().split("=", 1) for part in rest.split(","))
    head, claims, signature = fields["t"].split(".")
    key = unbase64(fields["k"])
    assert kind == "vapid"
    assert json.loads(unbase64(head)) == {"typ": "JWT", "alg": "ES256"}
    assert verified(f"{head}.{claims}".encode(), unbase64(signature), key)
    return Signature(json.loads(unbase64(claims)), key)


class Phone:
    """A browser that subscribed."""

    def __init__(self, host: str = NAMES[0], name: str = "one") -> None:
        self.endpoint = f"https://{host}/push/{name}"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = hashlib.sha256(name.encode()).digest()[:16]

    @property
    def subscription(self) -> dict[str, Any]:
        point = self._key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return {"endpoint": self.endpoint, "expirationTime": None,
                "keys": {"p256dh": base64(point), "auth": base64(self._auth)}}  # fmt: skip

    def read(self, body: bytes) -> bytes:
        """Decrypt a message, its padding gone."""
        text: bytes = http_ece.decrypt(
            body, private_key=self._key, auth_secret=self._auth, version="aes128gcm"
        )
        return text


class Posted(NamedTuple):
    """One request as the service got it."""

    host: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def signature(self) -> Signature:
        return signature_of(self.headers["authorization"])


class Answer(NamedTuple):
    """What the service says."""

    status: int = 201
    headers: Mapping[str, str] = {}
    body: bytes = b""


Said = Callable[[Posted], Answer]


class PushService:
    """Takes messages over https in threads of its own; ``says`` is what it answers."""

    def __init__(self, folder: Path) -> None:
        self.posted: list[Posted] = []
        self.says: Said = lambda _: Answer()
        self.connected: list[tuple[str, str]] = []  # address and name that were connected to
        self.addresses: dict[str, list[str]] = {}  # by name; others lead to PUBLIC
        self.reachable = True
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                fields = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(fields["content-length"]))
                posted = Posted(fields["host"], self.path, fields, body)
                service.posted.append(posted)
                answer = service.says(posted)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # a client that goes away in the middle

        certificate, key, authority = _certificates()
        (folder / "push.pem").write_bytes(certificate + key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "push.pem")
        self.trust = ssl.create_default_context(cadata=authority.decode())
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def services(self, *hosts: str, context: ssl.SSLContext | None = None, **more: Any) -> PushServices:
        """The program's way to push services, which ends here."""
        return PushServices(
            hosts, resolve=self._resolve, connect=self._connect, context=context or self.trust, **more
        )

    async def _resolve(self, host: str) -> list[str]:
        return self.addresses.get(host, [PUBLIC])

    async def _connect(
        self, address: str, context: ssl.SSLContext, host: str
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.connected.append((address, host))
        if not self.reachable:
            raise OSError(101, "Network is unreachable")
        port = self._server.server_address[1]
        return await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=host)


@cache
def _certificates() -> tuple[bytes, bytes, bytes]:
    """A certificate for NAMES, its key, and the authority that signed it, as PEM."""
    now = datetime.now(UTC)

    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    usual = (
        x509.CertificateBuilder()
        .issuer_name(named("an authority of the tests"))
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3650))
        .not_valid_after(now + timedelta(days=3650))
    )
    authority = (
        usual.subject_name(named("an authority of the tests"))
        .public_key(root.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=True, content_commitment=False, key_encipherment=False,
                          data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
                          encipher_only=False, decipher_only=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(root.public_key()), critical=False)
        .sign(root, hashes.SHA256())
    )  # fmt: skip
    certificate = (
        usual.subject_name(named("push"))
        .public_key(leaf.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in NAMES]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), critical=False)
        .sign(root, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = leaf.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(pem), plain, authority.public_bytes(pem)
