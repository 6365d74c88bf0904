"""What an approver does: 承認 or 差戻し. There is no reject, and no undo of an approval."""

from django.db import transaction
from django.utils import timezone

from expenses import events
from expenses.locking import locked_for
from expenses.models import ApprovalStep, Voucher, VoucherEvent
from expenses.refusals import Invalid, WrongStatus
from expenses.roles import candidate_for
from expenses.signals import voucher_transition
from expenses.transitions import Action, Status
from masters.models import Employee


@transaction.atomic
def approve(
    voucher: Voucher, *, by: Employee, comment: str = "", step_id: int | None = None
) -> Voucher:
    """承認 of the current point; at the last one the slip is 最終承認済み.

    ``step_id`` is the point the person saw: if another one is current by now, ``WrongStatus``.
    Points that follow directly and that the same person may decide are approved along with it.
    Raises ``Blocked`` when another app forbids it, e.g. a cart past its limit at the final point.
    """
    voucher = locked_for(voucher, Action.APPROVE, by)
    step = _current(voucher, Action.APPROVE, step_id)
    while True:
        step = _decide(step, ApprovalStep.State.APPROVED, by, comment)
        following = voucher.steps.filter(
            round=voucher.round, state=ApprovalStep.State.WAITING
        ).first()
        if following is None:
            return _finish(voucher, step, by, comment)
        following.state = ApprovalStep.State.CURRENT
        following.save()
        voucher.version += 1
        voucher.save(update_fields=["version"])
        _record(voucher, step, Action.APPROVE, "承認しました", by, comment)
        voucher_transition.send(sender=Voucher, voucher=voucher, action=Action.APPROVE, by=by)
        if candidate_for(by, voucher, timezone.localdate()) is None:
            return voucher
        step, comment = following, ""


@transaction.atomic
def return_to_applicant(
    voucher: Voucher, *, by: Employee, comment: str, step_id: int | None = None
) -> Voucher:
    """差戻し, with the comment that tells the applicant what to mend."""
    if not comment.strip():
        raise Invalid("差戻しにはコメントを入力してください。")
    voucher = locked_for(voucher, Action.RETURN, by)
    step = _decide(
        _current(voucher, Action.RETURN, step_id), ApprovalStep.State.RETURNED, by, comment
    )
    voucher.steps.filter(state=ApprovalStep.State.WAITING).update(state=ApprovalStep.State.CLOSED)
    voucher.status = Status.RETURNED
    voucher.version += 1
    voucher.save()
    _record(
        voucher, step, Action.RETURN, "差し戻しました", by, comment, VoucherEvent.Tone.ATTENTION
    )
    voucher_transition.send(sender=Voucher, voucher=voucher, action=Action.RETURN, by=by)
    return voucher


def _current(voucher: Voucher, action: Action, step_id: int | None) -> ApprovalStep:
    step = voucher.steps.get(state=ApprovalStep.State.CURRENT)
    if step_id is not None and step.pk != step_id:
        raise WrongStatus(voucher, action)
    return step


def _decide(step: ApprovalStep, state: str, by: Employee, comment: str) -> ApprovalStep:
    acting_as = candidate_for(by, step.voucher, timezone.localdate())
    step.state = state
    step.decided_by = by
    step.on_behalf_of = acting_as if acting_as != by else None
    step.decided_at = timezone.now()
    step.comment = comment.strip()
    step.save()
    return step


def _finish(voucher: Voucher, step: ApprovalStep, by: Employee, comment: str) -> Voucher:
    voucher.status = Status.APPROVED
    voucher.approved_at = timezone.now()
    voucher.version += 1
    voucher.save()
    _record(
        voucher,
        step,
        Action.FINAL_APPROVE,
        "最終承認しました",
        by,
        comment,
        VoucherEvent.Tone.GOOD,
    )
    voucher_transition.send(sender=Voucher, voucher=voucher, action=Action.FINAL_APPROVE, by=by)
    return voucher


def _record(
    voucher: Voucher,
    step: ApprovalStep,
    action: Action,
    label: str,
    by: Employee,
    comment: str,
    tone: str = VoucherEvent.Tone.PLAIN,
) -> None:
    events.record(
        voucher,
        action,
        f"{step.name}: {label}",
        by=by,
        on_behalf_of=step.on_behalf_of,
        comment=comment.strip(),
        tone=tone,
    )
