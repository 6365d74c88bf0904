"""What catalogues show on the pages of a slip."""

from django import template

from expenses.models import Kind, Origin, Voucher
from expenses.transitions import Status
from punchout import progress
from punchout.models import CatalogConnection, CatalogItem, PurchaseRecord, ShoppingSession
from punchout.reactions import cart_age, cart_of

register = template.Library()


@register.inclusion_tag("punchout/_shop_buttons.html", takes_context=True)
def shop_buttons(context, voucher: Voucher | None, kind: str) -> dict:
    """「カタログ連携」 on the edit page of a 経費申請; nothing without the option's contract."""
    if kind != Kind.REQUEST:
        return {"connections": []}
    user = context["request"].user
    again = bool(voucher and voucher.lines.filter(origin=Origin.CATALOGUE).exists())
    waiting = None
    if voucher:
        waiting = (
            ShoppingSession.objects.filter(
                voucher=voucher, employee=user, state=ShoppingSession.State.RETURNED
            )
            .order_by("-started_at")
            .first()
        )
    return {
        "connections": CatalogConnection.objects.open_to(user),
        "again": again,
        "waiting": waiting,
    }


@register.inclusion_tag("punchout/_cart_notice.html")
def cart_notice(voucher: Voucher | None) -> dict:
    """A warning when the slip's cart is old; nothing otherwise."""
    if voucher is None or not voucher.is_request:
        return {}
    if (
        voucher.status == Status.APPROVED
        or not voucher.lines.filter(origin=Origin.CATALOGUE).exists()
    ):
        return {}
    cart = cart_of(voucher)
    if cart is None:
        return {}
    connection = cart.session.connection
    days = cart_age(cart).days
    return {
        "days": days,
        "warn": days >= connection.cart_warning_days,
        "past": days >= connection.cart_limit_days,
        "connection": connection,
        "received_at": cart.received_at,
    }


@register.simple_tag
def order_consequence(voucher: Voucher) -> str:
    """What the final approval will do, in words; empty when it orders nothing."""
    if not voucher.is_request:
        return ""
    items = CatalogItem.objects.filter(line__voucher=voucher).select_related(
        "line", "cart__session__connection"
    )
    lines = list(items)
    if not lines:
        return ""
    supplier = lines[0].cart.session.connection.supplier_name
    goods = sum(1 for item in lines if item.kind == CatalogItem.Kind.ITEM)
    total = sum(item.line.amount for item in lines)
    return f"承認すると {supplier} に {goods} 品目 ¥{total:,} が発注されます"


@register.inclusion_tag("punchout/_order_panel.html")
def order_panel(voucher: Voucher) -> dict:
    """The order's progress, numbers and dates per line; nothing when there is no order."""
    if not voucher.is_request:
        return {"orders": []}
    records = PurchaseRecord.objects.for_request(voucher)
    return {
        "orders": progress.of_request(voucher),
        "record_count": records.count(),
        "unsettled_count": records.unsettled().count(),
    }


@register.inclusion_tag("punchout/_settle_button.html", takes_context=True)
def settle_button(context, voucher: Voucher) -> dict:
    """「この申請を精算する」, for those who may, while there is something to settle."""
    user = context["request"].user
    may_settle = (
        voucher.is_request
        and voucher.status == Status.APPROVED
        and user.pk in (voucher.applicant_id, voucher.entered_by_id)
        and PurchaseRecord.objects.for_request(voucher).unsettled().exists()
    )
    return {"may_settle": may_settle, "voucher": voucher}
