"""Whether everybody's slips find approvers, without writing one: for the set-up check."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from expenses.models import ApprovalFlow, FlowAssignment, Kind
from expenses.refusals import Invalid
from expenses.routes import Case, Route, resolve
from masters.models import Affiliation, Company, Employee


@dataclass(frozen=True)
class Obstacle:
    """Why slips of some people could not be submitted."""

    kinds: list[Kind]
    reason: str
    people: list[str]
    """Their names."""


def obstacles() -> list[Obstacle]:
    """Every reason by which an active employee could not submit a slip, with whom it concerns.

    People of one department and one flow share a route, so the effort grows with those, not with
    people. Each route of a flow is tried: the standard one and that of every row of conditions.
    """
    people: dict[tuple[Kind, str], set[str]] = defaultdict(set)
    names = dict(Employee.objects.active().values_list("pk", "name"))
    homes = _homes()
    # Who keeps the masters without belonging anywhere files no slips.
    keepers = set(Employee.objects.active().filter(is_staff=True).values_list("pk", flat=True))
    for pk, name in names.items():
        if pk not in homes and pk not in keepers:
            for kind in Kind:
                people[kind, "所属部門がありません。社員マスタで所属を登録してください。"].add(name)
    flows = {(one.employee_id, one.kind): one.flow_id for one in FlowAssignment.objects.all()}
    for kind in Kind:
        groups: dict[tuple[int, int | None], list[int]] = defaultdict(list)
        for pk, departments in homes.items():
            for department in departments:
                groups[department, flows.get((pk, kind))].append(pk)
        cases = _cases_by_flow(kind)
        for (department, flow), members in groups.items():
            # Nobody is left out of the candidates yet: that differs from person to person.
            for case in cases[flow]:
                whole = replace(case, applicant=members[0], department=department)
                for pk, reason in _reasons(whole, members):
                    people[kind, reason].add(names[pk])
    found: dict[tuple[str, tuple[str, ...]], list[Kind]] = defaultdict(list)
    for (kind, reason), concerned in people.items():
        found[reason, tuple(sorted(concerned))].append(kind)
    return [Obstacle(kinds, reason, list(names)) for (reason, names), kinds in found.items()]


def _homes() -> dict[int, list[int]]:
    homes: dict[int, list[int]] = defaultdict(list)
    for employee, department in Affiliation.objects.filter(
        employee__in=Employee.objects.active()
    ).values_list("employee", "department"):
        homes[employee].append(department)
    return homes


def _cases_by_flow(kind: Kind) -> dict[int | None, list[Case]]:
    """By assigned flow (None: the default): a case for the standard route and one for each row."""
    plain = Case(kind=kind, applicant=0, department=0, amount=1, own=frozenset())
    found: dict[int | None, list[Case]] = defaultdict(lambda: [plain])
    flows = ApprovalFlow.objects.filter(kind=kind, is_active=True)
    for flow in flows.prefetch_related("conditions__accounts"):
        cases = [plain]
        for row in flow.conditions.all():
            accounts = [account.pk for account in row.accounts.all()]
            amount = row.amount_from if row.amount_from is not None else row.amount_to or 1
            cases.append(replace(plain, amount=amount, accounts=frozenset(accounts[:1])))
        found[flow.pk] = cases
        if flow.is_default:
            found[None] = cases
    return found


def _reasons(case: Case, members: list[int]) -> Iterator[tuple[int, str]]:
    try:
        route = resolve(case)
    except Invalid as refused:
        yield from ((pk, " ".join(refused.problems)) for pk in members)
        return
    for problem in (step.problem for step in route.steps if step.problem):
        yield from ((pk, problem) for pk in members)
    if not Company.current().allow_self_approval:
        yield from _alone(route, members)


def _alone(route: Route, members: list[int]) -> Iterator[tuple[int, str]]:
    for step in route.steps:
        candidates = {person.pk for person in step.candidates}
        for pk in members:
            if candidates == {pk}:
                yield pk, f"承認ポイント「{step.name}」の承認者が本人だけです。"
