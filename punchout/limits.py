"""How often somebody may post in a minute, counted in Redis for all web processes together."""

import hashlib
import time

from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from redis.exceptions import RedisError


def too_many(what: str, who: str, per_minute: int) -> bool:
    """Count one more by ``who`` and say whether it is beyond the limit of this minute.

    Without Redis nobody is held up: the messages themselves are still checked.
    """
    name = hashlib.sha256(who.encode()).hexdigest()[:20]
    key = f"limit:{what}:{name}:{int(time.time()) // 60}"
    try:
        cache.add(key, 0, timeout=120)
        return bool(cache.incr(key) > per_minute)
    except (RedisError, ValueError):
        return False


def address_of(request: HttpRequest) -> str:
    """The client's address as the trusted proxies name it, or the next machine's."""
    try:
        return str(get_adapter(request).get_client_ip(request))
    except PermissionDenied:
        return str(request.META.get("REMOTE_ADDR", ""))
