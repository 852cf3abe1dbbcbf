"""Passwords of the page: what one may be, and how it is kept. Pure but for the randomness of the salt."""

import base64
import hashlib
import hmac
import secrets

from jk_bms.config.settings.kinds import SHORTEST_PASSWORD

N, R, P = 2**15, 8, 1  # cost of scrypt: 32 MB and a tenth of a second, on a Raspberry Pi half a second
MEMORY = 64 * 2**20  # bytes that OpenSSL may take for it
LONGEST = 1024  # characters

# The hundred that are tried first everywhere, as far as they are long enough to be chosen here.
_COMMON = """
    12345678 123456789 1234567890 password password1 password12 password123 passw0rd p@ssword p@ssw0rd
    qwertyui qwerty12 qwerty123 qwertyuiop qwerty1234 1q2w3e4r 1q2w3e4r5t 1qaz2wsx zaq12wsx qazwsxedc
    11111111 00000000 88888888 12341234 12121212 11223344 87654321 987654321 0987654321 123123123
    123454321 12344321 147258369 123qweasd 1234qwer abcd1234 abc12345 abcdefgh a1b2c3d4 aa123456
    asdfghjk asdfghjkl asdf1234 zxcvbnm1 iloveyou iloveyou1 princess sunshine football baseball superman
    batman123 trustno1 starwars whatever computer internet michelle jennifer jessica1 welcome1
    welcome123 admin123 administrator letmein1 letmein123 changeme changeme1 default1 guest123 raspberry
    raspberry1 raspberrypi raspbian battery1 battery123 easun123 inverter inverter1 solar123 dragon123
    monkey123 master123 shadow123 charlie1 liverpool chelsea1 arsenal1 samsung1 samsung123 privet123
    qwerty12345 pass1234 pass12345 test1234 test12345 user1234 home1234 house123 ukraine1 slavaukraini
    slava2022 parol123 12345qwert 1qazxsw2
"""
COMMON = frozenset(_COMMON.split())


class BadPassword(ValueError):
    """A password that may not be chosen; ``why`` is ``short``, ``long``, ``common`` or ``code``."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def check(password: str, code: str = "") -> None:
    """Raise BadPassword for one that may not be chosen. ``code``: the set-up code, which others have seen."""
    if len(password) < SHORTEST_PASSWORD:
        raise BadPassword("short")
    if len(password) > LONGEST:
        raise BadPassword("long")
    if password.casefold() in COMMON or len(set(password)) == 1:
        raise BadPassword("common")
    if code and password.strip().upper() == code.strip().upper():
        raise BadPassword("code")


def hashed(password: str) -> str:
    """Return what to keep of ``password``. Takes long and much memory: for a thread of its own."""
    salt = secrets.token_bytes(16)
    key = _scrypt(password, salt, N, R, P)
    return f"scrypt:{N}:{R}:{P}:{base64.b64encode(salt).decode()}:{base64.b64encode(key).decode()}"


def fits(password: str, stored: str) -> bool:
    """Whether ``password`` is the one that ``stored`` was made of. Takes as long as ``hashed``."""
    try:
        name, n, r, p, salt, key = stored.split(":")
        if name != "scrypt":
            return False
        found = _scrypt(password, base64.b64decode(salt), int(n), int(r), int(p))
        return hmac.compare_digest(found, base64.b64decode(key))
    except ValueError:
        return False


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    # What a keyboard cannot type, such as a lone surrogate, is still a password that does not fit.
    given = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(given, salt=salt, n=n, r=r, p=p, maxmem=MEMORY, dklen=32)
