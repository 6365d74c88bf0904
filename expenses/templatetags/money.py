"""Amounts and rates as every page writes them."""

from decimal import Decimal

from django import template

register = template.Library()


@register.filter
def yen(amount: int | None) -> str:
    """円 as ``¥10,466`` or ``-¥500``; nothing for None."""
    if amount is None or amount == "":
        return ""
    return f"-¥{-amount:,}" if amount < 0 else f"¥{amount:,}"


@register.filter
def percent(rate: Decimal | None) -> str:
    """% as ``10%`` or ``8.5%``; a dash where no rate was stated."""
    return "—" if rate is None else f"{rate.normalize():f}%"
