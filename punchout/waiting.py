"""What waits for a supplier or for a person, since when: the contents of 発注状況."""

import datetime
from dataclasses import dataclass

from django.db.models import Exists, OuterRef
from django.utils import timezone

from expenses.models import Voucher
from masters.models import Employee
from punchout.models import (
    CancelRequest,
    JobRun,
    PurchaseOrder,
    SourceRow,
    SupplierDocument,
    sweep_is_overdue,
)
from punchout.order_states import OrderState

MOST_SHOWN = 100

UNCONFIRMED_AFTER = datetime.timedelta(hours=24)
"""Confirmations take minutes to hours; a day without one is worth a look."""


@dataclass(frozen=True)
class Lookup:
    """What to look for at the supplier before deciding anything."""

    url: str
    order_number: str
    sent_at: datetime.datetime | None
    shopper_email: str
    items: list[str]
    supplier_orders: list[str]


def lookup(order: PurchaseOrder) -> Lookup:
    """What a person looks up at the supplier about ``order``."""
    last = order.attempts.order_by("-number").first()
    confirmations = order.documents.filter(kind=SupplierDocument.Kind.CONFIRMATION)
    return Lookup(
        url=order.connection.lookup_url,
        order_number=order.number,
        sent_at=last.started_at if last else None,
        shopper_email=order.shopper_email,
        items=[
            f"{line.description[:60]}（{line.part_id}）× {line.quantity}"
            for line in order.lines.order_by("line_number")
        ],
        supplier_orders=sorted(set(confirmations.values_list("key", flat=True))),
    )


def cancel_requests(order: PurchaseOrder) -> list[CancelRequest]:
    """All cancel requests of an order, oldest first."""
    return list(
        CancelRequest.objects.filter(order_line__order=order).select_related(
            "order_line", "requested_by", "closed_by"
        )
    )


def overview(person: Employee) -> dict:
    """Everything that waits, of the slips ``person`` may see; each list is cut at 100."""
    slips = Voucher.objects.visible_to(person)
    orders = (
        PurchaseOrder.objects.filter(voucher__in=slips)
        .defer("document")
        .select_related("connection", "voucher__applicant")
    )
    now = timezone.now()
    documents = SupplierDocument.objects.filter(order=OuterRef("pk"))
    last = JobRun.last_sweep()
    rows = SourceRow.objects.undecided().select_related("history_import__connection")
    return {
        "now": now,
        "last_sweep": last,
        "sweep_overdue": sweep_is_overdue(last, now),
        "needing_person": orders.needing_person()[:MOST_SHOWN],
        "under_way": orders.filter(state__in=[OrderState.PENDING, OrderState.SENDING]).order_by(
            "created_at"
        )[:MOST_SHOWN],
        "unconfirmed": orders.filter(
            ~Exists(documents),
            state=OrderState.ORDERED,
            ordered_at__lt=now - UNCONFIRMED_AFTER,
        ).order_by("ordered_at")[:MOST_SHOWN],
        "cancel_requests": CancelRequest.objects.waiting()
        .filter(order_line__order__voucher__in=slips)
        .select_related("order_line__order__voucher", "requested_by")[:MOST_SHOWN],
        "orphans": SupplierDocument.objects.filter(order__isnull=True)
        .defer("raw")
        .select_related("connection")
        .order_by("-received_at")[:MOST_SHOWN],
        "rows": rows[:MOST_SHOWN],
    }
