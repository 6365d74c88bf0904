"""Arithmetic of the Japanese consumption tax on tax-inclusive amounts, in whole yen.

No Django here: the rules are those of the law, not of the product. Rates are percent.
Source: 消費税法 (内税: tax = gross × r / (100 + r)).
"""

from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from enum import StrEnum


class Rounding(StrEnum):
    """How a fraction of a yen is rounded; always on the absolute value."""

    DOWN = "down"
    HALF_UP = "half_up"
    UP = "up"


_MODES = {
    Rounding.DOWN: ROUND_DOWN,
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.UP: ROUND_UP,
}


def included_tax(gross: int, rate: Decimal, rounding: Rounding = Rounding.DOWN) -> int:
    """The tax (円) contained in ``gross`` (円, tax included) at ``rate`` (%).

    The result has the sign of ``gross``. Raises ``ValueError`` for a rate outside 0–100.
    """
    if not 0 <= rate <= 100:
        raise ValueError(f"rate outside 0-100 %: {rate}")
    # One division at the end: ROUND_* then sees the exact fraction as long as it is representable,
    # and 28 digits are far more than yen amounts need.
    exact = Decimal(abs(gross)) * rate / (100 + rate)
    tax = int(exact.quantize(Decimal(1), rounding=_MODES[rounding]))
    return tax if gross >= 0 else -tax
