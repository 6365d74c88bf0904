"""Operators' commands as tests call them: in this process, and as the processes they really are."""

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from django.core.management import CommandError, call_command
from django.db import connection as database
from test_shopping_start import ANSWER, PAGE, Supplier

ROOT = Path(__file__).resolve().parents[1]
SECRET = "s3cret-of-the-shell"
IN = ANSWER.format(code=200, text="OK", page=PAGE)
"""The answer that lets everybody in."""


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    said: str
    """Both streams."""


def run(*arguments: str) -> Done:
    """Run a command in this process; a refusal is exit code 1 with its sentences."""
    out = StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=out)
    except CommandError as refused:
        return Done(refused.returncode, f"{out.getvalue()}{refused}")
    return Done(0, out.getvalue())


def process(*arguments: str, **env: str) -> Done:
    """Run manage.py as a process of its own on the test's database, which needs committed rows."""
    values = database.settings_dict
    url = (
        f"postgresql://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}"
        f"/{values['NAME']}"
    )
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    return Done(done.returncode, done.stdout)


@contextmanager
def supplier(answer: str = IN) -> Iterator[Supplier]:
    """A listening supplier that answers every setup request alike."""
    running = Supplier(answer)
    try:
        yield running
    finally:
        running.server.shutdown()
        running.server.server_close()


@contextmanager
def silent() -> Iterator[str]:
    """The address of a machine that takes connections and closes them without an answer."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/orders"
    finally:
        server.shutdown()
        server.server_close()


def whole(url: str, *more: str) -> list[str]:
    """A ``connect_catalog`` line that names everything needed; the secret is in SHOP_SECRET."""
    return [
        "connect_catalog", "--name", "みどり商店", "--punchout-url", url,
        "--order-url", url, "--identity", "rakuraku", "--secret-env", "SHOP_SECRET",
        "--breakdown", "10=B10", "--breakdown", "8=B8", "--breakdown", "0=B0",
        "--shipping-breakdown", "B10", "--payment-method", "M2", *more,
    ]  # fmt: skip
