"""Child processes of the demo and the tests: started in order, stopped in reverse, by their id."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import requests

# Linux tells a program when its parent is gone (PR_SET_PDEATHSIG), so nothing outlives a supervisor
# that was killed; elsewhere it is only stopped politely.
_TIED = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    if os.getppid() != int(sys.argv[1]):
        sys.exit()
os.execv(sys.argv[2], sys.argv[2:])
"""


class ProcessError(Exception):
    """A process ended or does not answer; ``str()`` holds the end of its log."""


class Process:
    """One program in a session of its own, its output in a log file.

    Start it in the main thread: it ends when the thread that started it does.
    """

    def __init__(self, name: str, argv: list[str], env: dict[str, str], log: Path) -> None:
        self.name = name
        self.argv = argv
        self.env = env
        self.log = log
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start it; returns at once."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-ISc", _TIED, str(os.getpid()), *self.argv],
                env={**os.environ, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        """Whether it has been started and not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The id of the started process."""
        assert self._process is not None
        return self._process.pid

    def stop(self, seconds: float = 15.0) -> None:
        """Ask it to end, and end it when it does not."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        self.kill()

    def kill(self) -> None:
        """End it and its children at once, as a crash would."""
        if self._process is None:
            return
        # Children that outlived it are in the same process group, which we made.
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        self._process = None

    def tail(self) -> str:
        """The last lines of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    def wait_for(self, url: str, seconds: float = 30.0, *, verify: str | bool = True) -> None:
        """Wait until ``url`` answers 200; raises ``ProcessError``."""
        deadline = time.monotonic() + seconds
        with requests.Session() as http:
            http.trust_env = False
            http.verify = verify
            while time.monotonic() < deadline:
                if not self.is_running:
                    raise ProcessError(f"{self.name} ended while starting:\n{self.tail()}")
                try:
                    if http.get(url, timeout=2).status_code == 200:
                        return
                except requests.RequestException:
                    pass
                time.sleep(0.1)
        raise ProcessError(f"{self.name} does not answer at {url}:\n{self.tail()}")


class Processes:
    """Several of them. A context manager that stops all in reverse order."""

    def __init__(self) -> None:
        self.started: list[Process] = []

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_exc: object) -> None:
        for process in reversed(self.started):
            process.stop()

    def start(self, name: str, argv: list[str], env: dict[str, str], log: Path) -> Process:
        """Start a process and keep it for stopping."""
        process = Process(name, argv, env, log)
        process.start()
        self.started.append(process)
        return process


def entry(name: str) -> list[str]:
    """The command line of the product's process ``name``, as an installation starts it."""
    return [sys.executable, "-m", "rakuraku.entry", name]


def manage(*arguments: str, env: dict[str, str]) -> str:
    """Run a manage.py command and give its output; raises ``ProcessError`` when it fails."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise ProcessError(f"manage.py {' '.join(arguments)}:\n{done.stderr.strip()[-2000:]}")
    return done.stdout
