"""What the applicant's side and the right 否認処理 do to a slip.

Every function is one transaction: lock, check the table, write, record, tell the other apps.
All may raise ``WrongStatus``, ``NotAllowed``, ``Invalid`` and, from a receiver, ``Blocked``.
"""

from typing import Any

from django.db import transaction
from django.utils import timezone

from expenses import events
from expenses.locking import locked_for
from expenses.models import (
    ApprovalCandidate,
    ApprovalStep,
    Origin,
    Voucher,
    VoucherEvent,
    VoucherLine,
)
from expenses.refusals import Invalid
from expenses.routes import plan_route
from expenses.signals import voucher_transition
from expenses.tax import fill_from_masters
from expenses.transitions import RULES, Action
from masters.models import Breakdown, Employee


@transaction.atomic
def submit(voucher: Voucher, *, by: Employee, comment: str = "") -> Voucher:
    """申請: freeze the lines, build the route anew, hand the slip to its first point."""
    voucher = locked_for(voucher, Action.SUBMIT, by)
    lines = list(voucher.lines.select_for_update(no_key=True).order_by("position"))
    _freeze(voucher, lines)
    voucher.writers.add(by)
    route = plan_route(voucher)
    voucher.round += 1
    voucher.submitted_at = timezone.now()
    _move(voucher, Action.SUBMIT)
    for position, planned in enumerate(route, start=1):
        step = ApprovalStep.objects.create(
            voucher=voucher,
            round=voucher.round,
            position=position,
            name=planned.name,
            state=ApprovalStep.State.CURRENT if position == 1 else ApprovalStep.State.WAITING,
        )
        ApprovalCandidate.objects.bulk_create(
            ApprovalCandidate(step=step, employee=person) for person in planned.candidates
        )
    label = "再申請しました" if voucher.round > 1 else "申請しました"
    _tell(voucher, Action.SUBMIT, label, by=by, comment=comment)
    return voucher


@transaction.atomic
def withdraw(voucher: Voucher, *, by: Employee, comment: str = "") -> Voucher:
    """取下げ: back to the applicant's side before the final approval."""
    voucher = locked_for(voucher, Action.WITHDRAW, by)
    _close_steps(voucher)
    _move(voucher, Action.WITHDRAW)
    _tell(voucher, Action.WITHDRAW, "取り下げました", by=by, comment=comment)
    return voucher


@transaction.atomic
def delete(voucher: Voucher, *, by: Employee, comment: str = "") -> Voucher:
    """削除: hide the slip. Nothing is erased and its number is never used again."""
    voucher = locked_for(voucher, Action.DELETE, by)
    _move(voucher, Action.DELETE)
    _tell(voucher, Action.DELETE, "削除しました", by=by, comment=comment)
    return voucher


@transaction.atomic
def deny(voucher: Voucher, *, by: Employee, comment: str, confirmed: bool = False) -> Voucher:
    """否認処理: take an approved slip out, for good, with a reason.

    Raises ``ToConfirm`` while goods are still to come, unless ``confirmed``.
    """
    return _take_out(
        voucher, Action.DENY, "否認しました", by=by, comment=comment, confirmed=confirmed
    )


@transaction.atomic
def exclude(voucher: Voucher, *, by: Employee, comment: str, confirmed: bool = False) -> Voucher:
    """対象外処理: take an approved slip out of accounting, for good, with a reason.

    Raises ``ToConfirm`` while goods are still to come, unless ``confirmed``.
    """
    return _take_out(
        voucher, Action.EXCLUDE, "対象外にしました", by=by, comment=comment, confirmed=confirmed
    )


def _take_out(
    voucher: Voucher, action: Action, label: str, *, by: Employee, comment: str, confirmed: bool
) -> Voucher:
    if not comment.strip():
        raise Invalid(f"{action.label}には理由を入力してください。")
    voucher = locked_for(voucher, action, by)
    if (
        voucher.is_request
        and voucher.settlements.exclude(status__in=["deleted", "denied"]).exists()
    ):
        raise Invalid(
            "この申請に紐づく経費精算があるため処理できません。先に精算を否認してください。"
        )
    _move(voucher, action)
    _tell(
        voucher,
        action,
        label,
        by=by,
        comment=comment,
        tone=VoucherEvent.Tone.WRONG,
        confirmed=confirmed,
    )
    return voucher


def _freeze(voucher: Voucher, lines: list[VoucherLine]) -> None:
    """Check the lines and copy the masters' data to them for the last time."""
    if not lines:
        raise Invalid("明細がありません。1 行以上入力してください。")
    breakdowns = (
        Breakdown.objects.filter(pk__in={line.breakdown_id for line in lines})
        .select_related("account", "tax_category")
        .prefetch_related("tax_category__rates")
        .in_bulk()
    )
    problems = []
    for line in lines:
        breakdown = breakdowns.get(line.breakdown_id)
        if breakdown is None:
            problems.append(f"{line.position} 行目の内訳を選んでください。")
            continue
        if not (breakdown.is_active and breakdown.use_expense):
            problems.append(f"{line.position} 行目の内訳「{breakdown.name}」は使えなくなりました。")
            continue
        fill_from_masters(line, breakdown)
        if line.tax_rate is None and line.origin == Origin.MANUAL:
            problems.append(
                f"{line.position} 行目: 内訳「{breakdown.name}」には "
                f"{line.date:%Y/%m/%d} に有効な税率がありません。"
            )
    if problems:
        raise Invalid(*problems)
    VoucherLine.objects.bulk_update(
        lines,
        [
            "breakdown_code",
            "breakdown_name",
            "account_code",
            "account_name",
            "tax_category_name",
            "tax_rate",
            "tax_amount",
        ],
    )
    voucher.department_name = voucher.department.name
    place = voucher.delivery_address
    voucher.delivery_copy = place.copy() if place else None
    voucher.total = sum(line.amount for line in lines)


def _move(voucher: Voucher, action: Action) -> None:
    target = RULES[action].target
    assert target is not None
    voucher.status = target
    voucher.version += 1
    voucher.save()


def _close_steps(voucher: Voucher) -> None:
    voucher.steps.filter(state__in=[ApprovalStep.State.CURRENT, ApprovalStep.State.WAITING]).update(
        state=ApprovalStep.State.CLOSED
    )


def _tell(
    voucher: Voucher,
    action: Action,
    label: str,
    *,
    by: Employee,
    comment: str,
    tone: str = VoucherEvent.Tone.PLAIN,
    **more: Any,
) -> None:
    behalf = (
        voucher.applicant if action in _APPLICANTS_ACTIONS and by != voucher.applicant else None
    )
    events.record(
        voucher, action, label, by=by, on_behalf_of=behalf, comment=comment.strip(), tone=tone
    )
    voucher_transition.send(sender=Voucher, voucher=voucher, action=action, by=by, **more)


_APPLICANTS_ACTIONS = frozenset({Action.SUBMIT, Action.WITHDRAW, Action.DELETE})
