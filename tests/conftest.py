"""What every test may rely on, and what none may do."""

import ipaddress
import socket
import sys

import pytest


def _refuse_network(event: str, arguments: tuple) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if not _is_this_machine(name):
        raise RuntimeError(f"tests talk to this machine only, not to {name}")


def _is_this_machine(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        # Names below .invalid never resolve: they are for tests of just that.
        return name in ("localhost", socket.gethostname()) or name.endswith(".invalid")


sys.addaudithook(_refuse_network)


@pytest.fixture(autouse=True)
def _fresh_cache(request):
    """Lock-out counters of one test are not those of the next."""
    if "django_db_setup" in request.fixturenames:
        from django.core.cache import cache

        cache.clear()
