"""Gets a browser and Japanese fonts for the browser tests, where they can be had.

An installed Chromium or Chrome, else Playwright's, else the system's package when root; Japanese
fonts likewise. Prints what it found. Without a browser the tests say so; with CI=true they fail.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MINUTES = 10


def installed_browser() -> str | None:
    """The path of a browser on this machine, Playwright's own included."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    try:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            path = playwright.chromium.executable_path
    except Exception:
        return None
    return path if Path(path).exists() else None


def has_japanese_font() -> bool:
    """Whether fontconfig knows a font with Japanese."""
    if not shutil.which("fc-list"):
        return False
    listed = subprocess.run(["fc-list", ":lang=ja"], capture_output=True, text=True)
    return bool(listed.stdout.strip())


def _try(*argv: str) -> bool:
    try:
        done = subprocess.run(argv, timeout=MINUTES * 60, capture_output=True, text=True)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _install_packages(*names: str) -> bool:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    return _try("apt-get", "update", "-q") and _try(
        "apt-get", "install", "-q", "-y", "--no-install-recommends", *names
    )


def main() -> int:
    """Always 0 outside CI: tests decide what a missing browser means."""
    browser = installed_browser()
    if not browser:
        _try(sys.executable, "-m", "playwright", "install", "chromium")
        browser = installed_browser()
    if not browser:
        _install_packages("chromium", "fonts-noto-cjk")
        browser = installed_browser()
    if not has_japanese_font():
        _install_packages("fonts-noto-cjk", "fontconfig")
    print(f"browser: {browser or 'none: browser tests will be skipped'}")
    print(f"Japanese fonts: {'yes' if has_japanese_font() else 'none'}")
    if os.environ.get("CI") == "true" and not browser:
        print("CI=true: a browser is required", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
