"""What a row of purchase history says, whichever way it came."""

import datetime
import unicodedata
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

MAX_QUANTITY = 999_999
MAX_YEN = 9_999_999_999
_LIMITS = {
    "supplier_order": 60,
    "purchase_order_number": 60,
    "strong_id": 200,
    "part_id": 120,
    "seller": 120,
    "registration_number": 14,
    "shipment_id": 120,
    "tracking": 120,
}


@dataclass(frozen=True)
class Fact:
    """One supply (or its refund, negative) as a row states it; '' and None for what it doesn't.

    ``amount`` is 円 including tax, ``tax`` 円 or None if not stated, ``rate`` %. ``whole`` is the
    amount when a row states goods and carriage together.
    """

    supplier_order: str
    title: str
    quantity: int
    amount: int
    purchase_order_number: str = ""
    line_number: int | None = None
    strong_id: str = ""
    part_id: str = ""
    seller: str = ""
    registration_number: str = ""
    ordered_on: datetime.date | None = None
    shipped_on: datetime.date | None = None
    charged_on: datetime.date | None = None
    shipment_id: str = ""
    tracking: str = ""
    tax: int | None = None
    rate: Decimal | None = None
    is_shipping_charge: bool = False
    may_include_carriage: bool = False

    def problem(self) -> str:
        """Why the fact cannot be kept; empty when it can."""
        if abs(self.quantity) > MAX_QUANTITY or self.quantity == 0:
            return f"数量 {self.quantity} は扱えません。"
        if abs(self.amount) > MAX_YEN or abs(self.tax or 0) > MAX_YEN:
            return "金額が大きすぎます。"
        if self.rate is not None and not 0 <= self.rate <= 100:
            return f"税率 {self.rate} は 0 から 100 の間ではありません。"
        for name, limit in _LIMITS.items():
            text = getattr(self, name)
            if len(text) > limit or "\x00" in text:
                return f"{name} が長すぎるか、使えない文字を含みます。"
        return ""


@dataclass(frozen=True)
class Row:
    """A row as received, and what it says: facts, or why it says none."""

    number: int
    raw: dict[str, Any]
    facts: tuple[Fact, ...] = ()
    problem: str = ""
    not_yet: bool = field(default=False)


def same_title(one: str, other: str) -> bool:
    """Titles as people see them: width, case and blanks don't matter, nor does a cut end."""
    first, second = _plain(one), _plain(other)
    return bool(first) and (first.startswith(second) or second.startswith(first)) and bool(second)


def _plain(title: str) -> str:
    return "".join(unicodedata.normalize("NFKC", title).casefold().split())
