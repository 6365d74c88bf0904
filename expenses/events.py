"""Recording what happened to a slip."""

from typing import Any

from expenses.models import Voucher, VoucherEvent
from masters.models import Employee


def record(
    voucher: Voucher,
    action: str,
    label: str,
    *,
    by: Employee | None,
    on_behalf_of: Employee | None = None,
    comment: str = "",
    tone: str = VoucherEvent.Tone.PLAIN,
    changes: list[dict[str, Any]] | None = None,
) -> VoucherEvent:
    """Add an event; ``by=None`` means the system did it. Call inside the verb's transaction."""
    return VoucherEvent.objects.create(
        voucher=voucher,
        action=action,
        label=label,
        by=by,
        on_behalf_of=on_behalf_of,
        comment=comment,
        tone=tone,
        changes=changes or [],
    )
