"""The main job through real processes: in the demo's mode, and as an installation runs it."""

import re
from pathlib import Path

import pytest
from stack import LOGS, Stack
from tls import TlsProxy, make_certificate

from rakuraku.engines import free_port
from rakuraku.walk import walk_main_job

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("stack")]


class ProductionStack(Stack):
    """RAKURAKU_ENV=production: https everywhere, a proxy before the web process."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name, folder)
        self.certificate, self.key = make_certificate(folder)
        self.public_port = free_port()
        self.base = f"https://127.0.0.1:{self.public_port}"
        self.shop = f"https://localhost:{self.shop_port}"
        self.verify = str(self.certificate)

    def environment(self) -> dict[str, str]:
        return {
            **super().environment(),
            "RAKURAKU_ENV": "production",
            "DEFAULT_FROM_EMAIL": "rakuraku@example.jp",
            "EMAIL_URL": "dummymail://",
            "SUPPLIER_CA_BUNDLE": str(self.certificate),
            "SANDBOX_CA_BUNDLE": str(self.certificate),
        }

    def sandbox_command(self) -> list[str]:
        return [
            *super().sandbox_command(),
            "--certfile",
            str(self.certificate),
            "--keyfile",
            str(self.key),
        ]

    def start_around(self) -> None:
        self.proxy = TlsProxy(self.public_port, self.port, self.certificate, self.key)

    def stop_around(self) -> None:
        self.proxy.close()


def test_the_main_job_holds_in_production_mode(tmp_path):
    with ProductionStack("production", tmp_path) as stack:
        steps: list[str] = []
        walk_main_job(stack.base, stack.shop, steps.append, verify=stack.verify)
        assert len(steps) == 14
        orders = stack.control("GET", "orders")["orders"]
        assert len(orders) == 1, "exactly one order reached the supplier"
        _no_secret_in_logs(stack)


def _no_secret_in_logs(stack: Stack) -> None:
    env = stack.env
    hidden = [env[name] for name in ("SANDBOX_SECRET", "SANDBOX_INBOUND_TOKEN")]
    hidden += [env["SANDBOX_LWA_REFRESH_TOKEN"], env["SANDBOX_LWA_CLIENT_SECRET"]]
    for name in ("web", "worker", "beat"):
        log = (LOGS / f"{stack.database}-{name}.log").read_text(errors="replace")
        assert not [secret for secret in hidden if secret in log], name
        assert not re.search(r"BuyerCookie>[^*<]", log)
