"""What catalogues have to say when something happens to a slip."""

import datetime

from django.dispatch import receiver
from django.utils import timezone

from expenses.models import Origin, Voucher
from expenses.signals import Blocked, voucher_transition
from expenses.transitions import Action
from punchout import orders, settling
from punchout.models import CatalogConnection, ReceivedCart
from punchout.order_states import OrderState

_SETTING_FREE = frozenset({Action.DELETE, Action.DENY, Action.EXCLUDE})


@receiver(voucher_transition, sender=Voucher)
def react(voucher: Voucher, action: Action, **kwargs) -> None:
    """Cart age at 申請 and 最終承認, the order at 最終承認, what must be settled at the rest."""
    if voucher.is_request:
        if action in (Action.SUBMIT, Action.FINAL_APPROVE):
            _refuse_old_cart(voucher, action)
        if action == Action.FINAL_APPROVE:
            orders.create(voucher)
        if action in (Action.DENY, Action.EXCLUDE):
            _refuse_while_under_way(voucher)
    elif action in _SETTING_FREE:
        settling.release(voucher)


def cart_of(voucher: Voucher) -> ReceivedCart | None:
    """The cart that the slip's catalogue lines were made from."""
    return (
        ReceivedCart.objects.filter(items__line__voucher=voucher)
        .select_related("session__connection")
        .first()
    )


def cart_age(cart: ReceivedCart, now: datetime.datetime | None = None) -> datetime.timedelta:
    """Time since the cart was received."""
    return (now or timezone.now()) - cart.received_at


def is_past_limit(cart: ReceivedCart, connection: CatalogConnection) -> bool:
    """Whether the supplier no longer holds the cart's prices."""
    return cart_age(cart) > datetime.timedelta(days=connection.cart_limit_days)


def _refuse_old_cart(voucher: Voucher, action: Action) -> None:
    if not voucher.lines.filter(origin=Origin.CATALOGUE).exists():
        return
    cart = cart_of(voucher)
    if cart is None:
        return
    connection = cart.session.connection
    if not (connection.cart_limit_blocks and is_past_limit(cart, connection)):
        return
    received = timezone.localtime(cart.received_at)
    reason = (
        f"カートを受け取ってから {connection.cart_limit_days} 日を過ぎています"
        f"（受信 {received:%Y/%m/%d %H:%M}）。価格が保証されません。"
    )
    if action == Action.SUBMIT:
        raise Blocked(
            reason, "「カタログ連携」からもう一度買い物をして、カートを取り直してください。"
        )
    raise Blocked(reason, "差し戻して、申請者にカートを取り直してもらってください。")


def _refuse_while_under_way(voucher: Voucher) -> None:
    under_way = [OrderState.PENDING, OrderState.SENDING, OrderState.UNKNOWN]
    order = voucher.purchase_orders.filter(state__in=under_way).first()
    if order is not None:
        raise Blocked(
            f"発注 {order.number} が「{order.get_state_display()}」のため処理できません。",
            "発注の結果が決まってからやり直してください。",
        )
