"""キャンセル依頼, followed to its end (DOMAIN §6.12).

Nothing here stops an order: the supplier starts within minutes and takes no message for it. So a
request is written down, somebody cancels at the supplier, and the supplier's own data, or
accounting by hand with a reason, say what came of it.
"""

from collections.abc import Mapping

import structlog
from django.db import transaction
from django.utils import timezone

from expenses import events
from expenses.models import VoucherEvent
from expenses.refusals import Invalid
from expenses.roles import roles_of
from expenses.transitions import Role
from masters.models import Employee
from punchout import alerts, ledger
from punchout.models import CancelRequest, OrderLine, PurchaseOrder
from punchout.order_states import OrderState
from punchout.resolution import locked

logger = structlog.get_logger(__name__)

State = CancelRequest.State


def cancellable(line: OrderLine) -> int:
    """How many units of a line can still be asked to be cancelled."""
    return max(0, line.quantity - line.shipped - line.cancelled)


def may_request(person: Employee, order: PurchaseOrder) -> bool:
    """Applicant, full deputy, and those who handle orders."""
    if person.has_perm("punchout.handle_orders"):
        return True
    return bool(roles_of(person, order.voucher) & {Role.APPLICANT, Role.FULL_DEPUTY})


@transaction.atomic
def request(
    order: PurchaseOrder, quantities: Mapping[int, int], *, reason: str, by: Employee
) -> list[CancelRequest]:
    """キャンセル依頼 for ``quantities`` (line number → units). Raises ``Invalid``."""
    if not reason.strip():
        raise Invalid("キャンセルの理由を入力してください。")
    order = locked(order)
    if order.state != OrderState.ORDERED:
        raise Invalid(
            f"発注 {order.number} は「{order.get_state_display()}」です。"
            "キャンセルを依頼できるのは発注済の商品だけです。"
        )
    if not may_request(by, order):
        raise Invalid("キャンセルを依頼できるのは、申請者・代理申請者・発注の担当者です。")
    lines = {line.line_number: line for line in order.lines.all()}
    wanted = {number: units for number, units in quantities.items() if units > 0}
    if not wanted:
        raise Invalid("キャンセルする商品を選んでください。")
    open_lines = set(
        CancelRequest.objects.waiting().filter(order_line__order=order).values_list(
            "order_line__line_number", flat=True
        )
    )  # fmt: skip
    made, problems = [], []
    for number, units in sorted(wanted.items()):
        line = lines.get(number)
        if line is None:
            problems.append(f"{number} 行目は発注にありません。")
        elif number in open_lines:
            problems.append(f"{number} 行目はすでにキャンセルを依頼しています。")
        elif units > cancellable(line):
            problems.append(
                f"{number} 行目でキャンセルできるのは {cancellable(line)} 点までです"
                "（出荷された商品は返品になります）。"
            )
        else:
            made.append(
                CancelRequest(
                    order_line=line,
                    quantity=units,
                    target=line.cancelled + units,
                    reason=reason.strip()[:500],
                    requested_by=by,
                )
            )
    if problems:
        raise Invalid(*problems)
    CancelRequest.objects.bulk_create(made)
    listed = "、".join(f"{one.order_line.description[:30]} {one.quantity} 点" for one in made)
    told = alerts.cancel_requested(order, by, f"{listed}\n理由: {reason.strip()}")
    names = "、".join(person.name for person in told) or "発注の担当者なし"
    _tell(
        order,
        "cancel_requested",
        "キャンセルを依頼しました",
        f"{listed}（理由: {reason.strip()}）連絡先: {names}",
        by=by,
    )
    return made


@transaction.atomic
def close(cancel_request: CancelRequest, *, done: bool, reason: str, by: Employee) -> CancelRequest:
    """キャンセル済 or キャンセル失敗 by hand, with what was seen at the supplier.

    Raises ``Invalid`` without a reason or when the request is already closed.
    """
    if not reason.strip():
        raise Invalid("確認した内容（理由）を入力してください。")
    order = locked(cancel_request.order_line.order)
    current = CancelRequest.objects.select_for_update(no_key=True).get(pk=cancel_request.pk)
    if current.state != State.REQUESTED:
        raise Invalid(f"この依頼はすでに「{current.get_state_display()}」です。")
    _close(current, State.DONE if done else State.FAILED, reason.strip(), by=by)
    ledger.rebuild(order)
    text = f"{current.order_line.description[:40]} {current.quantity} 点: {reason.strip()}"
    _conclude(order, [current], text, by=by)
    return current


def review(order: PurchaseOrder) -> None:
    """Close the requests that the supplier's data decide. The order must be locked and counted."""
    for current in (
        CancelRequest.objects.waiting()
        .filter(order_line__order=order)
        .select_related("order_line", "requested_by")
    ):
        line = current.order_line
        if line.cancelled >= current.target:
            state, text = State.DONE, f"{line.cancelled} 点のキャンセルが通知されました。"
        elif line.shipped + current.target > line.quantity:
            done = max(0, line.cancelled - (current.target - current.quantity))
            state = State.FAILED
            text = (
                f"{current.quantity} 点のうち {done} 点だけがキャンセルされ、残りは出荷されました。"
            )
            if not done:
                text = "出荷されたため、キャンセルできませんでした。"
        else:
            continue
        _close(current, state, text, by=None)
        _conclude(order, [current], f"{line.description[:40]}: {text}", by=None)


def _close(current: CancelRequest, state: State, text: str, *, by: Employee | None) -> None:
    current.state = state
    current.closed_by = by
    current.closed_at = timezone.now()
    current.outcome = text[:500]
    current.save()


def _conclude(
    order: PurchaseOrder, closed: list[CancelRequest], text: str, *, by: Employee | None
) -> None:
    failed = any(one.state == State.FAILED for one in closed)
    label = "キャンセルできませんでした" if failed else "キャンセルされました"
    tone = VoucherEvent.Tone.ATTENTION if failed else VoucherEvent.Tone.PLAIN
    _tell(order, f"cancel_{closed[0].state}", label, text, by=by, tone=tone)
    alerts.cancel_concluded(order, closed, text)


def _tell(
    order: PurchaseOrder,
    action: str,
    label: str,
    comment: str,
    *,
    by: Employee | None,
    tone: str = VoucherEvent.Tone.PLAIN,
) -> None:
    logger.info(action, order_number=order.number, by=by.code if by else "supplier")
    events.record(order.voucher, action, label, by=by, comment=comment[:1000], tone=tone)
