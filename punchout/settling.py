"""経費精算 from purchase data: every line comes from exactly one purchase record."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from expenses import drafts, events
from expenses.drafts import Header
from expenses.models import Kind, Origin, Voucher, VoucherEvent, VoucherLine
from expenses.refusals import Invalid
from expenses.tax import fill_from_masters
from expenses.transitions import Status
from masters.models import Employee
from punchout.carts import BreakdownByRate
from punchout.models import PurchasePortion, PurchaseRecord


@dataclass(frozen=True)
class Choice:
    """A purchase record as the page offers it: amounts in 円, None where nothing was approved."""

    record: PurchaseRecord
    selectable: bool
    approved: int | None

    @property
    def differs(self) -> bool:
        """Whether the supplier charged something else than was approved for these units."""
        return self.approved is not None and self.approved != self.record.amount

    @property
    def tone(self) -> str:
        """The state as the stylesheet's badges name it."""
        return {"精算中": "progress", "精算済": "good"}.get(self.record.state, "plain")


def choices(request: Voucher) -> list[Choice]:
    """All purchase records of a request, with what was approved for the same units."""
    records = PurchaseRecord.objects.for_request(request).with_state()
    return [
        Choice(record, record.state == "未精算", _approved(record))
        for record in records.select_related("order_line")
    ]


def _approved(record: PurchaseRecord) -> int | None:
    """The approved amount for the record's units, rounded down; None for carriage and refunds."""
    line = record.order_line
    if line is None or record.quantity <= 0:
        return None
    if record.quantity == line.quantity:
        return line.amount
    return line.amount * record.quantity // line.quantity


@transaction.atomic
def start(request: Voucher, *, by: Employee, record_ids: Iterable[int]) -> Voucher:
    """A 経費精算 draft with one line per chosen record.

    Raises ``Invalid`` when the request is not 最終承認済み, nothing was chosen, or a record is not
    this request's, excluded, or already on another living settlement.
    """
    request = Voucher.objects.select_for_update(no_key=True).get(pk=request.pk)
    if request.status != Status.APPROVED:
        raise Invalid(f"{request.number} は最終承認済みではないため、精算できません。")
    records = _lock(request, set(record_ids))
    settlement = drafts.create(
        Kind.SETTLEMENT,
        by=by,
        header=Header(title=request.title, department=request.department, note=""),
        applicant=request.applicant,
        request=request,
    )
    lines = _lines(settlement, records)
    drafts.store_lines(settlement, lines)
    try:
        with transaction.atomic():
            PurchasePortion.objects.bulk_create(
                PurchasePortion(record=record, line=line)
                for record, line in zip(records, lines, strict=True)
            )
    except IntegrityError:
        raise Invalid("選んだ購入データは、ほかの精算で使われています。") from None
    if _has_difference(records):
        settlement.has_difference = True
        settlement.save(update_fields=["has_difference"])
        events.record(
            settlement,
            "difference",
            "承認した金額と実際の金額に差異があります",
            by=None,
            tone=VoucherEvent.Tone.ATTENTION,
        )
    return settlement


def release(settlement: Voucher) -> None:
    """Set the purchase records of a deleted or denied settlement free."""
    PurchasePortion.objects.filter(line__voucher=settlement, released=False).update(released=True)


def _lock(request: Voucher, wanted: set[int]) -> list[PurchaseRecord]:
    if not wanted:
        raise Invalid("精算する購入データを選んでください。")
    # In primary-key order, so that two settlements at once cannot wait for each other.
    rows = (
        PurchaseRecord.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk")
    )
    locked = {record.pk for record in rows}
    free = (
        PurchaseRecord.objects.unsettled()
        .for_request(request)
        .filter(pk__in=locked)
        .select_related("order_line__voucher_line", "connection__payment_method")
    )
    records = sorted(free, key=lambda record: (record.is_shipping_charge, record.pk))
    if len(records) != len(wanted):
        raise Invalid("選んだ購入データの中に、すでに精算中・精算済のものがあります。")
    return records


def _lines(settlement: Voucher, records: list[PurchaseRecord]) -> list[VoucherLine]:
    today = timezone.localdate()
    mappings: dict[tuple, BreakdownByRate] = {}
    lines = []
    for position, record in enumerate(records, start=1):
        day = record.dated or today
        key = (record.connection_id, day)
        if key not in mappings:
            mappings[key] = BreakdownByRate(record.connection, day)
        asked = record.order_line.voucher_line if record.order_line else None
        line = VoucherLine(
            voucher=settlement,
            position=position,
            origin=Origin.PURCHASE,
            date=day,
            description=record.title,
            payee=record.seller or record.connection.supplier_name,
            quantity=abs(record.quantity),
            unit_price=_unit_price(record),
            amount=record.amount,
            tax_amount=record.tax or 0,
            tax_stated=record.tax is not None,
            tax_rate=record.rate,
            payment_method=record.connection.payment_method,
            department=asked.department if asked else None,
            project=asked.project if asked else None,
            note=asked.note if asked else "",
        )
        breakdown = mappings[key].choose(record.rate, shipping=record.is_shipping_charge)
        if asked and asked.breakdown and asked.tax_rate == record.rate:
            breakdown = asked.breakdown
        fill_from_masters(line, breakdown)
        lines.append(line)
    return lines


def _unit_price(record: PurchaseRecord) -> int | None:
    """Price of one unit without tax, where it is whole yen."""
    if record.tax is None or not record.quantity:
        return None
    price, rest = divmod(abs(record.amount - record.tax), abs(record.quantity))
    return None if rest else price


def _has_difference(records: list[PurchaseRecord]) -> bool:
    """Price or quantity of a line, or the carriage of the order, other than approved."""
    if any(Choice(record, False, _approved(record)).differs for record in records):
        return True
    if any(
        record.order_line is None and not record.is_shipping_charge and record.amount > 0
        for record in records
    ):
        # Goods that nobody approved.
        return True
    orders = {record.order_id for record in records if record.is_shipping_charge}
    settled = PurchaseRecord.objects.filter(
        order__in=orders, is_shipping_charge=True, portions__released=False
    ).values_list("amount", flat=True)
    approved = VoucherLine.objects.filter(
        voucher__purchase_orders__in=orders, catalog_item__kind="shipping"
    ).values_list("amount", flat=True)
    return sum(settled) > sum(approved)
