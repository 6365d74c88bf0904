"""What every test may rely on, and what none may do."""

import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser


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


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    """A real browser. Without one the test is skipped; with CI=true that is a failure.

    Not longer than a module: while it runs there is an event loop, and Django's ORM refuses that.
    """
    # Imported here: most runs of single tests need no browser.
    from browser_setup import installed_browser
    from playwright.sync_api import sync_playwright

    executable = installed_browser()
    if executable is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI=true needs a browser")
        pytest.skip("NO BROWSER: install Chromium to run the browser tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            args=["--no-sandbox", "--disable-background-networking", "--disable-gpu", "--lang=ja"],
        )
        yield browser
        browser.close()
