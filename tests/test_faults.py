"""A minute of the fault campaign, and its control: it sees a double where one is made."""

import subprocess
import sys

import pytest

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("faults")]


def campaign(*options: str) -> subprocess.CompletedProcess:
    """What ``make faults`` says with so few orders."""
    return subprocess.run(
        [sys.executable, "-m", "tests.faults", *options],
        capture_output=True,
        text=True,
        timeout=500,
    )


def test_every_order_arrives_exactly_once_whatever_breaks():
    done = campaign("--orders", "50", "--seed", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "exactly once" in done.stdout


def test_control_a_supplier_that_keeps_doubles_gets_them_when_unknown_ones_are_sent_again():
    """If this fails, the campaign above shows nothing."""
    done = campaign("--orders", "6", "--control")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "NOT exactly once" in done.stdout
