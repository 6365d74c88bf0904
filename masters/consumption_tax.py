"""Arithmetic of the Japanese consumption tax on tax-inclusive amounts, in whole yen.

No Django here: the rules are those of the law, not of the product. Rates are percent.
Source: 消費税法 (内税: tax = gross × r / (100 + r)) and the qualified-invoice rule that one invoice
rounds once per rate (適格請求書等保存方式, 国税庁 Q&A).
"""

from collections.abc import Sequence
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


def spread_tax(
    grosses: Sequence[int], rate: Decimal, rounding: Rounding = Rounding.DOWN
) -> list[int]:
    """The tax of lines that share one rate on one invoice: rounded once, spread so that it adds up.

    Returns one tax (円) per line; their sum is ``included_tax(sum(grosses))``. Each line gets its
    share rounded down; the yen left over go to the largest fractions, ties to the lower line.
    """
    total = included_tax(sum(grosses), rate, rounding)
    exact = [Decimal(gross) * rate / (100 + rate) for gross in grosses]
    shares = [int(value.to_integral_value(rounding="ROUND_FLOOR")) for value in exact]
    # The floors lie at most one yen per line below the total and never above it.
    by_fraction = sorted(range(len(grosses)), key=lambda i: (shares[i] - exact[i], i))
    for index in by_fraction[: total - sum(shares)]:
        shares[index] += 1
    return shares
