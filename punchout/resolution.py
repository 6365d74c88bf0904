"""What a person decides about an order, always with a reason.

That nothing is found at the supplier proves nothing, so 要確認 stays until the supplier's own data
or a person settles it. A person may also let a failed order be made anew.
"""

import structlog
from django.db import transaction
from django.utils import timezone

from expenses import events
from expenses.models import Voucher, VoucherEvent
from expenses.refusals import Invalid
from masters.models import Employee
from punchout import cart_age, dispatch, orders
from punchout.models import PurchaseOrder
from punchout.order_states import OrderState

logger = structlog.get_logger(__name__)


def locked(order: PurchaseOrder) -> PurchaseOrder:
    """The order's row, locked for this transaction, with its connection and slip."""
    return (
        PurchaseOrder.objects.select_for_update(of=("self",), no_key=True)
        .select_related("connection", "voucher")
        .get(pk=order.pk)
    )


@transaction.atomic
def accept(order: PurchaseOrder, *, reason: str, by: Employee | None) -> PurchaseOrder:
    """発注済: a person saw the order at the supplier. ``by=None``: the operator at the shell.

    Raises ``Invalid`` without a reason, from another state than 要確認 or 発注エラー, or when
    another order of the request lives.
    """
    order = _checked(order, reason, OrderState.UNKNOWN, OrderState.FAILED)
    _refuse_second_living(order)
    dispatch.mark_ordered(order, "発注済みと確認しました", by=by, comment=reason.strip())
    return order


@transaction.atomic
def resend(order: PurchaseOrder, *, reason: str, by: Employee | None) -> PurchaseOrder:
    """Send the identical message again: a person made sure that the supplier has no such order.

    Raises ``Invalid`` without a reason or from another state than 要確認.
    """
    order = _checked(order, reason, OrderState.UNKNOWN)
    order.state = OrderState.PENDING
    order.due_at = timezone.now()
    order.claimed_at = None
    order.tries_before = order.tries
    order.unflag()
    order.save()
    _tell(order, "order_resend", "同じ注文をもう一度送ります", reason, by)
    orders.wake_after_commit(order)
    return order


@transaction.atomic
def cancel(order: PurchaseOrder, *, reason: str, by: Employee | None) -> PurchaseOrder:
    """取消: a person made sure that the supplier has not taken it, and it shall not be sent.

    Raises ``Invalid`` without a reason or from another state than 要確認.
    """
    order = _checked(order, reason, OrderState.UNKNOWN)
    order.state = OrderState.CANCELLED
    order.unflag()
    order.save()
    _tell(order, "order_cancelled", "発注を取り消しました（届いていないことを確認）", reason, by)
    return order


@transaction.atomic
def reorder(order: PurchaseOrder, *, reason: str, by: Employee | None) -> PurchaseOrder:
    """再発注: a new order with a new document and number; the old one is kept.

    Raises ``Invalid`` without a reason, unless 発注エラー or 取消, when it was replaced already or
    another order of the request lives; ``Blocked`` when the cart is past its limit or the
    connection cannot order.
    """
    voucher = Voucher.objects.select_for_update(no_key=True).get(pk=order.voucher_id)
    order = _checked(order, reason, OrderState.FAILED, OrderState.CANCELLED)
    if PurchaseOrder.objects.filter(replaces=order).exists():
        raise Invalid(f"発注 {order.number} はすでに再発注されています。")
    _refuse_second_living(order)
    orders.refuse_unless_approved(voucher)
    cart_age.refuse_past_limit(
        voucher, "この申請は否認処理にして、新しい経費申請で買い直してください。"
    )
    _tell(order, "order_reorder", f"発注 {order.number} を再発注します", reason, by)
    new = orders.create(voucher, replaces=order)
    if new is None:
        raise Invalid("発注するカタログ明細がありません。")
    order.unflag()
    order.save()
    return new


@transaction.atomic
def acknowledge(order: PurchaseOrder, *, reason: str, by: Employee | None) -> PurchaseOrder:
    """A person has seen what was flagged, and says what was done about it.

    Raises ``Invalid`` without a reason, for 要確認 (which has to be decided), or with no flag.
    """
    order = _checked(order, reason, OrderState.ORDERED, OrderState.FAILED, OrderState.CANCELLED)
    if not order.needs_person:
        raise Invalid(f"発注 {order.number} に確認の必要な事柄はありません。")
    said = f"{order.needs_person}\n→ {reason.strip()}"
    order.unflag()
    order.save()
    _tell(order, "order_acknowledged", "確認しました", said, by)
    return order


def _checked(order: PurchaseOrder, reason: str, *states: OrderState) -> PurchaseOrder:
    if not reason.strip():
        raise Invalid("理由を入力してください。")
    order = locked(order)
    if order.state not in states:
        raise Invalid(
            f"発注 {order.number} は「{order.get_state_display()}」です。最新の状態を見てください。"
        )
    return order


def _refuse_second_living(order: PurchaseOrder) -> None:
    living = PurchaseOrder.objects.live().filter(voucher=order.voucher_id).exclude(pk=order.pk)
    other = living.first()
    if other is not None:
        raise Invalid(
            f"この申請には発注 {other.number}（{other.get_state_display()}）があります。"
            "同時に二つの発注はできません。"
        )


def _tell(order: PurchaseOrder, action: str, label: str, reason: str, by: Employee | None) -> None:
    logger.info(action, order_number=order.number, by=by.code if by else "shell")
    events.record(
        order.voucher,
        action,
        label,
        by=by,
        comment=reason.strip()[:1000],
        tone=VoucherEvent.Tone.ATTENTION,
    )
