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
from contextlib import ExitStack
from pathlib import Path

import requests

from rakuraku.engines import EngineError, Engines, free_port
from rakuraku.processes import ProcessError, Processes, entry, manage

VAR = Path(os.environ.get("RAKURAKU_VAR", "var"))
STALE_SECONDS = 3
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """0 when every step of the main job held, otherwise 1 with the step that did not."""
    parser = argparse.ArgumentParser(prog="make demo")
    parser.add_argument("--once", action="store_true", help="exit after the main job")
    once = parser.parse_args().once
    # Ctrl-C, a polite kill and a closed terminal end it the same way. Ctrl-C too has to be asked
    # for: shells start background jobs with it ignored.
    for number in ENDINGS:
        signal.signal(number, signal.default_int_handler)
    try:
        port, shop_port = _ports()
        return _run(port, shop_port, once=once)
    except (EngineError, ProcessError, PortError, requests.RequestException) as error:
        print(f"\n失敗しました: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n停止しました。データは残っています（最初からやり直すには make demo-reset）。")
        return 0


class PortError(Exception):
    """A port cannot be used; says which and how to choose others."""


def _ports() -> tuple[int, int]:
    """The web's and the sandbox's port; raises ``PortError`` naming all that cannot be used."""
    ports, wrong = {}, []
    for name, usual in (("PORT", "8800"), ("SANDBOX_PORT", "8802")):
        text = os.environ.get(name, usual)
        if not (text.isdecimal() and 1024 <= int(text) <= 65535):
            raise PortError(f"{name}={text} はポート番号ではありません（1024〜65535）。")
        ports[name] = int(text)
        if not _is_free(ports[name]):
            wrong.append(name)
    if ports["PORT"] == ports["SANDBOX_PORT"]:
        raise PortError("PORT と SANDBOX_PORT には別の番号を選んでください。")
    if wrong:
        taken = "、".join(f"{ports[name]}（{name}）" for name in wrong)
        others = " ".join(f"{name}={free_port()}" for name in wrong)
        raise PortError(
            f"ポート {taken} は使われています。別のポートを選んでください: make demo {others}"
        )
    return ports["PORT"], ports["SANDBOX_PORT"]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Connections of a demo that just ended may linger; they do not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _run(port: int, shop_port: int, *, once: bool) -> int:
    base, shop = f"http://127.0.0.1:{port}", f"http://localhost:{shop_port}"
    began = time.monotonic()
    print("PostgreSQL と Redis を起動しています …", flush=True)
    with ExitStack() as started:
        engines = started.enter_context(Engines(VAR, "demo"))
        processes = started.enter_context(Processes())
        # First at the end: a second Ctrl-C must not leave half of it running.
        started.callback(_ignore_signals)
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
        _announce(base, shop, env["SANDBOX_CONTROL_TOKEN"])
        watched = [web, worker, beat, sandbox]
        while True:
            threading.Event().wait(STALE_SECONDS)
            for process in watched:
                if not process.is_running:
                    raise ProcessError(f"{process.name} が止まりました。\n{process.tail()}")


def _ignore_signals() -> None:
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)


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


def _announce(base: str, shop: str, token: str) -> None:
    from rakuraku.demo_accounts import ACCOUNTS

    print(f"\n  Rakuraku   {base}\n  管理画面   {base}/admin/\n  仕入先     {shop}/_control/")
    print(f"             操作トークン {token}")
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
