"""Taking secrets out of what is kept or logged, however the other side wrote them down."""

import base64
import html
import re

from punchout import cxml
from punchout.models import CatalogConnection

HIDDEN = "***"
_SHORTEST = 4
"""Shorter secrets would take the words out of every sentence."""

# Who knows the cookie of a shopping trip under way can bring a cart back for it; who knows the
# start page shops in somebody's name.
_COOKIE = re.compile(rb"(<BuyerCookie\b[^>]*>)[^<]*(</BuyerCookie\s*>)")
_START_PAGE = re.compile(rb"(<StartPage\b[^>]*>\s*<URL\b[^>]*>)[^<]*(</URL\s*>)")


def message(body: bytes) -> bytes:
    """A cXML message without shared secret, buyer cookie and start page."""
    redacted = _COOKIE.sub(rb"\1***\2", cxml.redact(body))
    return _START_PAGE.sub(rb"\1***\2", redacted)


def text(said: str, connection: CatalogConnection | None) -> str:
    """``said`` without the connection's secrets: plain, escaped for XML, or as Basic credentials.

    Suppliers quote requests in their error pages.
    """
    if connection is None:
        return said
    for form in _forms(connection):
        said = said.replace(form, HIDDEN)
    return said


def _forms(connection: CatalogConnection) -> list[str]:
    forms: set[str] = set()
    pairs = (
        (connection.from_identity, connection.shared_secret),
        (connection.inbound_user, connection.inbound_password),
    )
    for user, secret in pairs:
        if len(secret) >= _SHORTEST:
            forms |= {secret, base64.b64encode(f"{user}:{secret}".encode()).decode()}
    for quote in (True, False, True):
        forms |= {html.escape(form, quote=quote) for form in forms}
    # The longest first: a form may hold a shorter one.
    return sorted(forms, key=len, reverse=True)
