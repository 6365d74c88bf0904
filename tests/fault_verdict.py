"""The supplier's books beside ours, after a fault campaign."""

from collections import Counter

from expenses.models import Voucher, VoucherEvent
from expenses.transitions import Status
from punchout.models import OrderAttempt, PurchaseOrder
from punchout.order_states import OrderState


class Books:
    """What the supplier received, ever."""

    def __init__(self, stack) -> None:
        orders = stack.control("GET", "orders")["orders"]
        self.received = Counter(order["order_number"] for order in orders)
        self.payloads = Counter(order["payload_id"] for order in orders)

    def wrong(self) -> list[tuple[str, int]]:
        """Everything that must not be, counted: each must be 0."""
        ours = {order.number: order for order in PurchaseOrder.objects.defer("document")}
        approved = Voucher.objects.filter(status=Status.APPROVED)
        # Who let an order be sent again answers for what comes of it.
        on_a_word = set(
            VoucherEvent.objects.filter(action="order_resend").values_list("voucher", flat=True)
        )
        doubled = [
            number
            for number, times in self.received.items()
            if times > 1 and ours[number].voucher_id not in on_a_word
        ]
        return [
            ("received twice without a person's word", len(doubled)),
            ("one message received twice", sum(n > 1 for n in self.payloads.values())),
            ("approved without an order", approved.filter(purchase_orders=None).count()),
            (
                "lost: 発注済, but not at the supplier",
                sum(
                    order.state == OrderState.ORDERED and not self.received[order.number]
                    for order in ours.values()
                ),
            ),
            (
                "不達 or 取消, but at the supplier",
                sum(
                    bool(self.received[order.number])
                    for order in ours.values()
                    if order.failure == PurchaseOrder.Failure.UNDELIVERABLE
                    or order.state == OrderState.CANCELLED
                ),
            ),
            ("at the supplier, but not ours", len(set(self.received) - set(ours))),
            (
                "left open",
                sum(
                    order.state in (OrderState.PENDING, OrderState.SENDING, OrderState.UNKNOWN)
                    for order in ours.values()
                ),
            ),
            (
                "tries without an outcome",
                OrderAttempt.objects.filter(outcome="").count(),
            ),
        ]


def unknown_orders() -> list[PurchaseOrder]:
    """Those for which a person has to look."""
    return list(PurchaseOrder.objects.filter(state=OrderState.UNKNOWN).select_related("voucher"))


def resolved_by_data() -> int:
    """Those that were in 要確認 until the supplier's confirmation said more."""
    asked = VoucherEvent.objects.filter(action="order_unknown").values("voucher")
    return PurchaseOrder.objects.filter(voucher__in=asked).exclude(state=OrderState.UNKNOWN).count()


def resent_by_person() -> int:
    """How often a person let an order be sent again."""
    return VoucherEvent.objects.filter(action="order_resend").count()


def states() -> list[tuple[str, int]]:
    """Requests approved, and their orders by state."""
    approved = Voucher.objects.filter(status=Status.APPROVED).count()
    failed = PurchaseOrder.objects.filter(state=OrderState.FAILED)
    return [
        ("requests approved", approved),
        ("orders 発注済", PurchaseOrder.objects.filter(state=OrderState.ORDERED).count()),
        ("orders 発注エラー（拒否）", failed.filter(failure="rejected").count()),
        ("orders 発注エラー（不達）", failed.filter(failure="undeliverable").count()),
    ]
