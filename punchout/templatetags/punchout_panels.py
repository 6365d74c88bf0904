"""What catalogues show on the pages of a slip."""

from django import template

from expenses.models import Kind, Origin, Voucher, VoucherLine
from expenses.transitions import Status
from punchout import cancellation, cart_age, progress
from punchout.models import CatalogConnection, CatalogItem, PurchaseRecord, ShoppingSession
from punchout.order_states import OrderState

register = template.Library()


@register.inclusion_tag("punchout/_shop_buttons.html", takes_context=True)
def shop_buttons(context, voucher: Voucher | None, kind: str) -> dict:
    """「カタログ連携」 on the edit page of a 経費申請; nothing without the option's contract."""
    if kind != Kind.REQUEST:
        return {"connections": []}
    user = context["request"].user
    again = _has_catalogue_lines(context["lines"])
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


def _has_catalogue_lines(lines: list[VoucherLine]) -> bool:
    # The page has read them already.
    return any(line.origin == Origin.CATALOGUE for line in lines)


@register.simple_tag
def removable_lines(voucher: Voucher | None, lines: list[VoucherLine]) -> str:
    """Which catalogue lines the employee may take out of a draft: "" (none), "all" or "each"."""
    if voucher is None or not _has_catalogue_lines(lines):
        return ""
    cart = cart_age.cart_of(voucher)
    return "each" if cart and cart.session.connection.allow_line_removal else "all"


@register.inclusion_tag("punchout/_cart_notice.html", takes_context=True)
def cart_notice(context, voucher: Voucher | None) -> dict:
    """A warning when the slip's cart is old; nothing otherwise."""
    if voucher is None or voucher.status == Status.APPROVED:
        return {}
    if not _has_catalogue_lines(context["lines"]):
        return {}
    cart = cart_age.cart_of(voucher)
    if cart is None:
        return {}
    connection = cart.session.connection
    return {
        "days": cart_age.cart_age(cart).days,
        "warn": cart_age.needs_warning(cart, connection),
        "past": cart_age.is_past_limit(cart, connection),
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


@register.inclusion_tag("punchout/_order_panel.html", takes_context=True)
def order_panel(context, voucher: Voucher) -> dict:
    """The order's progress, numbers and dates per line; nothing when there is no order."""
    # Most slips that people open have not been ordered yet: no query for those.
    if not (voucher.is_request and voucher.approved_at):
        return {"orders": []}
    orders = progress.of_request(voucher)
    user = context["request"].user
    for placed in orders:
        placed["may_cancel"] = placed[
            "order"
        ].state == OrderState.ORDERED and cancellation.may_request(user, placed["order"])
    records = [record for placed in orders for record in placed["order"].records.all()]
    return {
        "orders": orders,
        "may_handle": user.has_perm("punchout.handle_orders"),
        "record_count": len(records),
        "unsettled_count": sum(1 for record in records if record.state == "未精算"),
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
