"""The route of a slip: which row of the flow holds, who stands at each point, and what is wrong."""

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from world import World

from expenses import approval, lifecycle
from expenses.models import (
    ApprovalCondition,
    ApprovalFlow,
    ApprovalPoint,
    ApprovalStep,
    FlowAssignment,
    Kind,
    Voucher,
)
from expenses.refusals import Invalid
from expenses.routes import plan_route
from expenses.transitions import Status
from masters.models import Account, Breakdown, Department, Project, TaxCategory

pytestmark = pytest.mark.django_db
MAX_QUERIES = 12


@pytest.fixture
def world():
    return World()


def own_flow(world) -> ApprovalFlow:
    """An empty flow assigned to the applicant."""
    flow = ApprovalFlow.objects.create(kind=Kind.REQUEST, name="専用", is_default=False)
    assignment = FlowAssignment(employee=world.people["applicant"], flow=flow)
    assignment.full_clean()
    assignment.save()
    return flow


def point(flow, name, approver="employee", **fields) -> ApprovalPoint:
    number = flow.points.count() + 1
    return ApprovalPoint.objects.create(
        flow=flow, position_no=number, name=name, approver=approver, **fields
    )


def row(flow, name, *accounts, **fields) -> ApprovalCondition:
    number = flow.conditions.count() + 1
    found = ApprovalCondition.objects.create(flow=flow, position_no=number, name=name, **fields)
    found.accounts.set(accounts)
    return found


def names(voucher) -> list[tuple[str, list[str]]]:
    return [
        (step.name, [person.name for person in step.candidates]) for step in plan_route(voucher)
    ]


def refusal(voucher) -> str:
    with pytest.raises(Invalid) as refused:
        plan_route(voucher)
    return " ".join(refused.value.problems)


def test_the_first_condition_row_that_holds_decides_else_the_standard_route(world):
    flow = own_flow(world)
    people = world.people
    books = Account.objects.create(code="7999", name="新聞図書費")
    book = Breakdown.objects.create(
        code="BK", name="書籍", account=books, tax_category=TaxCategory.objects.get(code="T10")
    )
    point(flow, "標準", employee=people["manager"])
    dear_books = row(flow, "高い本", books, amount_from=10_000)
    dear = row(flow, "高額", amount_from=10_000, amount_to=99_999)
    any_book = row(flow, "本", books)
    for condition in (dear_books, dear, any_book):
        point(flow, condition.name, condition=condition, employee=people["director"])

    def decided(amount, breakdown):
        slip = world.draft(world.line(amount=amount, breakdown=breakdown))
        return plan_route(slip)[0].name

    pens = world.breakdowns["10"]
    assert decided(9_999, pens) == "標準"
    assert decided(10_000, pens) == "高額"
    assert decided(99_999, pens) == "高額"
    assert decided(100_000, pens) == "標準"
    assert decided(10_000, book) == "高い本"
    assert decided(9_999, book) == "本"


def test_an_assigned_flow_comes_before_the_default_and_only_for_its_kind(world):
    point(own_flow(world), "専用", employee=world.people["director"])
    assert names(world.draft()) == [("専用", ["director"])]
    settlement = world.draft(kind=Kind.SETTLEMENT)
    assert [name for name, _ in names(settlement)] == ["課長", "部長"]


def test_a_deactivated_assigned_flow_leaves_the_default(world):
    flow = own_flow(world)
    point(flow, "専用", employee=world.people["director"])
    ApprovalFlow.objects.filter(pk=flow.pk).update(is_active=False)
    assert [name for name, _ in names(world.draft())] == ["課長", "部長"]


def test_an_employee_has_one_flow_per_kind(world):
    flow = own_flow(world)
    with pytest.raises(IntegrityError), transaction.atomic():
        FlowAssignment.objects.create(
            employee=world.people["applicant"], kind=Kind.REQUEST, flow=flow
        )


def test_a_department_point_takes_any_member_who_holds_the_right(world):
    desk = Department.objects.create(code="D2", name="経理課")
    world.person("first", desk, None, "approve_voucher")
    world.person("second", desk, None, "approve_voucher")
    world.person("without_right", desk)
    point(own_flow(world), "経理", "department", department=desk)
    assert names(world.draft()) == [("経理", ["first", "second"])]


