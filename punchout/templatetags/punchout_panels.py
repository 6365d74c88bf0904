"""What catalogues show on the pages of a slip."""

from django import template
from django.utils import timezone

from expenses.models import Kind, Origin, Voucher
from expenses.transitions import Status
from punchout.models import (
    CatalogConnection,
    CatalogItem,
    PurchaseOrder,
    PurchaseRecord,
    ShoppingSession,
)
from punchout.order_states import OrderState
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


@register.inclusion_tag("punchout/_order_panel.html", takes_context=True)
def order_panel(context, voucher: Voucher) -> dict:
    """The order's progress, numbers and dates per line; nothing when there is no order."""
    if not voucher.is_request:
        return {"orders": []}
    orders = list(
        PurchaseOrder.objects.filter(voucher=voucher)
        .select_related("connection")
        .prefetch_related("lines__ledger__document")
        .order_by("-created_at")
    )
    records = PurchaseRecord.objects.for_request(voucher)
    return {
        "orders": [
            {
                "order": order,
                "steps": steps(order),
                "lines": [_line(line) for line in order.lines.all()],
            }
            for order in orders
        ],
        "voucher": voucher,
        "record_count": records.count(),
        "unsettled_count": records.unsettled().count(),
        "may_settle": context["request"].user.pk in (voucher.applicant_id, voucher.entered_by_id)
        and voucher.status == Status.APPROVED,
    }


def _line(line) -> dict:
    entries = list(line.ledger.all())
    confirmations = sorted({entry.document.key for entry in entries if entry.kind == "confirmed"})
    shipments = [entry for entry in entries if entry.kind == "shipped"]
    return {
        "line": line,
        "state": line.state_label,
        "confirmations": confirmations,
        "shipments": shipments,
        "price_differs": line.real_unit_price is not None
        and line.real_unit_price != line.unit_price,
    }


def steps(order: PurchaseOrder) -> list[dict]:
    """発注待ち → 発注済 → 確認済 → 出荷済 → 精算済, and where the order stands."""
    lines = list(order.lines.all())
    living = [line for line in lines if line.cancelled < line.quantity]
    confirmed = bool(living) and all(line.confirmed + line.shipped >= 1 for line in living)
    shipped = bool(living) and all(
        line.shipped >= line.quantity - line.cancelled for line in living
    )
    records = list(PurchaseRecord.objects.filter(order=order).with_state())
    settled = shipped and bool(records) and all(record.state == "精算済" for record in records)
    reached = 0
    if order.state == OrderState.ORDERED:
        reached = 2 + confirmed + (confirmed and shipped) + settled
    labels = ["発注待ち", "発注済", "確認済", "出荷済", "精算済"]
    notes = {
        "発注待ち": f"次の送信 {timezone.localtime(order.due_at):%m/%d %H:%M}"
        if order.state == OrderState.PENDING and order.tries
        else "",
        "発注済": f"{timezone.localtime(order.ordered_at):%m/%d %H:%M}" if order.ordered_at else "",
        "確認済": f"{sum(1 for line in lines if line.confirmed)}/{len(lines)} 行"
        if any(line.confirmed for line in lines)
        else "",
        "出荷済": f"{sum(1 for line in lines if line.shipped)}/{len(lines)} 行"
        if any(line.shipped for line in lines)
        else "",
        "精算済": f"{sum(1 for record in records if record.state == '精算済')}/{len(records)} 件"
        if records
        else "",
    }
    failed = order.state in (OrderState.FAILED, OrderState.UNKNOWN, OrderState.CANCELLED)
    result = []
    for position, label in enumerate(labels):
        state = "done" if position < reached else "current" if position == reached else "todo"
        if failed and position == 0:
            label, state = order.get_state_display(), "wrong"
        elif failed:
            state = "todo"
        result.append({"label": label, "state": state, "note": notes.get(label, "")})
    return result
