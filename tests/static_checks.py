"""Checks of ``make check`` that need settings: migrations are complete, production is safe.

Neither talks to a database or to Redis.
"""

import os
import secrets
import subprocess
import sys

from cryptography.fernet import Fernet

NOWHERE = {
    "DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}
PRODUCTION = {
    **NOWHERE,
    "RAKURAKU_ENV": "production",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "PUBLIC_URL": "https://rakuraku.example.jp",
    "DEFAULT_FROM_EMAIL": "rakuraku@example.jp",
    "EMAIL_URL": "smtp://127.0.0.1:25",
}


def main() -> int:
    """Run both; the exit code of the first that fails."""
    for arguments, env in (
        (["makemigrations", "--check", "--dry-run"], {**NOWHERE, "RAKURAKU_ENV": "test"}),
        (["check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
    ):
        print("manage.py", *arguments, flush=True)
        # makemigrations warns that it cannot ask the database: it need not.
        argv = [sys.executable, "-W", "ignore::RuntimeWarning", "manage.py", *arguments]
        done = subprocess.run(argv, env={**os.environ, **env})
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
