"""What catalogues have to say when something happens to a slip."""

from django.dispatch import receiver

from expenses.models import Origin, Voucher, VoucherLine
from expenses.refusals import Invalid
from expenses.signals import (
    Blocked,
    ToConfirm,
    removing_suppliers_lines,
    voucher_transition,
)
from expenses.transitions import Action
from punchout import cart_age, orders, settling
from punchout.models import CancelRequest, CatalogItem, OrderLine
from punchout.order_states import OrderState

_SETTING_FREE = frozenset({Action.DELETE, Action.DENY, Action.EXCLUDE})
_SHOP_AGAIN = "「カタログ連携」からもう一度買い物をして、カートを取り直してください。"
_RETURN_IT = "差し戻して、申請者にカートを取り直してもらってください。"
_GET_A_NEW_CART = (
    "カートの有効期限が過ぎています。「カタログ連携」からもう一度買い物をして、申請してください。"
)


@receiver(voucher_transition, sender=Voucher)
def react(voucher: Voucher, action: Action, *, confirmed: bool = False, **kwargs) -> None:
    """Cart age at 申請 and 最終承認, the order at 最終承認, what must be settled at the rest."""
    if voucher.is_request:
        if action == Action.SUBMIT:
            cart_age.refuse_past_limit(voucher, _SHOP_AGAIN)
        if action == Action.FINAL_APPROVE:
            cart_age.refuse_past_limit(voucher, _RETURN_IT, return_comment=_GET_A_NEW_CART)
            orders.create(voucher)
        if action in (Action.DENY, Action.EXCLUDE):
            _refuse_while_under_way(voucher)
            if not confirmed:
                _ask_about_goods_to_come(voucher)
    elif action in _SETTING_FREE:
        settling.release(voucher)


@receiver(removing_suppliers_lines, sender=Voucher)
def allow_removal(
    voucher: Voucher, removed: list[VoucherLine], kept: list[VoucherLine], **kwargs
) -> bool:
    """All catalogue lines together, always; single ones by the connection's setting (DOMAIN §6.5).

    Suppliers refuse orders below the cart that they handed over.
    """
    if any(line.origin != Origin.CATALOGUE for line in removed):
        return False
    stay = {line.pk for line in kept if line.origin == Origin.CATALOGUE}
    if not stay:
        return True
    cart = cart_age.cart_of(voucher)
    if cart is None or not cart.session.connection.allow_line_removal:
        return False
    goods = CatalogItem.objects.filter(line__in=stay, kind=CatalogItem.Kind.ITEM)
    if not goods.exists():
        raise Invalid("商品の行をすべて外すときは、送料・手数料の行も外してください。")
    return True


def _refuse_while_under_way(voucher: Voucher) -> None:
    under_way = [OrderState.PENDING, OrderState.SENDING, OrderState.UNKNOWN]
    order = voucher.purchase_orders.filter(state__in=under_way).first()
    if order is not None:
        raise Blocked(
            f"発注 {order.number} が「{order.get_state_display()}」のため処理できません。",
            "発注の結果が決まってからやり直してください。",
        )


def _ask_about_goods_to_come(voucher: Voucher) -> None:
    """Taking the slip out stops no delivery and no bill: a person has to know that."""
    lines = OrderLine.objects.filter(order__voucher=voucher, order__state=OrderState.ORDERED)
    remaining = [line for line in lines if line.quantity > line.cancelled + line.returned]
    if not remaining:
        return
    listed = "、".join(
        f"{line.description[:30]} {line.quantity - line.cancelled - line.returned} 点"
        for line in remaining[:5]
    )
    more = f" ほか {len(remaining) - 5} 品目" if len(remaining) > 5 else ""
    waiting = CancelRequest.objects.waiting().filter(order_line__in=remaining).exists()
    asked = "キャンセル依頼の結果が出ていません。" if waiting else ""
    raise ToConfirm(
        f"発注した商品のうち、キャンセルも返品もされていないものがあります（{listed}{more}）。{asked}"
        "この処理をしても商品は届き、支払いは発生します。先に「キャンセル依頼」をしてください。"
    )
