"""初期設定チェック: each trap of the option's set-up is found, named, and gone once mended."""

import datetime
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from shopping import connect
from world import World

from expenses.models import ApprovalPoint
from masters.models import (
    Affiliation,
    Breakdown,
    DeliveryAddress,
    Employee,
    Position,
    TaxCategory,
    TaxRate,
)
from punchout import setup_check
from punchout.models import CatalogConnection, CatalogRate, Exchange

pytestmark = pytest.mark.django_db

TODAY = datetime.date(2026, 4, 1)


@pytest.fixture
def world():
    """A company for which nothing is missing."""
    world = World()
    connection = connect(world)
    # The director's own slips need somebody above.
    top = Position.objects.create(code="P9", name="社長")
    Affiliation.objects.filter(employee=world.people["director"]).update(position=top)
    for person in ("manager_deputy",):
        Affiliation.objects.filter(employee=world.people[person]).update(
            position=Position.objects.get(code="P2")
        )
    Affiliation.objects.filter(employee=world.people["colleague"]).update(
        position=Position.objects.get(code="P1")
    )
    Affiliation.objects.filter(employee=world.people["reader"]).update(
        position=Position.objects.get(code="P2")
    )
    Exchange.objects.create(
        direction="out", message="PunchOutSetupRequest", connection=connection, accepted=True
    )
    ApprovalPoint.objects.filter(name="課長").update(
        approver="department", position=None, department=world.section
    )
    for name in ("manager", "colleague"):
        allow(world.people[name])
    return world


def allow(person: Employee) -> None:
    from django.contrib.auth.models import Permission

    person.user_permissions.add(Permission.objects.get(codename="approve_voucher"))


def open_rules() -> dict[str, str]:
    found: dict[str, str] = {}
    for one in setup_check.check(TODAY):
        if not one.holds:
            found[one.rule] = found.get(one.rule, "") + one.todo
    return found


def test_nothing_is_missing_in_a_company_that_is_set_up(world):
    assert open_rules() == {}


def test_one_category_with_three_periods_does_not_count(world):
    TaxRate.objects.all().delete()
    category = TaxCategory.objects.get(code="T10")
    for rate, start, end in ((0, 2019, 2020), (8, 2021, 2022), (10, 2023, None)):
        TaxRate.objects.create(
            category=category,
            rate=rate,
            valid_from=datetime.date(start, 1, 1),
            valid_to=datetime.date(end, 12, 31) if end else None,
        )
    missing = open_rules()
    assert "税区分 0%" in missing and "税区分 8%" in missing and "税区分 10%" not in missing
    assert "有効期間を分けて" in missing["税区分 8%"]


@pytest.mark.parametrize("method", ["excluded", "included"])
def test_outside_the_tax_and_zero_percent_both_count_as_zero(world, method):
    zero = TaxCategory.objects.get(code="T0")
    if method == "excluded":
        zero.rates.all().delete()
        TaxCategory.objects.filter(pk=zero.pk).update(method="excluded")
    assert "税区分 0%" not in open_rules()


def test_a_breakdown_without_the_expense_function_is_named(world):
    Breakdown.objects.filter(code="B8").update(use_expense=False)
    assert "消耗品 8%" in open_rules()["内訳 8%（機能「経費」）"]


def test_a_mapping_to_another_rate_is_named(world):
    CatalogRate.objects.filter(rate=8).update(breakdown=world.breakdowns["10"])
    assert "税率 8% の内訳" in " ".join(open_rules().values())


def test_a_missing_mapping_is_named(world):
    CatalogRate.objects.filter(rate=0).delete()
    assert "税率 0% の内訳が選ばれていません。" in " ".join(open_rules().values())


def test_without_a_delivery_address_it_says_so(world):
    DeliveryAddress.objects.update(is_active=False)
    assert "配送先" in open_rules()


def test_an_incomplete_connection_names_its_fields(world):
    CatalogConnection.objects.update(order_url="")
    assert "注文（PO Request）URL" in open_rules()["カタログ連携設定「みどり商店」の入力"]


def test_people_without_e_mail_are_counted_and_named(world):
    Employee.objects.filter(code="colleague").update(email="")
    finding = next(one for one in setup_check.check(TODAY) if one.rule == "社員の E-MAIL")
    assert not finding.holds and "1 人" in finding.todo
    assert finding.details == ["colleague colleague"]


def test_somebody_without_a_department_has_no_route(world):
    Affiliation.objects.filter(employee=world.people["reader"]).delete()
    assert "所属部門がありません" in " ".join(open_rules().values())


def test_the_only_candidate_of_a_point_is_told_for_their_own_slips(world):
    Affiliation.objects.filter(employee=world.people["reader"]).update(position=None)
    text = " ".join(open_rules().values())
    assert "承認ポイント「部長」の承認者が本人だけです" in text


def test_a_route_of_a_condition_row_is_tried_too(world):
    from expenses.models import ApprovalCondition, ApprovalFlow, Kind

    flow = ApprovalFlow.objects.get(kind=Kind.REQUEST)
    row = ApprovalCondition.objects.create(
        flow=flow, position_no=1, name="高額", amount_from=500_000
    )
    gone = world.people["entry_deputy"]
    ApprovalPoint.objects.create(
        flow=flow, condition=row, position_no=1, name="特別", approver="employee", employee=gone
    )
    assert "承認ポイント「特別」の承認者が本人だけです" in " ".join(open_rules().values())
    Employee.objects.filter(pk=gone.pk).update(employment="retired", is_active=False)
    assert "退職のため承認できません" in " ".join(open_rules().values())


def test_a_failed_connection_test_is_told_with_its_reason(world):
    connection = CatalogConnection.objects.get()
    Exchange.objects.create(
        direction="out",
        message="PunchOutSetupRequest",
        connection=connection,
        accepted=False,
        reason="401 Unauthorized",
    )
    assert "401 Unauthorized" in " ".join(open_rules().values())


def test_the_command_says_the_same_and_fails_while_something_is_open(world):
    out = StringIO()
    call_command("check_setup", stdout=out)
    assert "×" not in out.getvalue() and "すべて完了" in out.getvalue()
    DeliveryAddress.objects.update(is_active=False)
    out = StringIO()
    with pytest.raises(CommandError, match="1 項目が未完了"):
        call_command("check_setup", stdout=out)
    assert "× 配送先" in out.getvalue()


def test_the_page_shows_each_rule_and_where_to_mend_it(world):
    DeliveryAddress.objects.update(is_active=False)
    browser = Client()
    browser.force_login(world.person("admin", world.division, None, "change_catalogconnection"))
    page = browser.get("/punchout/setup/").content.decode()
    assert "未完了 1 件" in page
    assert "/admin/masters/deliveryaddress/" in page


def test_the_page_is_for_those_who_set_up(world):
    browser = Client()
    browser.force_login(world.people["applicant"])
    assert browser.get("/punchout/setup/").status_code == 403
    connection = CatalogConnection.objects.get()
    assert browser.post(f"/punchout/setup/{connection.pk}/try/").status_code == 403


def test_the_number_of_questions_does_not_grow_with_people(world, django_assert_max_num_queries):
    from django.db import connection as database
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(database) as few:
        setup_check.check(TODAY)
    for number in range(10):
        world.person(f"more{number}", world.section)
    with django_assert_max_num_queries(len(few)):
        setup_check.check(TODAY)
    assert Decimal(0) in setup_check.NEEDED_RATES
