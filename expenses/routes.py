"""Building the approval route of a slip from the 承認フロー."""

from dataclasses import dataclass

from expenses.models import ApprovalFlow, ApprovalPoint, Voucher
from expenses.refusals import Invalid
from masters.models import Affiliation, Company, Department, Employee


@dataclass(frozen=True)
class PlannedStep:
    """One box of the route before it is written: its name and who may decide it."""

    name: str
    candidates: tuple[Employee, ...]


def plan_route(voucher: Voucher) -> list[PlannedStep]:
    """The points this slip has to pass, in order.

    Raises ``Invalid`` naming every point that nobody could decide: no flow, no candidate, or only
    the applicant or the person who entered the slip (self-approval), unless that is allowed.
    """
    flow = ApprovalFlow.objects.filter(kind=voucher.kind, is_active=True).first()
    points = list(flow.points.select_related("employee", "position", "department")) if flow else []
    if not points:
        raise Invalid(
            f"{voucher.get_kind_display()}の承認フローが登録されていません。"
            "システム管理者に連絡してください。"
        )
    own = set()
    if not Company.current().allow_self_approval:
        own = voucher.own_people()
    steps, problems = [], []
    chain = voucher.department.chain()
    for point in points:
        found = _people(point, chain)
        others = tuple(person for person in found if person.pk not in own)
        if others:
            steps.append(PlannedStep(point.name, others))
        elif found:
            problems.append(f"承認ポイント「{point.name}」の承認者が申請者本人だけです。")
        else:
            problems.append(f"承認ポイント「{point.name}」に承認できる人がいません。")
    if problems:
        raise Invalid(*problems)
    return steps


def _people(point: ApprovalPoint, chain: list[Department]) -> list[Employee]:
    match point.approver:
        case ApprovalPoint.Approver.EMPLOYEE:
            return [point.employee] if point.employee and point.employee.is_active else []
        case ApprovalPoint.Approver.POSITION:
            return _nearest_holders(point, chain)
        case _:
            members = Employee.objects.active().filter(departments=point.department).distinct()
            return [person for person in members if person.has_perm("masters.approve_voucher")]


def _nearest_holders(point: ApprovalPoint, chain: list[Department]) -> list[Employee]:
    """Who holds the 役職 in the applicant's department, else in the nearest one above."""
    holders = Affiliation.objects.filter(
        department__in=chain, position=point.position, employee__is_active=True
    ).select_related("employee")
    by_department: dict[int, list[Employee]] = {}
    for holder in holders:
        by_department.setdefault(holder.department_id, []).append(holder.employee)
    for department in chain:
        if department.pk in by_department:
            return sorted(by_department[department.pk], key=lambda person: person.code)
    return []
