"""The processes of an installation, one command each: ``python -m rakuraku.entry web``.

docker-compose, the demo and the tests all start them here.
"""

import os
import sys

COMMANDS = ("web", "worker", "beat")


def command(name: str) -> list[str]:
    """The command line of a process.

    Environment: ``PORT`` (8000), ``BIND`` (0.0.0.0), ``WEB_WORKERS`` (2), ``WEB_THREADS`` (8),
    ``WORKER_CONCURRENCY`` (4).
    """
    python = [sys.executable, "-m"]
    if name == "web":
        address = f"{os.environ.get('BIND', '0.0.0.0')}:{os.environ.get('PORT', '8000')}"  # noqa: S104
        return [
            *python, "gunicorn", "rakuraku.wsgi:application",
            "--bind", address,
            "--workers", os.environ.get("WEB_WORKERS", "2"),
            # Threads, so that a page that waits for a supplier holds up nobody else.
            "--worker-class", "gthread",
            "--threads", os.environ.get("WEB_THREADS", "8"),
            "--timeout", "90",
            "--no-control-socket",
        ]  # fmt: skip
    if name == "worker":
        return [
            *python, "celery", "--app", "rakuraku", "worker",
            "--concurrency", os.environ.get("WORKER_CONCURRENCY", "4"),
            "--loglevel", "INFO",
            "--without-gossip", "--without-mingle",
        ]  # fmt: skip
    if name == "beat":
        return [*python, "celery", "--app", "rakuraku", "beat", "--loglevel", "INFO", "--pidfile="]
    raise SystemExit(f"usage: python -m rakuraku.entry {{{'|'.join(COMMANDS)}}}")


def main() -> None:
    argv = command(sys.argv[1] if len(sys.argv) == 2 else "")
    os.execv(argv[0], argv)  # noqa: S606


if __name__ == "__main__":
    main()
