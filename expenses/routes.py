"""Building the approval route of a slip from the 承認フロー, in a fixed number of queries."""

from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, Q

from expenses.models import (
    ApprovalCondition,
    ApprovalFlow,
    ApprovalPoint,
    FlowAssignment,
    Kind,
    Voucher,
)
from expenses.refusals import Invalid
from masters.models import Affiliation, Company, Department, Employee, Project
from masters.models.organisation import MAX_DEPARTMENT_DEPTH

Approver = ApprovalPoint.Approver


@dataclass(frozen=True)
class Case:
    """What a route depends on: a slip's own facts, or those somebody wants to try."""

    kind: str
    applicant: int
    department: int
    amount: int
    """Tax included, 円."""
    own: frozenset[int]
    """Employees who must not decide: the applicant and whoever wrote in the slip."""
    accounts: frozenset[int] = frozenset()
    burden_departments: tuple[int, ...] = ()
    projects: tuple[Project, ...] = ()


@dataclass(frozen=True)
class PlannedStep:
    """One box of the route before it is written: its name and who may decide it, and why."""

    name: str
    candidates: tuple[Employee, ...]
    why: str = ""
    problem: str = ""
    """Why nobody can decide it; empty when somebody can."""


@dataclass(frozen=True)
class Route:
    """The points a case has to pass, and the row of the flow that led to them."""

    flow: ApprovalFlow
    condition: ApprovalCondition | None
    """None: no row holds, the standard route applies."""
    steps: list[PlannedStep] = field(default_factory=list)


def plan_route(voucher: Voucher) -> list[PlannedStep]:
    """The points this slip has to pass, in order.

    Raises ``Invalid`` naming every point that nobody could decide: no flow, no candidate, a person
    who left, or only the applicant or who entered the slip, unless self-approval is allowed.
    """
    route = resolve(_case_of(voucher))
    problems = [step.problem for step in route.steps if step.problem]
    if problems:
        raise Invalid(*problems)
    return route.steps


def resolve(case: Case) -> Route:
    """The route of ``case`` by the masters as they are now; steps may carry problems.

    Raises ``Invalid`` when there is no flow for it or the route has no point at all.
    """
    flow = _flow_of(case)
    conditions = flow.conditions.order_by("position_no").prefetch_related("accounts")
    condition = next((row for row in conditions if _holds(row, case)), None)
    points = list(
        flow.points.filter(condition=condition)
        .select_related("employee", "position", "department")
        .prefetch_related("people")
    )
    own = frozenset() if Company.current().allow_self_approval else case.own
    people = _People(case, points)
    steps = [_without(own, step) for point in points for step in people.steps_of(point)]
    if not steps:
        raise Invalid(
            f"承認フロー「{flow.name}」には、この申請が通る承認ポイントがありません。"
            "システム管理者に連絡してください。"
        )
    return Route(flow, condition, steps)


def _case_of(voucher: Voucher) -> Case:
    lines = list(voucher.lines.select_related("breakdown", "project__approver"))
    burdens = {line.department_id for line in lines if line.department_id is not None}
    projects = {line.project.pk: line.project for line in lines if line.project is not None}
    return Case(
        kind=voucher.kind,
        applicant=voucher.applicant_id,
        department=voucher.department_id,
        amount=sum(line.amount for line in lines),
        own=frozenset(voucher.own_people()),
        accounts=frozenset(line.breakdown.account_id for line in lines if line.breakdown),
        burden_departments=tuple(sorted(burdens)),
        projects=tuple(projects[key] for key in sorted(projects)),
    )


def _flow_of(case: Case) -> ApprovalFlow:
    assigned = Exists(FlowAssignment.objects.filter(flow=OuterRef("pk"), employee=case.applicant))
    # A flow of the person's own comes before the default of the kind.
    found = (
        ApprovalFlow.objects.filter(Q(is_default=True) | assigned, kind=case.kind, is_active=True)
        .order_by(assigned.desc(), "pk")
        .first()
    )
    if found is None:
        raise Invalid(
            f"{Kind(case.kind).label}の承認フローが登録されていません。システム管理者に連絡してください。"
        )
    return found


def _holds(row: ApprovalCondition, case: Case) -> bool:
    if row.amount_from is not None and case.amount < row.amount_from:
        return False
    if row.amount_to is not None and case.amount > row.amount_to:
        return False
    named = {account.pk for account in row.accounts.all()}
    return not named or bool(named & case.accounts)


