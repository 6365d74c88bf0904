"""Telling people about orders: whom, and in which words."""

from collections.abc import Iterable

from django.urls import reverse

from expenses import notices
from expenses.models import Notice
from masters.models import Employee
from punchout.models import CancelRequest, CatalogConnection, PurchaseOrder

HANDLES_ORDERS = "handle_orders"


def handlers(connection: CatalogConnection) -> list[Employee]:
    """The people named in the connection; if none is, everybody with 発注の確認・再発注."""
    named = list(connection.notified_employees.active())
    return named or list(Employee.objects.with_right(HANDLES_ORDERS))


def order_needs_person(order: PurchaseOrder, state: str, text: str) -> None:
    """発注エラー or 要確認: to the people named in the connection."""
    notices.tell(
        handlers(order.connection),
        Notice.Kind.ORDER,
        f"{state}: 発注 {order.number}「{order.voucher.title}」",
        body=text,
        voucher=order.voucher,
        path=reverse("punchout:order", args=[order.number]),
    )


def differs(order: PurchaseOrder, text: str) -> None:
    """A difference from what was approved: to applicant, approvers and accounting."""
    people = [order.voucher.applicant, *_approvers(order), *handlers(order.connection)]
    notices.tell(
        people,
        Notice.Kind.DIFFERENCE,
        f"承認と異なります: 発注 {order.number}「{order.voucher.title}」",
        body=text,
        voucher=order.voucher,
    )


def cancel_requested(order: PurchaseOrder, by: Employee, text: str) -> list[Employee]:
    """A キャンセル依頼 was made: to those who do it at the supplier. Returns whom."""
    people = handlers(order.connection)
    notices.tell(
        people,
        Notice.Kind.CANCEL,
        f"キャンセル依頼: 発注 {order.number}（{by.name}）",
        body=text,
        voucher=order.voucher,
        path=reverse("punchout:order", args=[order.number]),
    )
    return people


def cancel_concluded(order: PurchaseOrder, requests: Iterable[CancelRequest], text: str) -> None:
    """What became of a キャンセル依頼: to who asked for it and the applicant."""
    people = [request.requested_by for request in requests]
    notices.tell(
        [order.voucher.applicant, *people],
        Notice.Kind.CANCEL,
        f"キャンセルの結果: 発注 {order.number}",
        body=text,
        voucher=order.voucher,
    )


def _approvers(order: PurchaseOrder) -> list[Employee]:
    steps = order.voucher.steps.filter(round=order.voucher.round, decided_by__isnull=False)
    deciders = (step.decided_by for step in steps.select_related("decided_by"))
    return [person for person in deciders if person]
