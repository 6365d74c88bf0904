"""Tax and master data of the lines of a slip: filled while it is open, frozen at 申請."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from expenses.models import VoucherLine
from masters.consumption_tax import Rounding, included_tax
from masters.models import Breakdown


def fill_from_masters(line: VoucherLine, breakdown: Breakdown | None) -> None:
    """Copy code, name, account and rate of ``breakdown`` to the line, as valid on its date.

    A rate and a tax that a seller stated stay as they are; a manual line's tax is worked out here.
    """
    line.breakdown = breakdown
    line.breakdown_code = breakdown.code if breakdown else ""
    line.breakdown_name = breakdown.name if breakdown else ""
    line.account_code = breakdown.account.code if breakdown else ""
    line.account_name = breakdown.account.name if breakdown else ""
    line.tax_category_name = breakdown.tax_category.name if breakdown else ""
    if line.tax_stated:
        return
    line.tax_rate = breakdown.rate_on(line.date) if breakdown else None
    if breakdown and line.tax_rate is not None:
        rounding = Rounding(breakdown.tax_category.rounding)
        line.tax_amount = included_tax(line.amount, line.tax_rate, rounding)
    else:
        line.tax_amount = 0


@dataclass(frozen=True)
class RateTotal:
    """The sum of the lines of one rate: gross and tax in 円; ``rate`` (%) None if not stated."""

    rate: Decimal | None
    amount: int
    tax: int


def totals_by_rate(lines: Iterable[VoucherLine]) -> list[RateTotal]:
    """Sums per rate, highest rate first, lines without a rate last."""
    sums: dict[Decimal | None, list[int]] = defaultdict(lambda: [0, 0])
    for line in lines:
        entry = sums[line.tax_rate]
        entry[0] += line.amount
        entry[1] += line.tax_amount
    stated = sorted((rate for rate in sums if rate is not None), reverse=True)
    order = [*stated, None] if None in sums else stated
    return [RateTotal(rate, *sums[rate]) for rate in order]
