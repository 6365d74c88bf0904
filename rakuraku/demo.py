"""``make demo``: everything on one machine, the main job walked once, up until Ctrl-C.

``python -m rakuraku.demo [--once]``. Not a manage.py command: it starts the database that
settings need.
"""

import argparse
import json
import os
import secrets
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import requests

from rakuraku.engines import EngineError, Engines
from rakuraku.processes import ProcessError, Processes, entry, manage

VAR = Path(os.environ.get("RAKURAKU_VAR", "var"))
STALE_SECONDS = 3


def main() -> int:
    """0 when every step of the main job held, otherwise 1 with the step that did not."""
    parser = argparse.ArgumentParser(prog="make demo")
    parser.add_argument("--once", action="store_true", help="exit after the main job")
    once = parser.parse_args().once
    port = int(os.environ.get("PORT", "8800"))
    shop_port = int(os.environ.get("SANDBOX_PORT", "8802"))
    # Ctrl-C and a polite kill end it the same way.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _refuse_busy({"PORT": port, "SANDBOX_PORT": shop_port})
        return _run(port, shop_port, once=once)
    except (EngineError, ProcessError, BusyPort) as error:
        print(f"\n失敗しました: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n停止しました。データは残っています（最初からやり直すには make demo-reset）。")
        return 0


class BusyPort(Exception):
    """A port is taken; says which and how to choose another."""


def _refuse_busy(ports: dict[str, int]) -> None:
    for name, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise BusyPort(
                    f"ポート {port} は使われています。別のポートを選んでください:"
                    f" make demo {name}={port + 10}"
                ) from None


def _run(port: int, shop_port: int, *, once: bool) -> int:
    base, shop = f"http://127.0.0.1:{port}", f"http://localhost:{shop_port}"
    began = time.monotonic()
    print("PostgreSQL と Redis を起動しています …", flush=True)
    with Engines(VAR, "demo") as engines, Processes() as processes:
        env = _environment(engines, base, shop)
        print("データベースを準備しています …", flush=True)
        manage("migrate", "--noinput", env=env)
        manage("collectstatic", "--noinput", env=env)
        manage("seed_demo", env=env)
        print("web、worker、beat、サンドボックスの仕入先を起動しています …", flush=True)
        logs = VAR / "log"
        gunicorn = [
            sys.executable, "-m", "gunicorn", "punchout.sandbox.wsgi:application",
            "--bind", f"127.0.0.1:{shop_port}", "--workers", "1", "--threads", "8",
            "--no-control-socket",
        ]  # fmt: skip
        sandbox = processes.start("sandbox", gunicorn, env, logs / "sandbox.log")
        web = processes.start(
            "web", entry("web"), {**env, "PORT": str(port), "BIND": "127.0.0.1"}, logs / "web.log"
        )
        worker = processes.start("worker", entry("worker"), env, logs / "worker.log")
        beat = processes.start("beat", entry("beat"), env, logs / "beat.log")
        sandbox.wait_for(f"{shop}/static/shop.css")
        _tell_sandbox(shop, env)
        web.wait_for(f"{base}/healthz")
        print("主な業務を、実際のページを通して一度行います:", flush=True)
        failed = _walk(base, shop)
        if once or failed:
            print(f"所要時間 {time.monotonic() - began:.1f} 秒")
            return int(failed)
        _announce(base, shop)
        watched = [web, worker, beat, sandbox]
        while True:
            threading.Event().wait(STALE_SECONDS)
            for process in watched:
                if not process.is_running:
                    raise ProcessError(f"{process.name} が止まりました。\n{process.tail()}")


def _tell_sandbox(shop: str, env: dict[str, str]) -> None:
    """Where to send confirmations, in case an earlier demo used another port."""
    with requests.Session() as http:
        http.trust_env = False
        answer = http.put(
            f"{shop}/_control/settings",
            json={"inbound_url": env["SANDBOX_INBOUND_URL"]},
            headers={"X-Control-Token": env["SANDBOX_CONTROL_TOKEN"]},
            timeout=10,
        )
    if answer.status_code != 200:
        raise ProcessError(f"sandbox: {answer.status_code} {answer.text[:300]}")


def _walk(base: str, shop: str) -> bool:
    from rakuraku.walk import StepFailed, walk_main_job

    try:
        walk_main_job(base, shop, lambda line: print(line, flush=True))
    except StepFailed as failed:
        print(f"\n主な業務が途中で止まりました: {failed}", file=sys.stderr)
        print(f"記録は {VAR}/log にあります。", file=sys.stderr)
        return True
    print("主な業務は最後まで通りました。")
    return False


def _announce(base: str, shop: str) -> None:
    from rakuraku.demo_accounts import ACCOUNTS

    print(f"\n  Rakuraku   {base}\n  管理画面   {base}/admin/\n  仕入先     {shop}/_control/")
    print("\n  社員コード  E-MAIL                        パスワード       氏名（役割）")
    for account in ACCOUNTS.values():
        print(
            f"  {account.code:<10}  {account.email:<28}  {account.password:<15}"
            f"  {account.name}（{account.role}）"
        )
    print("\nCtrl-C で停止します。", flush=True)


def _environment(engines: Engines, base: str, shop: str) -> dict[str, str]:
    known = _sandbox_secrets()
    return {
        **engines.environment,
        **known,
        "SANDBOX_INBOUND_URL": f"{base}/punchout/cxml/{known['SANDBOX_INBOUND_TOKEN']}",
        "RAKURAKU_ENV": "demo",
        "PUBLIC_URL": base,
        # People watch: history comes in seconds here, every 15 minutes in production.
        "HISTORY_PULL_SECONDS": os.environ.get("HISTORY_PULL_SECONDS", "5"),
        "WEB_WORKERS": os.environ.get("WEB_WORKERS", "1"),
        "WORKER_CONCURRENCY": os.environ.get("WORKER_CONCURRENCY", "2"),
        "SANDBOX_PUBLIC_URL": shop,
        "SANDBOX_STATE": str((VAR / "sandbox.sqlite3").resolve()),
    }


def _sandbox_secrets() -> dict[str, str]:
    """Made once per checkout, so that a restarted demo goes on with the same data."""
    path = VAR / "secrets" / "sandbox.json"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = (
            "SANDBOX_SECRET",
            "SANDBOX_CONTROL_TOKEN",
            "SANDBOX_LWA_CLIENT_SECRET",
            "SANDBOX_LWA_REFRESH_TOKEN",
            "SANDBOX_INBOUND_TOKEN",
        )
        made = {name: secrets.token_urlsafe(24) for name in names}
        path.touch(mode=0o600)
        path.write_text(json.dumps(made))
    return {
        **json.loads(path.read_text()),
        "SANDBOX_IDENTITY": "rakuraku-demo",
        "SANDBOX_LWA_CLIENT_ID": "rakuraku-demo-client",
    }


if __name__ == "__main__":
    sys.exit(main())
