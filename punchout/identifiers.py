"""Identifiers and instants that go into documents."""

import secrets
from urllib.parse import urlsplit

from django.conf import settings


def new_payload_id() -> str:
    """A payloadID that no other document has: random part, then this installation's host."""
    return f"{secrets.token_hex(16)}@{urlsplit(settings.PUBLIC_URL).hostname}"


def public_url(path: str) -> str:
    """``path`` as the outside world calls it."""
    return settings.PUBLIC_URL.rstrip("/") + path
