"""The embedded engines and the processes around them, through what can happen to them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
import pytest
import redis

from rakuraku import engines as engines_module
from rakuraku.engines import EngineError, Engines, discard_abandoned, engine_home, redis_server
from rakuraku.processes import Process, ProcessError

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("engines")]

ROOT = Path(__file__).resolve().parent.parent
SUPERVISOR = """
import sys, time
from pathlib import Path
from rakuraku.engines import Engines
with Engines(Path(sys.argv[1]), sys.argv[2], durable=False) as engines:
    print(engines.database_url, engines.redis_url, flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def var(tmp_path_factory):
    """A folder of its own, with a space as people's folders have."""
    folder = tmp_path_factory.mktemp("engines") / "my var"
    folder.mkdir()
    yield folder
    if os.geteuid() == 0:
        shutil.rmtree(engine_home(folder, "any").parent)


@pytest.fixture(autouse=True)
def _embedded(monkeypatch):
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("REDIS_URL")


def ask(url: str, *statements: str):
    """Run SQL; the first column of the last answer's first row, if it has one."""
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


def is_listening(url: str) -> bool:
    port = int(url.rsplit(":", 1)[1].split("/")[0])
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def eventually(condition, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def killed_supervisor(var: Path, name: str) -> tuple[str, str]:
    """Start engines in another process and kill that one; the URLs of what it left running."""
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(var), name],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with supervisor:
        database, broker = supervisor.stdout.readline().split()
        supervisor.kill()
    assert is_listening(database), "control: without a next supervisor they go on"
    assert is_listening(broker)
    return database, broker


def test_they_answer_only_with_the_password_and_end_with_the_supervisor(var):
    with Engines(var, "first", durable=False) as engines:
        assert ask(engines.database_url, "SELECT current_setting('server_encoding')") == "UTF8"
        assert engines.environment["DATABASE_URL"] == engines.database_url
        with redis.Redis.from_url(engines.redis_url) as client:
            assert client.ping()
        with pytest.raises(psycopg2.OperationalError, match="password"):
            ask(engines.database_url.replace(engines.postgres.password, "wrong"), "SELECT 1")
        with (
            redis.Redis(port=engines.redis.port) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()
    assert not is_listening(engines.database_url)
    assert not is_listening(engines.redis_url)
    engines.discard()


def test_data_outlive_a_stop_also_when_the_folder_is_named_from_where_one_stands(var, monkeypatch):
    monkeypatch.chdir(var.parent)
    with Engines(Path(var.name), "kept") as engines:
        ask(engines.database_url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
        with redis.Redis.from_url(engines.redis_url) as client:
            client.set("kept", "7")
    with Engines(var, "kept") as engines:
        assert ask(engines.database_url, "SELECT n FROM kept") == 7
        with redis.Redis.from_url(engines.redis_url) as client:
            assert client.get("kept") == b"7"
    engines.discard()


def test_fsync_is_off_for_tests_only(var):
    for durable, expected in ((True, "on"), (False, "off")):
        with Engines(var, "fsync", durable=durable) as engines:
            assert ask(engines.database_url, "SHOW fsync") == expected
    engines.discard()


def test_a_second_supervisor_is_refused_while_the_first_runs(var):
    with (
        Engines(var, "one", durable=False) as engines,
        pytest.raises(EngineError, match="already running"),
        Engines(var, "one", durable=False),
    ):
        pass
    engines.discard()


def test_what_a_killed_supervisor_left_is_stopped_and_its_data_are_kept(var):
    database, broker = killed_supervisor(var, "killed")
    ask(database, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
    with Engines(var, "killed", durable=False) as engines:
        assert not is_listening(database)
        assert not is_listening(broker)
        assert ask(engines.database_url, "SELECT n FROM kept") == 7
    engines.discard()


def test_the_next_test_run_clears_up_after_a_killed_one_but_not_after_one_that_goes_on(var):
    database, broker = killed_supervisor(var, "test-1")
    with Engines(var, "test-2", durable=False) as running:
        discard_abandoned(var, "test-")
        assert not is_listening(database)
        assert not is_listening(broker)
        assert not engine_home(var, "test-1").exists()
        assert ask(running.database_url, "SELECT 1") == 1
    running.discard()


def test_a_half_made_cluster_is_made_anew(var):
    home = engine_home(var, "half") / "pg"
    (home / "data.draft").mkdir(parents=True)
    (home / "data.draft" / "PG_VERSION").write_text("18")
    with Engines(var, "half", durable=False) as engines:
        assert ask(engines.database_url, "SELECT 1") == 1
    engines.discard()


def test_engines_can_be_restarted_under_their_clients(var):
    with Engines(var, "faults", durable=False) as engines:
        database, broker = engines.database_url, engines.redis_url
        engines.postgres.restart()
        assert ask(database, "SELECT 1") == 1
        engines.redis.kill()
        assert not is_listening(broker)
        engines.redis.start()
        with redis.Redis.from_url(broker) as client:
            assert client.ping()
    engines.discard()


def test_engines_that_the_environment_names_are_used_instead(var, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/x")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/0")
    with Engines(var, "elsewhere") as engines:
        assert engines.environment == {
            "DATABASE_URL": "postgresql://elsewhere/x",
            "REDIS_URL": "redis://elsewhere/0",
        }
        assert (engines.postgres, engines.redis) == (None, None)
    assert not (var / "elsewhere").exists()


def test_without_any_redis_one_sentence_says_what_to_do(var, monkeypatch):
    def not_installed(name):
        raise EngineError(name)

    monkeypatch.setattr(redis_server, "package_folder", not_installed)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineError, match="install one on PATH or set REDIS_URL"):
        engines_module.Redis(var / "none").start()


def test_a_process_that_ends_while_starting_shows_the_end_of_its_log(tmp_path):
    broken = Process(
        "web", [sys.executable, "-c", "raise SystemExit('no luck')"], {}, tmp_path / "l"
    )
    broken.start()
    with pytest.raises(ProcessError, match="no luck"):
        broken.wait_for("http://127.0.0.1:1/")
    broken.stop()


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_stubborn_process_and_its_children_are_ended(tmp_path, how):
    code = (
        "import signal, subprocess, sys, time;"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid,"
        " flush=True);"
        "time.sleep(60)"
    )
    stubborn = Process("stubborn", [sys.executable, "-c", code], {}, tmp_path / "log")
    stubborn.start()
    assert eventually(lambda: stubborn.tail() != "")
    child = int(stubborn.tail())
    stubborn.stop(0.2) if how == "stop" else stubborn.kill()
    assert not stubborn.is_running
    assert eventually(lambda: not _lives(child))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children")
def test_processes_end_with_a_supervisor_that_is_killed(tmp_path):
    log = tmp_path / "log"
    code = (
        "import sys, time; from pathlib import Path; from rakuraku.processes import Process;"
        "child = Process('child', [sys.executable, '-c', 'import time; time.sleep(60)'], {},"
        f" Path({str(log)!r}));"
        "child.start(); print(child.pid, flush=True); time.sleep(60)"
    )
    supervisor = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with supervisor:
        child = int(supervisor.stdout.readline())
        assert _lives(child)
        supervisor.send_signal(signal.SIGKILL)
    assert eventually(lambda: not _lives(child))


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def demo(tmp_path: Path, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "rakuraku.demo", "--once"],
        cwd=ROOT,
        env={**os.environ, "RAKURAKU_VAR": str(tmp_path), **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_demo_says_which_ports_are_busy_and_how_to_choose_others(tmp_path):
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        first, second = str(one.getsockname()[1]), str(two.getsockname()[1])
        done = demo(tmp_path, PORT=first, SANDBOX_PORT=second)
    assert done.returncode == 1
    assert f"{first}（PORT）" in done.stderr
    assert f"{second}（SANDBOX_PORT）" in done.stderr
    assert "make demo PORT=" in done.stderr
    assert not (tmp_path / "demo").exists(), "nothing was started"


@pytest.mark.parametrize(
    ("port", "shop", "said"),
    [("http", "8802", "PORT=http"), ("80", "8802", "PORT=80"), ("9123", "9123", "別の番号")],
)
def test_the_demo_refuses_ports_that_make_no_sense(tmp_path, port, shop, said):
    done = demo(tmp_path, PORT=port, SANDBOX_PORT=shop)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
