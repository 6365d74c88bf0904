"""Creating or updating a whole connection in one step, by the rules of its admin page."""

import datetime
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from expenses.refusals import Invalid
from masters.models import Breakdown, PaymentMethod
from punchout.models import CatalogConnection, CatalogRate

FIRST_DAY = datetime.date(2019, 10, 1)
"""From when the first mapping of a rate holds: the day the present rates began."""


@dataclass
class Wanted:
    """What a connection shall be; what is not named stays as it is, or at its default."""

    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    """Fields of the connection by their own name."""
    breakdowns: dict[Decimal, str] = field(default_factory=dict)
    """Rate (%) → code of its 内訳."""
    shipping_breakdown: str | None = None
    payment_method: str | None = None


@transaction.atomic
def connect(wanted: Wanted, *, today: datetime.date | None = None) -> CatalogConnection:
    """Create the connection of that name, or change it; all of it or nothing.

    Raises ``Invalid`` with a sentence for every value that is wrong.
    """
    problems: list[str] = []
    connection = CatalogConnection.objects.select_for_update().filter(
        name=wanted.name
    ).first() or CatalogConnection(name=wanted.name, supplier_name=wanted.name)
    for name, value in wanted.fields.items():
        setattr(connection, name, value)
    if wanted.shipping_breakdown is not None:
        connection.shipping_breakdown = _breakdown(wanted.shipping_breakdown, problems)
    if wanted.payment_method is not None:
        methods = PaymentMethod.objects.active().filter(code=wanted.payment_method)
        connection.payment_method = methods.first()
        if connection.payment_method is None:
            problems.append(f"支払方法 {wanted.payment_method} は登録されていません。")
    problems += _problems(connection)
    if problems:
        raise Invalid(*problems)
    connection.save()
    day = today or timezone.localdate()
    for rate, code in wanted.breakdowns.items():
        breakdown = _breakdown(code, problems)
        if breakdown is None:
            continue
        stated = breakdown.rate_on(day)
        if stated != rate:
            has = f"{stated:f}%" if stated is not None else "未登録"
            problems.append(f"内訳 {code} の税率は {has} です（指定は {rate:f}%）。")
            continue
        problems += _map(connection, rate, breakdown, day)
    if problems:
        raise Invalid(*problems)
    return connection


def _breakdown(code: str, problems: list[str]) -> Breakdown | None:
    found = Breakdown.objects.active().filter(code=code).first()
    if found is None:
        problems.append(f"内訳 {code} は登録されていないか、無効です。")
    return found


def _map(
    connection: CatalogConnection, rate: Decimal, breakdown: Breakdown, day: datetime.date
) -> list[str]:
    """Let the rate lead to the 内訳 from ``day`` on; what held before stays on record."""
    current = (
        connection.rates.filter(rate=rate, valid_from__lte=day).exclude(valid_to__lt=day).first()
    )
    if current is not None and current.breakdown_id == breakdown.pk:
        return []
    begins = FIRST_DAY if current is None else day
    ends = current.valid_to if current is not None else None
    if current is not None and current.valid_from < day:
        current.valid_to = day - datetime.timedelta(days=1)
        current.save()
        current = None
    row = current or CatalogRate(connection=connection, rate=rate)
    row.breakdown, row.valid_from, row.valid_to = breakdown, begins, ends
    problems = _problems(row)
    if not problems:
        row.save()
    return problems


def _problems(row: CatalogConnection | CatalogRate) -> list[str]:
    try:
        row.full_clean()
    except ValidationError as error:
        return [
            f"{_label(row, name)}{text}"
            for name, texts in error.message_dict.items()
            for text in texts
        ]
    return []


def _label(row: CatalogConnection | CatalogRate, name: str) -> str:
    if name == "__all__":
        return ""
    return f"{getattr(row._meta.get_field(name), 'verbose_name', name)}: "
