"""Creating or updating a whole connection in one step, by the rules of its admin page.

The rules are those of the models; here is only how a few named values become rows.
"""

import datetime
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.utils import timezone

from expenses.refusals import Invalid
from masters.models import Breakdown, PaymentMethod
from punchout.models import CatalogConnection, CatalogRate

FIRST_DAY = datetime.date(2019, 10, 1)
"""From when the first mapping of a rate holds: the day the present rates began."""
ONE_DAY = datetime.timedelta(days=1)


@dataclass
class Wanted:
    """What a connection shall be; what is not named stays as it is, or at its default."""

    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    """Fields of the connection by their own name."""
    breakdowns: list[tuple[Decimal, str]] = field(default_factory=list)
    """Rate (%) and the code of its 内訳; a rate may be named once."""
    shipping_breakdown: str | None = None
    """Code of a 内訳; empty: none."""
    payment_method: str | None = None
    """Code of a 支払方法; empty: none."""
    options: dict[str, str] = field(default_factory=dict)
    """What the person calls a field: stands before the sentence about it."""
    unreadable: list[str] = field(default_factory=list)
    """Sentences about what could not even be read; with one of them nothing is changed."""


@transaction.atomic
def connect(
    wanted: Wanted, *, today: datetime.date | None = None
) -> tuple[CatalogConnection, bool]:
    """Create the connection of that name, or change it; all of it or nothing.

    Returns it, and whether anything was written. Raises ``Invalid`` with a sentence for every value
    that is wrong.
    """
    day = today or timezone.localdate()
    problems = list(wanted.unreadable)
    connection = CatalogConnection.objects.select_for_update().filter(
        name=wanted.name
    ).first() or CatalogConnection(name=wanted.name, supplier_name=wanted.name)
    before = _values(connection)
    for name, value in wanted.fields.items():
        setattr(connection, name, value)
    if wanted.shipping_breakdown is not None:
        connection.shipping_breakdown = _of_code(
            Breakdown, "shipping_breakdown", wanted.shipping_breakdown, wanted, problems
        )
    if wanted.payment_method is not None:
        connection.payment_method = _of_code(
            PaymentMethod, "payment_method", wanted.payment_method, wanted, problems
        )
    problems += [f"{_called(wanted, name)}{text}" for name, text in _refusals(connection).items()]
    written = connection.pk is None or _values(connection) != before
    if written and not problems:
        connection.save()
    codes: dict[Decimal, str] = {}
    for rate, code in wanted.breakdowns:
        said = f"{wanted.options.get('breakdown', '税率ごとの内訳')} {rate:f}={code}: "
        if codes.setdefault(rate, code) != code:
            problems.append(f"{said}同じ税率に内訳 {codes[rate]} も指定されています。")
        breakdown = Breakdown.objects.active().filter(code=code).first()
        if breakdown is None:
            problems.append(f"{said}内訳 {code} は登録されていないか、無効です。")
            continue
        mapped, refusals = _map(connection, rate, breakdown, day)
        written |= mapped
        problems += [f"{said}{text}" for text in refusals]
    if problems:
        raise Invalid(*problems)
    return connection, written


def _of_code(
    model: type[Breakdown] | type[PaymentMethod],
    field_name: str,
    code: str,
    wanted: Wanted,
    problems: list[str],
) -> Any:
    found = model.objects.active().filter(code=code).first()
    if code and found is None:
        label = model._meta.verbose_name
        problems.append(
            f"{_called(wanted, field_name)}{label} {code} は登録されていないか、無効です。"
        )
    return found


def _map(
    connection: CatalogConnection, rate: Decimal, breakdown: Breakdown, day: datetime.date
) -> tuple[bool, list[str]]:
    """Let the rate lead to the 内訳 from ``day`` on; what held before stays on record.

    Returns whether that is a change, and why it is refused. For a connection that cannot be saved
    the rules of the row alone are asked.
    """
    row = CatalogRate(connection=connection, rate=rate, breakdown=breakdown, valid_from=FIRST_DAY)
    if connection.pk is None:
        return True, list(_refusals(row, "connection").values())
    rows = connection.rates.filter(rate=rate)
    begun = rows.filter(valid_from__lte=day)
    current = begun.exclude(valid_to__lt=day).first()
    if current is not None and current.breakdown_id == breakdown.pk:
        return False, []
    if begun.exists():
        row.valid_from = day
    later = rows.filter(valid_from__gt=day).order_by("valid_from").first()
    if current is not None:
        row.valid_to = current.valid_to
    elif later is not None:
        row.valid_to = later.valid_from - ONE_DAY
    if current is not None and current.valid_from == day:
        row.pk = current.pk
    elif current is not None:
        current.valid_to = day - ONE_DAY
        current.save()
    refusals = list(_refusals(row).values())
    if not refusals:
        row.save()
    return True, refusals


def _refusals(row: CatalogConnection | CatalogRate, *unasked: str) -> dict[str, str]:
    """What the model says against ``row``, by field."""
    try:
        row.full_clean(exclude=unasked)
    except ValidationError as error:
        return {name: " ".join(texts) for name, texts in error.message_dict.items()}
    return {}


def _called(wanted: Wanted, field_name: str) -> str:
    """「--order-url（注文 URL）: 」; nothing for what concerns several fields."""
    if field_name == NON_FIELD_ERRORS:
        return ""
    label = str(getattr(CatalogConnection._meta.get_field(field_name), "verbose_name", ""))
    option = wanted.options.get(field_name)
    return f"{option}（{label}）: " if option else f"{label}: "


def _values(connection: CatalogConnection) -> dict[str, Any]:
    """Compared in the clear: a secret is encrypted differently each time it is saved."""
    return {one.attname: getattr(connection, one.attname) for one in connection._meta.fields}
