"""Writing a slip while it is with the applicant's side.

Verbs take plain values from a form. Never from a form: status, applicant, tax, totals, and the
price, quantity, item and seller of lines that a supplier's data filled.
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from expenses import events
from expenses.locking import locked_for
from expenses.models import Kind, Origin, Voucher, VoucherLine
from expenses.numbering import next_number
from expenses.refusals import Invalid, NotAllowed, Outdated
from expenses.signals import removing_suppliers_lines
from expenses.tax import fill_from_masters
from expenses.transitions import Action
from masters.models import (
    Breakdown,
    DeliveryAddress,
    Department,
    Deputy,
    Employee,
    PaymentMethod,
    Project,
)


@dataclass(frozen=True)
class Header:
    """What the employee writes at the top of a slip."""

    title: str
    department: Department
    note: str = ""
    delivery_address: DeliveryAddress | None = None


@dataclass(frozen=True)
class LineInput:
    """One line of the form. ``pk`` None adds a line; on a supplier's line only the last four count.

    ``amount`` is in 円 including tax.
    """

    pk: int | None
    date: datetime.date | None = None
    description: str = ""
    payee: str = ""
    amount: int | None = None
    payment_method: PaymentMethod | None = None
    breakdown: Breakdown | None = None
    department: Department | None = None
    project: Project | None = None
    note: str = ""


@transaction.atomic
def create(
    kind: Kind, *, by: Employee, header: Header, applicant: Employee, request: Voucher | None = None
) -> Voucher:
    """A new draft of ``kind`` for ``applicant``, typed in by ``by``.

    Raises ``NotAllowed`` unless ``by`` is the applicant or a deputy for applying.
    """
    powers = [Deputy.Power.FULL, Deputy.Power.ENTRY]
    deputies = applicant.deputies.on(timezone.localdate())
    if by != applicant and not deputies.filter(deputy=by, power__in=powers).exists():
        raise NotAllowed(Action.EDIT)
    voucher = Voucher(
        kind=kind,
        number=next_number(kind),
        applicant=applicant,
        entered_by=by,
        department=header.department,
        department_name=header.department.name,
        title=header.title,
        note=header.note,
        delivery_address=header.delivery_address,
        request=request,
    )
    voucher.full_clean()
    voucher.save()
    voucher.writers.add(by)
    behalf = applicant if by != applicant else None
    events.record(voucher, "create", "起票しました", by=by, on_behalf_of=behalf)
    return voucher


@transaction.atomic
def save(
    voucher: Voucher,
    *,
    by: Employee,
    version: int,
    header: Header,
    lines: Sequence[LineInput],
) -> Voucher:
    """一時保存: replace header and lines with what the form holds; lines not named are removed.

    ``version`` is the one the form was opened with: raises ``Outdated`` if it has moved since.
    Raises ``Invalid`` when a supplier's line would be removed or gets a 内訳 of another rate.
    """
    voucher = locked_for(voucher, Action.EDIT, by)
    if voucher.version != version:
        raise Outdated(voucher)
    voucher.title = header.title
    voucher.note = header.note
    voucher.department = header.department
    voucher.department_name = header.department.name
    voucher.delivery_address = header.delivery_address
    present = {line.pk: line for line in voucher.lines.select_for_update(no_key=True)}
    named = [entry.pk for entry in lines if entry.pk is not None]
    kept = set(named)
    if kept - present.keys() or len(named) > len(kept):
        raise Outdated(voucher)
    _remove(voucher, present, kept)
    written = []
    for position, entry in enumerate(lines, start=1):
        line = present.get(entry.pk or 0) or VoucherLine(voucher=voucher, origin=Origin.MANUAL)
        line.position = position
        _write(line, entry)
        written.append(line)
    store_lines(voucher, written)
    voucher.writers.add(by)
    return voucher


def store_lines(voucher: Voucher, lines: Iterable[VoucherLine]) -> None:
    """Write new and changed lines of a locked draft, then its total and next version.

    ``lines`` are all lines of the slip. Checked as a set and by constraints, not one by one.
    """
    lines = list(lines)
    known = [line for line in lines if line.pk]
    VoucherLine.objects.bulk_update(known, _WRITTEN)
    VoucherLine.objects.bulk_create(line for line in lines if not line.pk)
    voucher.total = sum(line.amount for line in lines)
    voucher.version += 1
    voucher.full_clean(exclude=["applicant", "entered_by", "request"])
    voucher.save()


def choosable_breakdowns(line: VoucherLine) -> QuerySet[Breakdown]:
    """The 内訳 a line may carry: any for expenses; on a supplier's line those of its own rate.

    Where no 内訳 has the stated rate, or none was stated, the employee chooses freely.
    """
    breakdowns = Breakdown.objects.for_expenses()
    if line.is_manual or line.tax_rate is None:
        return breakdowns
    same_rate = breakdowns.with_rate_on(line.date).filter(rate=line.tax_rate)
    return same_rate if same_rate.exists() else breakdowns


def _remove(voucher: Voucher, present: dict[int, VoucherLine], kept: set[int]) -> None:
    removed = [line for pk, line in present.items() if pk not in kept]
    suppliers = [line for line in removed if not line.is_manual]
    if suppliers:
        answers = removing_suppliers_lines.send(
            sender=Voucher,
            voucher=voucher,
            removed=suppliers,
            kept=[line for pk, line in present.items() if pk in kept],
        )
        if not any(allowed for _receiver, allowed in answers):
            first = suppliers[0]
            raise Invalid(
                f"{first.position} 行目「{first.description[:20]}」は"
                "カタログ・購入データの明細のため、"
                "1 行だけ削除することはできません。"
            )
    VoucherLine.objects.filter(pk__in=[line.pk for line in removed]).delete()


def _write(line: VoucherLine, entry: LineInput) -> None:
    if line.is_manual:
        if entry.date is None or entry.amount is None:
            raise Invalid(f"{line.position} 行目に利用日と金額を入力してください。")
        line.date = entry.date
        line.description = entry.description
        line.payee = entry.payee
        line.amount = entry.amount
        line.payment_method = entry.payment_method
    elif (
        entry.breakdown is not None
        and entry.breakdown.pk != line.breakdown_id
        and not choosable_breakdowns(line).filter(pk=entry.breakdown.pk).exists()
    ):
        raise Invalid(f"{line.position} 行目は税率 {line.tax_rate:f}% の内訳から選んでください。")
    line.department = entry.department
    line.project = entry.project
    line.note = entry.note
    fill_from_masters(line, entry.breakdown)


_WRITTEN = [
    "position",
    "date",
    "description",
    "payee",
    "amount",
    "payment_method",
    "tax_rate",
    "tax_amount",
    "breakdown",
    "breakdown_code",
    "breakdown_name",
    "account_code",
    "account_name",
    "tax_category_name",
    "department",
    "project",
    "note",
]
