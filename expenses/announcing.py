"""Who is told when a slip moves: whom it waits for now, and the applicant's side of the outcome."""

from django.dispatch import receiver
from django.utils import timezone

from expenses import notices
from expenses.models import ApprovalStep, Notice, Voucher
from expenses.signals import voucher_transition
from expenses.transitions import Action
from masters.models import Employee

_OUTCOMES: dict[str, str] = {
    Action.RETURN: "差し戻されました",
    Action.FINAL_APPROVE: "最終承認されました",
    Action.DENY: "否認されました",
    Action.EXCLUDE: "対象外になりました",
}


@receiver(voucher_transition, sender=Voucher)
def announce(voucher: Voucher, action: Action, by: Employee, **_kwargs: object) -> None:
    """A request for approval is settled by whatever happens next, so it no longer counts as new."""
    Notice.objects.filter(voucher=voucher, kind=Notice.Kind.APPROVAL, read_at__isnull=True).update(
        read_at=timezone.now()
    )
    name = f"{voucher.number}「{voucher.title}」"
    if action in (Action.SUBMIT, Action.APPROVE):
        _ask(voucher, f"承認依頼: {name}（{voucher.applicant.name}）", by)
    elif action in _OUTCOMES:
        people = {voucher.applicant, voucher.entered_by} - {by}
        last = voucher.events.order_by("-pk").first()
        notices.tell(
            people,
            Notice.Kind.RESULT,
            f"{_OUTCOMES[action]}: {name}",
            body=last.comment if last else "",
            voucher=voucher,
        )


def _ask(voucher: Voucher, title: str, by: Employee) -> None:
    step = voucher.steps.filter(state=ApprovalStep.State.CURRENT).first()
    candidates = list(step.candidates.all()) if step else []
    # Who just approved and may decide this point too approves it along with theirs.
    if by not in candidates:
        notices.tell(candidates, Notice.Kind.APPROVAL, title, voucher=voucher)
