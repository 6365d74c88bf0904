"""Production refuses to start without what it needs, and says what."""

import os
import subprocess
import sys

import pytest
from static_checks import PRODUCTION

from rakuraku import logs


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
    }
    shown = str(logs.redact(None, "info", event))
    for secret in ("abcDEF-123_x", "s3cret", "Basic abc", "Atza"):
        assert secret not in shown
    assert "SH-000001" in shown
