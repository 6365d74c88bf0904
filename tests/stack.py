"""The whole product as processes of its own, on a database of its own, beside the supplier."""

import os
import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import requests
from cryptography.fernet import Fernet
from psycopg2 import sql

from rakuraku.engines import free_port
from rakuraku.processes import Process, Processes, entry, manage

LOGS = Path(__file__).resolve().parent.parent / "var" / "log" / "tests"


class Stack:
    """Web, worker, beat and the sandbox supplier. A context manager.

    The product is at ``base`` (127.0.0.1), the shop at ``shop`` (localhost): two sites, so that
    the cart's return is truly cross-site.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.port = free_port()
        self.shop_port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.shop = f"http://localhost:{self.shop_port}"
        self.verify: str | bool = True
        self.control_token = secrets.token_urlsafe(16)
        self.inbound_token = secrets.token_urlsafe(24)
        self.processes = Processes()
        self.env: dict[str, str] = {}
        self.worker: Process
        self.web: Process

    def __enter__(self) -> "Stack":
        self.env = env = self.environment()
        _new_database(self.database, os.environ["DATABASE_URL"])
        try:
            manage("migrate", "--noinput", env=env)
            manage("collectstatic", "--noinput", env=env)
            manage("seed_demo", env={**env, "RAKURAKU_ENV": "demo"})
            sandbox = self._start("sandbox", self.sandbox_command(), env)
            self.web = self._start("web", entry("web"), env)
            self.worker = self._start("worker", entry("worker"), env)
            self._start("beat", entry("beat"), env)
            self.start_around()
            sandbox.wait_for(f"{self.shop}/static/shop.css", verify=self.verify)
            self.web.wait_for(f"{self.base}/healthz", verify=self.verify)
        except BaseException:
            self.processes.__exit__()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop_around()
        self.processes.__exit__()

    def start_around(self) -> None:
        """What stands before the product, e.g. a proxy."""

    def stop_around(self) -> None:
        """End what ``start_around`` started."""

    @property
    def database(self) -> str:
        """Its name: one per worker of the test run."""
        return f"stack_{self.name}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"

    def environment(self) -> dict[str, str]:
        """What the processes are told; made once, since it draws secrets."""
        parts = urlsplit(os.environ["DATABASE_URL"])
        return {
            "RAKURAKU_ENV": "demo",
            "RAKURAKU_VAR": str(self.folder),
            "DATABASE_URL": urlunsplit(parts._replace(path=f"/{self.database}")),
            "REDIS_URL": os.environ["REDIS_URL"],
            "SECRET_KEY": secrets.token_urlsafe(50),
            "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "PUBLIC_URL": self.base,
            "PORT": str(self.port),
            "BIND": "127.0.0.1",
            "WEB_WORKERS": "1",
            "WORKER_CONCURRENCY": "1",
            "HISTORY_PULL_SECONDS": "2",
            "SANDBOX_STATE": str(self.folder / "sandbox.sqlite3"),
            "SANDBOX_PUBLIC_URL": self.shop,
            "SANDBOX_IDENTITY": "rakuraku-test",
            "SANDBOX_SECRET": 'secret<&>"秘密',
            "SANDBOX_CONTROL_TOKEN": self.control_token,
            "SANDBOX_INBOUND_TOKEN": self.inbound_token,
            "SANDBOX_INBOUND_URL": f"{self.base}/punchout/cxml/{self.inbound_token}",
            "SANDBOX_LWA_CLIENT_ID": "client",
            "SANDBOX_LWA_CLIENT_SECRET": secrets.token_urlsafe(16),
            "SANDBOX_LWA_REFRESH_TOKEN": secrets.token_urlsafe(16),
        }

    def sandbox_command(self) -> list[str]:
        """How the supplier is started."""
        return [
            sys.executable, "-m", "gunicorn", "punchout.sandbox.wsgi:application",
            "--bind", f"127.0.0.1:{self.shop_port}", "--workers", "1", "--threads", "8",
            "--no-control-socket",
        ]  # fmt: skip

    def control(self, method: str, path: str, body: dict | None = None):
        """The supplier's switches and books."""
        with requests.Session() as http:
            http.trust_env = False
            answer = http.request(
                method,
                f"{self.shop}/_control/{path}",
                json=body,
                headers={"X-Control-Token": self.control_token},
                verify=self.verify,
                timeout=20,
            )
        answer.raise_for_status()
        return answer.json()

    def sql(self, statement: str, *values: object) -> None:
        """Change rows of the product's database, as nobody on its pages may."""
        connection = psycopg2.connect(self.env["DATABASE_URL"])
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, values)
        finally:
            connection.close()

    def _start(self, name: str, argv: list[str], env: dict[str, str]) -> Process:
        return self.processes.start(name, argv, env, LOGS / f"{self.database}-{name}.log")


def _new_database(name: str, server_url: str) -> None:
    connection = psycopg2.connect(server_url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            cursor.execute(drop.format(sql.Identifier(name)))
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    finally:
        connection.close()