def test_the_burden_department_approves_unless_it_is_the_applicants_own(world):
    other = Department.objects.create(code="D3", name="開発部")
    world.person("payer", other, None, "approve_voucher")
    flow = own_flow(world)
    point(flow, "上長", employee=world.people["manager"])
    point(flow, "負担", "burden")
    lines = [world.line(department=other), world.line(department=world.section), world.line()]
    assert names(world.draft(*lines)) == [("上長", ["manager"]), ("負担", ["payer"])]
    assert names(world.draft(*lines[1:])) == [("上長", ["manager"])]


def test_the_approver_of_each_project_approves_and_one_without_is_named(world):
    flow = own_flow(world)
    point(flow, "上長", employee=world.people["manager"])
    point(flow, "PJ", "project")
    led = Project.objects.create(code="J1", name="新工場", approver=world.people["director"])
    alone = Project.objects.create(code="J2", name="展示会")
    assert names(world.draft(world.line(project=led)))[1] == ("PJ", ["director"])
    assert names(world.draft()) == [("上長", ["manager"])]
    assert "展示会" in refusal(world.draft(world.line(project=alone)))


def test_everybody_named_at_an_all_of_point_has_to_approve(world):
    named = point(own_flow(world), "役員", "everyone")
    named.people.set([world.people["manager"], world.people["director"]])
    voucher = lifecycle.submit(world.draft(), by=world.people["applicant"])
    voucher = approval.approve(voucher, by=world.people["director"])
    assert voucher.status == Status.SUBMITTED
    assert approval.approve(voucher, by=world.people["manager"]).status == Status.APPROVED


def test_the_same_person_at_consecutive_points_approves_once(world):
    flow = own_flow(world)
    for name, person in (("一", "manager"), ("二", "manager"), ("三", "director")):
        point(flow, name, employee=world.people[person])
    voucher = lifecycle.submit(world.draft(), by=world.people["applicant"])
    approval.approve(voucher, by=world.people["manager"])
    states = list(voucher.steps.values_list("name", "state"))
    assert states == [
        ("一", ApprovalStep.State.APPROVED),
        ("二", ApprovalStep.State.APPROVED),
        ("三", ApprovalStep.State.CURRENT),
    ]


def test_a_retired_approver_is_named_when_the_slip_is_submitted(world):
    gone = world.people["director"]
    gone.employment, gone.is_active = "retired", False
    gone.save()
    point(own_flow(world), "部長承認", employee=gone)
    with pytest.raises(Invalid, match=r"部長承認.*director.*退職"):
        lifecycle.submit(world.draft(), by=world.people["applicant"])


def test_every_point_nobody_can_decide_is_named(world):
    flow = own_flow(world)
    desk = Department.objects.create(code="D4", name="空の課")
    point(flow, "本人", employee=world.people["applicant"])
    point(flow, "空", "department", department=desk)
    point(flow, "指名なし", "everyone")
    said = refusal(world.draft())
    assert "「本人」" in said
    assert "applicant" in said
    assert "空の課" in said
    assert "「指名なし」" in said


def test_a_route_without_any_point_is_refused(world):
    own_flow(world)
    assert "専用" in refusal(world.draft())


@pytest.mark.parametrize("number", [1, 50])
def test_a_route_takes_the_same_few_queries_however_many_flows_and_departments(world, number):
    flow = own_flow(world)
    right = Permission.objects.get(codename="approve_voucher")
    world.people["director"].user_permissions.add(right)
    condition = row(flow, "常に", amount_from=0)
    for _ in range(number):
        point(flow, "部門", "department", condition=condition, department=world.division)
    everyone = point(flow, "全員", "everyone", condition=condition)
    everyone.people.set([world.people["manager"]])
    above = world.division
    for index in range(number):
        ApprovalFlow.objects.create(kind=Kind.REQUEST, name=f"F{index}", is_default=False)
        row(flow, f"行{index}")
        parent = above if index < 7 else world.division
        above = Department.objects.create(code=f"X{index}", name=f"部{index}", parent=parent)
    voucher = Voucher.objects.get(pk=world.draft().pk)
    with CaptureQueriesContext(connection) as queries:
        assert len(plan_route(voucher)) == number + 1
    assert len(queries) <= MAX_QUERIES
