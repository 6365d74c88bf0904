"""Reading a slip, and deciding about it."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from expenses import approval, lifecycle
from expenses.editing import totals
from expenses.models import ApprovalStep, Voucher
from expenses.refusals import Invalid
from expenses.roles import possible_actions
from expenses.signals import Blocked, ToConfirm
from expenses.transitions import Action
from masters.requests import SignedIn

MAX_KEY_DIGITS = 18
"""No primary key is longer; a longer one would not even be a number to the database."""


@login_required
@require_GET
def detail(request: SignedIn, number: str) -> HttpResponse:
    """One slip: header, lines, route, history."""
    return _page(request, _slip(request, number))


@login_required
@require_POST
def act(request: SignedIn, number: str, action: str) -> HttpResponse:
    """Do one action of the transition table to a slip."""
    voucher = _slip(request, number)
    verb = _VERBS.get(action)
    if verb is None:
        raise Http404
    try:
        verb(request, voucher)
    except Invalid as refused:
        return _page(request, voucher, problems=refused.problems, status=400)
    except ToConfirm as question:
        return _page(request, voucher, question=question.reason, status=409)
    except Blocked as refused:
        problems = [text for text in (refused.reason, refused.what_to_do) if text]
        comment = _comment(request) or refused.return_comment
        return _page(request, voucher, problems=problems, comment=comment, status=400)
    messages.success(request, f"{voucher.number}「{voucher.title}」を{_DONE[action]}。")
    if action == Action.DELETE:
        return redirect("expenses:list")
    return redirect("expenses:detail", voucher.number)


def _slip(request: SignedIn, number: str) -> Voucher:
    slips = Voucher.objects.visible_to(request.user).select_related(
        "applicant", "entered_by", "delivery_address", "request"
    )
    return get_object_or_404(slips, number=number)


def _comment(request: SignedIn) -> str:
    # PostgreSQL has no text with NUL.
    return request.POST.get("comment", "").replace("\x00", "").strip()[:1000]


def _step(request: SignedIn) -> int | None:
    value = request.POST.get("step", "")
    return int(value) if value.isdecimal() and len(value) <= MAX_KEY_DIGITS else None


def _approve(request: SignedIn, voucher: Voucher) -> None:
    approval.approve(voucher, by=request.user, comment=_comment(request), step_id=_step(request))


def _return(request: SignedIn, voucher: Voucher) -> None:
    approval.return_to_applicant(
        voucher, by=request.user, comment=_comment(request), step_id=_step(request)
    )


def _by_lifecycle(verb: Callable) -> Callable[[SignedIn, Voucher], None]:
    def run(request: SignedIn, voucher: Voucher) -> None:
        verb(voucher, by=request.user, comment=_comment(request))

    return run


def _taking_out(verb: Callable) -> Callable[[SignedIn, Voucher], None]:
    def run(request: SignedIn, voucher: Voucher) -> None:
        confirmed = request.POST.get("confirmed") == "yes"
        verb(voucher, by=request.user, comment=_comment(request), confirmed=confirmed)

    return run


_DONE: dict[str, str] = {
    Action.SUBMIT: "申請しました",
    Action.WITHDRAW: "取り下げました",
    Action.DELETE: "削除しました",
    Action.APPROVE: "承認しました",
    Action.RETURN: "差し戻しました",
    Action.DENY: "否認しました",
    Action.EXCLUDE: "対象外にしました",
}

_VERBS: dict[str, Callable[[SignedIn, Voucher], None]] = {
    Action.SUBMIT: _by_lifecycle(lifecycle.submit),
    Action.WITHDRAW: _by_lifecycle(lifecycle.withdraw),
    Action.DELETE: _by_lifecycle(lifecycle.delete),
    Action.APPROVE: _approve,
    Action.RETURN: _return,
    Action.DENY: _taking_out(lifecycle.deny),
    Action.EXCLUDE: _taking_out(lifecycle.exclude),
}


def _page(
    request: SignedIn,
    voucher: Voucher,
    *,
    problems: list[str] | None = None,
    question: str = "",
    comment: str | None = None,
    status: int = 200,
) -> HttpResponse:
    steps = list(
        voucher.steps.filter(round=voucher.round)
        .select_related("decided_by", "on_behalf_of")
        .prefetch_related("candidates")
    )
    lines = list(
        voucher.lines.select_related("department", "project", "payment_method").order_by("position")
    )
    current = next((step for step in steps if step.state == ApprovalStep.State.CURRENT), None)
    later = steps[steps.index(current) + 1 :] if current else []
    context = {
        "voucher": voucher,
        "lines": lines,
        "totals": totals(lines),
        "route": [_box(step) for step in steps],
        "events": [
            _event(event)
            for event in voucher.events.select_related("by", "on_behalf_of").order_by("-at", "-pk")
        ],
        "actions": {action.value for action in possible_actions(request.user, voucher)},
        "current_step": current,
        # 承認 goes on through points that the same person may decide.
        "is_last_step": current is not None
        and all(request.user in step.candidates.all() for step in later),
        "problems": problems or [],
        "question": question,
        "comment": request.POST.get("comment", "") if comment is None else comment,
        "settlements": _settlements(request, voucher),
    }
    return render(request, "expenses/detail.html", context, status=status)


def _settlements(request: SignedIn, voucher: Voucher) -> list[Voucher]:
    # Only what was approved can be settled.
    if not (voucher.is_request and voucher.approved_at):
        return []
    return list(voucher.settlements.visible_to(request.user).order_by("pk"))


def _box(step: ApprovalStep) -> dict:
    if step.decided_by:
        people = step.decided_by.name
        if step.on_behalf_of:
            people += f"（{step.on_behalf_of.name} の代理）"
    else:
        people = "、".join(person.name for person in step.candidates.all())
    return {
        "name": step.name,
        "people": people,
        "state": step.state,
        "state_label": step.get_state_display(),
        "time": step.decided_at,
        "comment": step.comment,
    }


def _event(event) -> dict:
    who = event.by.name if event.by else "システム"
    if event.on_behalf_of:
        who += f"（{event.on_behalf_of.name} の代理）"
    return {
        "title": event.label,
        "who": who,
        "when": event.at,
        "tone": event.tone,
        "comment": event.comment,
        "changes": event.changes,
    }
