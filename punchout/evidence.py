"""The supplier's own positive data settle what we do not know; their absence proves nothing."""

from punchout import alerts, dispatch
from punchout.models import PurchaseOrder
from punchout.order_states import OrderState

UNDECIDED = (OrderState.PENDING, OrderState.SENDING, OrderState.UNKNOWN)


def flags(order: PurchaseOrder) -> list[str]:
    """What a person has to look at: what can't be, and what was not approved."""
    contradictions = [
        f"{line.line_number} 行目: {line.contradiction}"
        for line in order.lines.order_by("line_number")
        if line.contradiction
    ]
    return [*contradictions, *order.difference.splitlines()]


def is_there(order: PurchaseOrder, what: str) -> None:
    """The supplier has the locked order, as ``what`` from it shows."""
    if order.state in UNDECIDED:
        dispatch.mark_ordered(order, "発注済みと確認できました", comment=what)
        # The doubt is gone; what differs is not.
        order.flag(*flags(order))
        order.save()
    elif order.state != OrderState.ORDERED:
        # It counts as dead here, and may have been ordered anew: only a person can tell.
        text = f"「{order.get_state_display()}」の注文に、{what} が届きました。"
        order.flag(text)
        order.save()
        alerts.order_needs_person(order, "要確認", text)
