"""Making the order at the final approval, in the same transaction."""

import hashlib

import structlog
from django.db import transaction
from django.utils import timezone

from expenses import events
from expenses.models import Origin, Voucher, VoucherLine
from expenses.signals import Blocked
from expenses.transitions import Status
from masters.models import Company
from punchout import cxml, documents
from punchout.identifiers import new_payload_id
from punchout.models import CatalogItem, OrderLine, PurchaseOrder, ShoppingSession

logger = structlog.get_logger(__name__)


def create(voucher: Voucher, *, replaces: PurchaseOrder | None = None) -> PurchaseOrder | None:
    """The order of an approved request, frozen; None when it has no catalogue lines.

    Must run inside the transaction of the final approval, or of the decision to order anew instead
    of ``replaces``. The worker is woken after the commit; should that fail, the sweep finds the
    row. Raises ``Blocked`` if the order cannot be made, or its cart is past the limit.
    """
    lines = [
        line
        for line in voucher.lines.select_related("catalog_item__cart__session").order_by("position")
        if line.origin == Origin.CATALOGUE
    ]
    goods = [line for line in lines if line.catalog_item.kind == CatalogItem.Kind.ITEM]
    if not goods:
        return None
    session = _session_of(goods)
    connection = session.connection
    contracted = Company.current().catalog_contracted
    if not (contracted and connection.is_active) or connection.missing_settings():
        raise Blocked(
            "カタログ連携設定が無効か未完了のため、発注できません。",
            "システム管理者に連絡してください。",
        )
    destination = voucher.delivery
    if destination is None:
        raise Blocked(
            "配送先がないため、発注できません。", "差し戻して配送先を選んでもらってください。"
        )
    number = _number(voucher)
    payload_id, now = new_payload_id(), timezone.now()
    place = documents.address(destination, email=session.email)
    shipping = [line for line in lines if line not in goods]
    total = sum(line.amount for line in lines)
    document = cxml.build_order_request(
        cxml.Order(
            parties=documents.parties(connection),
            payload_id=payload_id,
            timestamp=now,
            deployment_mode=documents.deployment_mode(connection.mode),
            order_id=number,
            order_date=now,
            total_yen=total,
            tax_yen=sum(line.tax_amount for line in lines),
            shipping_yen=sum(line.net_amount for line in shipping),
            shipping_tax_yen=sum(line.tax_amount for line in shipping),
            ship_to=place,
            bill_to=place,
            contact_name=session.employee.name,
            contact_email=session.email,
            business_unit=connection.business_unit,
            items=tuple(
                cxml.OrderItem(
                    line_number=position,
                    quantity=line.quantity or 0,
                    item_in_xml=line.catalog_item.xml,
                    unit_price=line.unit_price or 0,
                    currency="JPY",
                    tax_yen=line.tax_amount,
                    tax_rate=line.tax_rate,
                )
                for position, line in enumerate(goods, start=1)
            ),
        )
    )
    order = PurchaseOrder.objects.create(
        voucher=voucher,
        connection=connection,
        number=number,
        payload_id=payload_id,
        timestamp=now,
        mode=connection.mode,
        shopper_email=session.email,
        document=document,
        sha256=hashlib.sha256(document).hexdigest(),
        total=total,
        replaces=replaces,
    )
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            line_number=position,
            voucher_line=line,
            part_id=line.catalog_item.part_id,
            description=line.description,
            quantity=line.quantity or 0,
            unit_price=line.unit_price or 0,
            amount=line.amount,
        )
        for position, line in enumerate(goods, start=1)
    )
    events.record(
        voucher,
        "order_created",
        f"{connection.supplier_name}への発注を受け付けました（{len(goods)} 品目 ¥{total:,}）",
        by=None,
    )
    logger.info("order_created", order_number=order.number, voucher=voucher.number, total=total)
    wake_after_commit(order)
    return order


def refuse_unless_approved(voucher: Voucher) -> None:
    """Raises ``Blocked`` unless the request is 最終承認済み: nothing else may order."""
    if voucher.status != Status.APPROVED:
        raise Blocked(
            f"{voucher.number} は「{voucher.get_status_display()}」のため、発注できません。"
        )


def wake_after_commit(order: PurchaseOrder) -> None:
    """Let a worker look at the order as soon as its row can be seen."""
    transaction.on_commit(lambda: _wake(order.pk), robust=True)


def _number(voucher: Voucher) -> str:
    """The slip's number; a further order of the same request gets a suffix."""
    earlier = PurchaseOrder.objects.filter(voucher=voucher).count()
    return f"{voucher.number}-{earlier + 1}" if earlier else voucher.number


def _session_of(goods: list[VoucherLine]) -> ShoppingSession:
    sessions = {line.catalog_item.cart.session_id for line in goods}
    if len(sessions) != 1:
        # Applying a cart replaces the one before, so this would mean damaged data.
        raise Blocked(
            "カタログ明細が複数の買い物にまたがっています。", "カートを取り直してください。"
        )
    return ShoppingSession.objects.select_related("connection", "employee").get(pk=sessions.pop())


def _wake(order_pk: int) -> None:
    # Imported here: the task module imports the verbs that it calls.
    from punchout.tasks import send_order

    send_order.delay(order_pk)