def _without(own: frozenset[int], step: PlannedStep) -> PlannedStep:
    if step.problem:
        return step
    others = tuple(person for person in step.candidates if person.pk not in own)
    problem = ""
    if not others and step.candidates:
        names = "、".join(person.name for person in step.candidates)
        problem = f"承認ポイント「{step.name}」の承認者が申請者本人だけです（{names}）。"
    elif not others:
        problem = f"承認ポイント「{step.name}」に承認できる人がいません（{step.why}）。"
    return PlannedStep(step.name, others, step.why, problem)


class _People:
    """Who stands behind the points of one route, read for all of them at once."""

    def __init__(self, case: Case, points: list[ApprovalPoint]) -> None:
        self._case = case
        self._departments = Department.objects.in_bulk()
        self._chain = self._chain_of(case.department)
        positions = [point.position_id for point in points if point.approver == Approver.POSITION]
        self._holders: dict[tuple[int, int | None], list[Employee]] = {}
        for holder in (
            Affiliation.objects.filter(
                department__in=self._chain, position__in=positions, employee__is_active=True
            )
            .select_related("employee")
            .order_by("employee__code")
        ):
            key = (holder.department_id, holder.position_id)
            self._holders.setdefault(key, []).append(holder.employee)
        wanted = [point.department_id for point in points if point.approver == Approver.DEPARTMENT]
        if any(point.approver == Approver.BURDEN for point in points):
            wanted += case.burden_departments
        self._members: dict[int, list[Employee]] = {}
        approvers = Employee.objects.with_right("approve_voucher")
        for member in (
            Affiliation.objects.filter(department__in=wanted, employee__in=approvers.values("pk"))
            .select_related("employee")
            .order_by("employee__code", "slot")
        ):
            known = self._members.setdefault(member.department_id, [])
            if member.employee not in known:
                known.append(member.employee)

    def _chain_of(self, department: int) -> list[int]:
        chain: list[int] = []
        node: int | None = department
        while node is not None and node not in chain and len(chain) < MAX_DEPARTMENT_DEPTH:
            chain.append(node)
            node = self._departments[node].parent_id
        return chain

    def steps_of(self, point: ApprovalPoint) -> list[PlannedStep]:
        """The boxes a point stands for: several when all of several must approve, or none."""
        match point.approver:
            case Approver.EMPLOYEE:
                return [_named(point, point.employee, "社員を指定")]
            case Approver.EVERYONE:
                named = sorted(point.people.all(), key=lambda person: person.code)
                steps = [_named(point, person, "指名した全員の承認が必要") for person in named]
                return steps or [PlannedStep(point.name, (), "指名された人がいません")]
            case Approver.POSITION:
                return [self._holder(point)]
            case Approver.PROJECT:
                return [_of_project(point, project) for project in self._case.projects]
            case Approver.BURDEN:
                burdens = self._case.burden_departments
                others = [pk for pk in burdens if pk != self._case.department]
                return [self._member(point, pk, "負担部門") for pk in others]
            case _:
                return [self._member(point, point.department_id, "部門")]

    def _member(self, point: ApprovalPoint, department: int | None, what: str) -> PlannedStep:
        if department is None:
            return PlannedStep(point.name, (), what)
        name = self._departments[department].name
        people = tuple(self._members.get(department, ()))
        return PlannedStep(point.name, people, f"{what}「{name}」で承認の権限を持つ誰か一人")

    def _holder(self, point: ApprovalPoint) -> PlannedStep:
        """Who holds the 役職 in the applicant's department, else in the nearest one above."""
        for pk in self._chain:
            found = self._holders.get((pk, point.position_id))
            if found:
                where = self._departments[pk].name
                return PlannedStep(point.name, tuple(found), f"「{where}」の{point.position}")
        start = self._departments[self._case.department].name
        return PlannedStep(point.name, (), f"「{start}」とその上位部門の{point.position}")


def _named(point: ApprovalPoint, person: Employee | None, why: str) -> PlannedStep:
    if person is not None and not person.is_active:
        left = person.get_employment_display()
        state = left if person.employment == Employee.Employment.RETIRED else "ログイン不可"
        problem = (
            f"承認ポイント「{point.name}」の {person.name} さんは{state}のため承認できません。"
        )
        return PlannedStep(point.name, (), why, problem)
    return PlannedStep(point.name, (person,) if person else (), why)


def _of_project(point: ApprovalPoint, project: Project) -> PlannedStep:
    return _named(point, project.approver, f"プロジェクト「{project.name}」の承認者")
