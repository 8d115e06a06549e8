"""Sealing: what must not be readable in the database, nor in a copy of it.

Fernet (AES-128-CBC with HMAC-SHA256, https://github.com/fernet/spec) as `cryptography` has it,
because its `MultiFernet` can change keys. What a value is kept for is sealed with it, so that
one cannot be put in the place of another.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bridge.errors import Unauthorised

_KEY = re.compile(r"[A-Za-z0-9+/_-]{43}=?")  # 32 bytes in base64, of either alphabet

UNREADABLE = (
    "what is stored was sealed with another key; add that key to database.secret_key,"
    " on a line below the new one, or set up again what is lost"
)


class Sealer:
    """Seals with the first key; opens what was sealed with any of them."""

    def __init__(self, text: str, salt: str) -> None:
        """text: `database.secret_key`, a key on each line. salt: of this database.

        Slow (about 50 ms) where a key is a passphrase, for whoever tries many of them.
        """
        keys = [Fernet(base64.urlsafe_b64encode(key)) for key in _keys(text, salt)]
        self._first, self._all = keys[0], MultiFernet(keys)

    def seal(self, label: str, value: str) -> str:
        """Seal a value. label: what it is kept for, which `open` must name again."""
        return self._first.encrypt(json.dumps([label, value]).encode()).decode()

    def open(self, label: str, sealed: str) -> str:
        """Raises `Unauthorised` if none of the keys fits, or the value is another's."""
        try:
            found, value = json.loads(self._all.decrypt(sealed))
        except InvalidToken as error:
            raise Unauthorised(UNREADABLE) from error
        if found != label:
            raise Unauthorised(f"{label}: what is stored there belongs to {found}")
        return str(value)

    def renewed(self, sealed: str) -> str | None:
        """The same, sealed with the first key; None if it is already.

        Raises `Unauthorised` if none of the keys fits.
        """
        try:
            self._first.decrypt(sealed)
        except InvalidToken:
            try:
                return self._all.rotate(sealed).decode()
            except InvalidToken as error:
                raise Unauthorised(UNREADABLE) from error
        return None


def _keys(text: str, salt: str) -> Iterator[bytes]:
    for line in filter(None, map(str.strip, text.splitlines())):
        yield _decoded(line) or _stretched(line, salt)


def _decoded(line: str) -> bytes | None:
    """The key that a line spells; None where it is a passphrase."""
    if not _KEY.fullmatch(line):
        return None
    return base64.urlsafe_b64decode(line.translate(str.maketrans("+/", "-_")).ljust(44, "="))


def _stretched(passphrase: str, salt: str) -> bytes:
    # The cost that RFC 7914, section 2, recommends where somebody waits.
    return hashlib.scrypt(passphrase.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=32)
