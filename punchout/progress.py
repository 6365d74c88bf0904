"""Where an order stands, as the page of its request shows it."""

from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from expenses.models import Voucher
from punchout.models import (
    LedgerEntry,
    OrderLine,
    PurchaseOrder,
    PurchaseRecord,
    SupplierDocument,
)
from punchout.order_states import OrderState

_ORDER_TONES = {
    OrderState.PENDING: "progress",
    OrderState.SENDING: "progress",
    OrderState.ORDERED: "good",
    OrderState.FAILED: "wrong",
    OrderState.UNKNOWN: "needs",
}
_LINE_TONES = {
    "確認済": "progress",
    "一部出荷": "progress",
    "出荷済": "good",
    "入荷待ち": "needs",
}


def of_request(voucher: Voucher) -> list[dict]:
    """The orders of a 経費申請, newest first, with steps and lines; constant in queries."""
    return _shown(PurchaseOrder.objects.filter(voucher=voucher))


def of_order(order: PurchaseOrder) -> dict:
    """One order as its page shows it."""
    return _shown(PurchaseOrder.objects.filter(pk=order.pk))[0]


def _shown(wanted: QuerySet) -> list[dict]:
    documents = SupplierDocument.objects.defer("raw")
    ledger = LedgerEntry.objects.prefetch_related(Prefetch("document", queryset=documents))
    orders = (
        wanted.defer("document", "replaced_by__document")
        .select_related("connection", "replaced_by")
        .prefetch_related(
            Prefetch("lines__ledger", queryset=ledger),
            "lines__cancel_requests",
            Prefetch("records", queryset=PurchaseRecord.objects.with_state()),
        )
        .order_by("-created_at")
    )
    return [
        {
            "order": order,
            "tone": _ORDER_TONES.get(OrderState(order.state), "plain"),
            "steps": steps(order),
            "lines": [_line(line) for line in order.lines.all()],
            "notes": _notes(order),
            "replaced": getattr(order, "replaced_by", None),
        }
        for order in orders
    ]


def _notes(order: PurchaseOrder) -> list[str]:
    """What needs a person and is not said elsewhere on the page."""
    said = {order.reason, *order.difference.splitlines()}
    flagged = " ".join(line.contradiction for line in order.lines.all())
    return [
        text
        for text in order.needs_person.splitlines()
        if text not in said and text.partition(": ")[2] not in flagged
    ]


def _line(line: OrderLine) -> dict:
    entries = list(line.ledger.all())
    numbers = {
        entry.document.key
        for entry in entries
        if entry.document and entry.kind == LedgerEntry.Kind.CONFIRMED
    }
    real = line.real_unit_price
    return {
        "line": line,
        "state": line.state_label,
        "tone": _LINE_TONES.get(line.state_label, "plain"),
        "confirmations": sorted(numbers),
        "shipments": [entry for entry in entries if entry.kind == LedgerEntry.Kind.SHIPPED],
        "price_differs": real is not None and real != line.unit_price,
        "cancel": next(
            (one for one in line.cancel_requests.all() if one.state == "requested"), None
        ),
    }


def steps(order: PurchaseOrder) -> list[dict]:
    """発注待ち → 発注済 → 確認済 → 出荷済 → 精算済, each done, current, todo or wrong."""
    lines = list(order.lines.all())
    records = list(order.records.all())
    living = [line for line in lines if line.cancelled < line.quantity]
    confirmed = [line for line in living if line.confirmed or line.shipped]
    shipped = [line for line in living if line.shipped >= line.quantity - line.cancelled]
    settled = [record for record in records if record.state == "精算済"]
    failed = order.state in (OrderState.FAILED, OrderState.UNKNOWN, OrderState.CANCELLED)
    reached = 0
    if order.state == OrderState.ORDERED:
        done = [
            bool(living) and len(confirmed) == len(living),
            bool(living) and len(shipped) == len(living),
            bool(records) and len(settled) == len(records),
        ]
        reached = 2 + (done + [False]).index(False)
    waiting = order.state == OrderState.PENDING and order.tries
    notes = [
        f"次の送信 {timezone.localtime(order.due_at):%m/%d %H:%M}" if waiting else "",
        f"{timezone.localtime(order.ordered_at):%m/%d %H:%M}" if order.ordered_at else "",
        _share(confirmed, living, "行"),
        _share(shipped, living, "行"),
        _share(settled, records, "件"),
    ]
    labels = ["発注待ち", "発注済", "確認済", "出荷済", "精算済"]
    if failed:
        labels[0] = order.get_state_display()
    return [
        {
            "label": label,
            "state": _step_state(position, reached, failed=failed),
            "note": note,
        }
        for position, (label, note) in enumerate(zip(labels, notes, strict=True))
    ]


def _step_state(position: int, reached: int, *, failed: bool) -> str:
    if failed:
        return "wrong" if position == 0 else "todo"
    if position < reached:
        return "done"
    return "current" if position == reached else "todo"


def _share(some: list, every: list, unit: str) -> str:
    return f"{len(some)}/{len(every)} {unit}" if some else ""
