"""Production refuses to start without what it needs, and says what."""

import logging
import os
import socket
import subprocess
import sys

import pytest
import structlog
from static_checks import PRODUCTION

from rakuraku import logs
from rakuraku.engines import Redis


def start(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
    clean = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV")
    }
    argv = [sys.executable, "manage.py", *(arguments or ("check",))]
    return subprocess.run(argv, env={**clean, **env}, capture_output=True, text=True)


def test_without_an_environment_named_it_is_production():
    env = {name: value for name, value in PRODUCTION.items() if name != "RAKURAKU_ENV"}
    code = "from django.conf import settings; print(settings.PRODUCTION, settings.DEBUG)"
    assert start(env, "shell", "-v", "0", "-c", code).stdout.split() == ["True", "False"]


@pytest.mark.parametrize(
    "name",
    [
        "SECRET_KEY",
        "FIELD_ENCRYPTION_KEYS",
        "DATABASE_URL",
        "REDIS_URL",
        "PUBLIC_URL",
        "DEFAULT_FROM_EMAIL",
        "EMAIL_URL",
    ],
)
def test_a_missing_setting_stops_the_start_with_its_name(name):
    env = {key: value for key, value in PRODUCTION.items() if key != name}
    done = start(env)
    assert done.returncode != 0
    assert f"{name} is not set" in done.stderr


def test_production_wants_https():
    done = start({**PRODUCTION, "PUBLIC_URL": "http://rakuraku.example.jp"})
    assert done.returncode != 0
    assert "PUBLIC_URL must be https" in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("FIELD_ENCRYPTION_KEYS", "not-a-key", "FIELD_ENCRYPTION_KEYS must hold Fernet keys"),
        ("DATABASE_URL", "sqlite:///x.db", "DATABASE_URL must name a PostgreSQL"),
    ],
)
def test_a_setting_that_cannot_work_stops_the_start(name, value, said):
    done = start({**PRODUCTION, name: value})
    assert done.returncode != 0
    assert said in done.stderr
    assert "not-a-key" not in done.stderr


def test_one_proxy_is_trusted_in_production_and_none_elsewhere(settings):
    code = "from django.conf import settings; print(settings.ALLAUTH_TRUSTED_PROXY_COUNT)"
    assert start(PRODUCTION, "shell", "-v", "0", "-c", code).stdout.strip() == "1"
    assert settings.ALLAUTH_TRUSTED_PROXY_COUNT == 0


@pytest.mark.parametrize("host", ["192.0.2.1", "supplier.example.jp"])
def test_tests_reach_nothing_but_this_machine(host):
    with pytest.raises(RuntimeError, match="this machine only"):
        socket.create_connection((host, 80), timeout=2)


def test_an_unknown_environment_is_refused():
    assert "RAKURAKU_ENV" in start({**PRODUCTION, "RAKURAKU_ENV": "prod"}).stderr


def test_the_deployment_check_has_no_warning():
    done = start(PRODUCTION, "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr


def test_demo_people_are_refused_in_production():
    done = start(PRODUCTION, "seed_demo")
    assert done.returncode != 0
    assert "本番環境" in done.stderr


def test_logs_hide_secrets_by_key_and_inside_texts():
    event = {
        "event": "POST /punchout/cxml/abcDEF-123_x HTTP/1.1",
        "shared_secret": "s3cret",
        "headers": {"Authorization": "Basic abc", "x-amz-access-token": "Atza"},
        "body": "<Sender><SharedSecret>s3cret</SharedSecret></Sender>",
        "order_number": "SH-000001",
        "error": ValueError("<SharedSecret>s3cret</SharedSecret>"),
        "tries": [{"password": "s3cret"}, 3],
    }
    shown = str(logs.redact(None, "info", event))
    for secret in ("abcDEF-123_x", "s3cret", "Basic abc", "Atza"):
        assert secret not in shown
    assert "SH-000001" in shown
    assert "3" in shown


@pytest.mark.parametrize("json", [True, False], ids=["production", "demo"])
def test_tracebacks_are_logged_without_secrets(json):
    configuration = logs.configuration(json=json, level="INFO")["formatters"]["line"]
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=configuration["processors"],
        foreign_pre_chain=configuration["foreign_pre_chain"],
    )
    try:
        raise ValueError("POST /punchout/cxml/abcDEF-123_x")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "x", 1, "failed", (), sys.exc_info())
    line = formatter.format(record)
    assert "ValueError" in line
    assert "abcDEF-123_x" not in line


HUNG_BROKER = """
import os, signal, sys, time, django
django.setup()
from django.core.cache import cache
from redis.exceptions import RedisError
from kombu.exceptions import OperationalError
from punchout.tasks import sweep_orders
sweep_orders.delay()
os.kill(int(sys.argv[1]), signal.SIGSTOP)
for ask in (sweep_orders.delay, sweep_orders.delay, lambda: cache.get("x")):
    began = time.monotonic()
    try:
        ask()
    except (RedisError, OperationalError):
        print(time.monotonic() - began)
"""


def test_a_hung_redis_holds_nobody_up_for_long(tmp_path):
    broker = Redis(tmp_path / "redis", durable=False)
    broker.start()
    try:
        env = {
            **os.environ,
            "REDIS_URL": broker.url,
            "DJANGO_SETTINGS_MODULE": "rakuraku.settings",
        }
        done = subprocess.run(
            [sys.executable, "-c", HUNG_BROKER, str(broker.pid)],
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        broker.kill()
    waited = [float(line) for line in done.stdout.split()]
    assert len(waited) == 3, done.stderr
    assert max(waited) < 2, "one second, and what a busy machine adds"
