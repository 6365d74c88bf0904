"""What every test may rely on, and what none may do."""

import ipaddress
import os
import sys

import pytest

IN_CI = os.environ.get("CI") == "true"


def _refuse_network(event: str, arguments: tuple) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if not isinstance(address, tuple):
        return
    host = str(address[0])
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise RuntimeError(f"tests talk to this machine only, not to {host}")


sys.addaudithook(_refuse_network)


@pytest.fixture(autouse=True)
def _fresh_cache(request):
    """Lock-out counters of one test are not those of the next."""
    if "django_db_setup" in request.fixturenames:
        from django.core.cache import cache

        cache.clear()
