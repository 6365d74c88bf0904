"""The documented life of slips and orders is the one the product runs on."""

from pathlib import Path

from rakuraku.management.commands.lifecycle_tables import document


def test_the_documented_tables_are_those_of_the_product():
    written = Path(__file__).resolve().parent.parent / "docs" / "lifecycle.md"
    assert written.read_text() == document(), "run: manage.py lifecycle_tables > docs/lifecycle.md"
