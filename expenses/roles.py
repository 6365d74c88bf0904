"""What a person is to a slip. The transition table says what each role may do."""

import datetime

from django.utils import timezone

from expenses.models import ApprovalStep, Voucher
from expenses.transitions import Action, Role, Status, allowed
from masters.models import Company, Deputy, Employee


def roles_of(person: Employee, voucher: Voucher) -> frozenset[Role]:
    """All roles ``person`` has towards ``voucher`` today."""
    today = timezone.localdate()
    roles = set()
    if voucher.applicant_id == person.pk:
        roles.add(Role.APPLICANT)
    powers = set(
        Deputy.objects.on(today)
        .filter(deputy=person, principal=voucher.applicant_id)
        .values_list("power", flat=True)
    )
    if Deputy.Power.FULL in powers:
        roles.add(Role.FULL_DEPUTY)
    if Deputy.Power.ENTRY in powers:
        roles.add(Role.ENTRY_DEPUTY)
    if voucher.status == Status.SUBMITTED and may_decide(person, voucher, today):
        roles.add(Role.CANDIDATE)
    for permission, role in (
        ("expenses.amend_waiting_voucher", Role.AMENDS_WAITING),
        ("expenses.amend_approved_voucher", Role.AMENDS_APPROVED),
        ("expenses.deny_voucher", Role.DENIES),
    ):
        if person.has_perm(permission):
            roles.add(role)
    return frozenset(roles)


def may_decide(person: Employee, voucher: Voucher, on: datetime.date) -> bool:
    """Whether the person is a candidate of the current point, or deputises for one.

    Never the applicant nor who entered the slip, unless the company allows self-approval.
    """
    if person.pk in voucher.own_people() and not Company.current().allow_self_approval:
        return False
    return candidate_for(person, voucher, on) is not None


def candidate_for(person: Employee, voucher: Voucher, on: datetime.date) -> Employee | None:
    """The candidate as whom ``person`` may decide the current point: themselves first."""
    step = voucher.steps.filter(state=ApprovalStep.State.CURRENT).first()
    if step is None:
        return None
    candidates = {candidate.pk: candidate for candidate in step.candidates.all()}
    if person.pk in candidates:
        return candidates[person.pk]
    deputised = Deputy.objects.on(on).filter(
        deputy=person, power=Deputy.Power.APPROVAL, principal__in=list(candidates)
    )
    # Deputising must not be a way around the ban on deciding one's own slip.
    for principal in deputised.order_by("principal").values_list("principal", flat=True):
        if principal not in voucher.own_people():
            return candidates[principal]
    return None


def possible_actions(person: Employee, voucher: Voucher) -> frozenset[Action]:
    """The actions the page offers this person; 承認 stands for 最終承認 too."""
    roles = roles_of(person, voucher)
    return frozenset(
        action
        for action in Action
        if action is not Action.FINAL_APPROVE and allowed(action, voucher.status, roles)
    )
