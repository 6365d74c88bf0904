"""What both engines need: errors, ports, folders."""

import hashlib
import importlib.util
import os
import random
import signal
import socket
import subprocess
from pathlib import Path

STARTING_SECONDS = 30.0


class EngineError(Exception):
    """An engine cannot be had or does not start. ``str()`` says what to do."""


def is_root() -> bool:
    """Whether this process is the superuser's."""
    return os.geteuid() == 0


def free_port() -> int:
    """A TCP port of the loopback address that nobody uses now.

    Below the ports that systems give to outgoing connections: a client that tries again while its
    engine is down could otherwise be given the engine's own port, and keep it.
    """
    for port in random.SystemRandom().sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise EngineError("no free port between 20000 and 32000")


def engine_home(var: Path, name: str) -> Path:
    """Where an engine keeps its files: under ``var``, or for root where another user can get."""
    if not is_root():
        return var / name
    label = hashlib.sha256(str(var.resolve()).encode()).hexdigest()[:12]
    return Path("/var/tmp") / f"rakuraku-{label}" / name  # noqa: S108


def package_folder(name: str) -> Path:
    """Where an installed package lies; raises ``EngineError``."""
    # Found, not imported: importing the package takes a lock in the shared temporary folder.
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EngineError(f"the package {name} is not installed; set DATABASE_URL and REDIS_URL")
    return Path(spec.submodule_search_locations[0])


def stop_process(process: subprocess.Popen, how: signal.Signals, seconds: float = 20.0) -> None:
    """Ask a program to end by signal ``how``, and end it when it does not."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(seconds)
