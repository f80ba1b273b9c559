"""Who may see the page and press its buttons. No ROS, no web server.

A page from anywhere may try to talk to a server on this machine: by its address (cross-site requests), or by
a name of its own that it lets point here (DNS rebinding). So the name in the address line has to be one of
this machine's, and a request that a page makes has to come from this one. Where others can reach the server,
they need a token as well.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

SHORTEST = 16  # characters of a token; at one guess a second nobody finds it
_SESSIONS = 256  # that are remembered
COOKIE = "sag_view"


def read_token(path: Path) -> str:
    """The first line of a file.

    Raises:
        ValueError: it cannot be read, others can read it, or the token is too short.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise ValueError(f"token_file {path}: others can read it; chmod 600 {path}")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"token_file {path}: {error}") from None
    token = lines[0].strip() if lines else ""
    if len(token) < SHORTEST:
        raise ValueError(
            f"token_file {path}: its first line has {len(token)} characters, at least {SHORTEST} are needed; "
            f"python3 -c 'import secrets; print(secrets.token_urlsafe())' makes one"
        )
    return token


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine for itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def split_host(authority: str) -> str:
    """Name or address in ``name:port``, lower case, without brackets; empty for what is none."""
    try:
        return (urlsplit(f"//{authority}").hostname or "").rstrip(".")
    except ValueError:
        return ""


class Door:
    """Decides about requests.

    Args:
        host: address that is served on.
        token: to be entered; empty: nobody is asked, which only this machine may do without.
        names: of this machine, besides its host name.

    Raises:
        ValueError: others could reach the page and would not be asked for a token.
    """

    def __init__(self, host: str, token: str = "", names: tuple[str, ...] = ()) -> None:
        self._local = is_loopback(host)
        if not self._local and not token:
            raise ValueError(
                f"host {host}: whoever reaches it could move the arm. Beyond 127.0.0.1 a token is needed: "
                "write one into a file that only you can read, and name it in token_file"
            )
        self._token = token.encode()
        own = socket.gethostname().lower()
        self._names = {"localhost", own, f"{own}.local", *(name.lower() for name in names)}
        self._sessions: list[str] = []

    @property
    def asks(self) -> bool:
        """Whether a token is needed."""
        return bool(self._token)

    def refusal(self, headers: Mapping[str, str]) -> str:
        """Why a request is refused whoever sends it, or an empty text."""
        name = split_host(headers.get("Host", ""))
        if not self._is_ours(name):
            return (
                f"this server does not answer to the name {name[:80]!r}; open it as localhost, by its "
                "address or host name, or add the name to view_node's parameter names"
            )
        origin = headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc.lower() != headers.get("Host", "").lower():
            return "a page from elsewhere may not use this one"
        if headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") and (
            headers.get("Sec-Fetch-Mode") != "navigate"
        ):
            return "a page from elsewhere may not use this one"
        return ""

    def _is_ours(self, name: str) -> bool:
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return address.is_loopback or not self._local  # nobody can let an address point elsewhere

    def fits(self, token: str) -> bool:
        """Whether this is the token; takes as long whatever is wrong with it."""
        return self.asks and hmac.compare_digest(token.strip().encode(), self._token)

    def admit(self) -> str:
        """A new session, for a cookie."""
        session = secrets.token_urlsafe(32)
        self._sessions = [*self._sessions[1 - _SESSIONS :], session]
        return session

    def forget(self, cookies: Mapping[str, str]) -> None:
        """End the session of a request."""
        self._sessions = [known for known in self._sessions if known != cookies.get(COOKIE)]

    def knows(self, cookies: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        """Whether a request comes from somebody who has entered the token, or brings it along."""
        if not self.asks:
            return True
        given = headers.get("Authorization", "")
        if given.startswith("Bearer ") and self.fits(given.removeprefix("Bearer ")):
            return True
        session = cookies.get(COOKIE, "").encode()
        found = [hmac.compare_digest(session, known.encode()) for known in self._sessions]
        return any(found)
