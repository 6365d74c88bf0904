"""Starts the engines before pytest-django reads the settings; workers get them by environment.

Loaded with ``-p`` because conftest files are read too late for that.
"""

import atexit
import os
import signal
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from rakuraku.engines import Engines, discard_abandoned

VAR = Path(__file__).resolve().parent.parent / "var"
_running: list[Engines] = []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config, parser, args):
    """One PostgreSQL and one Redis per run, a Redis database per worker."""
    os.environ["RAKURAKU_ENV"] = "test"
    # Demo and other values of the person's shell must not leak into tests.
    os.environ.pop("PUBLIC_URL", None)
    # WhiteNoise warns about a missing folder, and warnings are errors.
    (VAR / "static").mkdir(parents=True, exist_ok=True)
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        # A time limit or a closed terminal ends the run as Ctrl-C does; no signal can announce a
        # kill, so the next run clears up after one.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.default_int_handler)
        discard_abandoned(VAR, "test-")
        engines = Engines(VAR, f"test-{os.getpid()}", durable=False)
        engines.__enter__()
        _running.append(engines)
        # Also when pytest ends before its own clean-up, e.g. on an error in the settings.
        atexit.register(pytest_unconfigure)
        os.environ.update(engines.environment)
    else:
        number = int(worker.removeprefix("gw")) + 1
        parts = urlsplit(os.environ["REDIS_URL"])
        os.environ["REDIS_URL"] = urlunsplit(parts._replace(path=f"/{number}"))
    return (yield)


def pytest_unconfigure() -> None:
    """Stop what this process started, and remove it."""
    while _running:
        _running.pop().discard()
