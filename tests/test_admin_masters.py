"""Masters in the admin: people, rows in use, dated rates and their history."""

import admin_access
import factories
import pytest
from admin_access import employee_form, url

from expenses.models import VoucherEvent
from masters.models import Deputy, Employee

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator():
    return admin_access.administrator()


@pytest.fixture
def as_admin(client, administrator):
    client.force_login(administrator)
    return client


# Employees ----------------------------------------------------------------------------------------


def test_a_new_employee_with_password_and_department(as_admin):
    department = factories.DepartmentFactory()
    response = as_admin.post(
        url(Employee, "add"),
        employee_form(
            email="New.Person@Example.JP",
            usable_password="true",
            password1="Natsu-no-umi-2026",
            password2="Natsu-no-umi-2026",
            **{
                "affiliations-TOTAL_FORMS": "3",
                "affiliations-0-slot": "1",
                "affiliations-0-department": department.pk,
                "affiliations-1-slot": "2",
                "affiliations-2-slot": "3",
            },
        ),
    )
    assert response.status_code == 302, response.context["errors"]
    employee = Employee.objects.get(code="5001")
    assert employee.email == "new.person@example.jp"
    assert employee.check_password("Natsu-no-umi-2026")
    assert [a.department for a in employee.affiliations.all()] == [department]


def test_an_email_in_use_is_refused_at_its_field_whatever_its_case(as_admin):
    holder = factories.EmployeeFactory(email="taken@example.jp")
    employee = factories.EmployeeFactory()
    response = as_admin.post(
        url(Employee, "change", employee.pk), employee_form(employee, email="TAKEN@example.jp")
    )
    errors = response.context["adminform"].form.errors
    assert list(errors) == ["email"]
    assert holder.code in errors["email"][0]


def test_several_people_without_email(as_admin):
    factories.EmployeeFactory(email="")
    employee = factories.EmployeeFactory()
    data = employee_form(employee, email="")
    assert as_admin.post(url(Employee, "change", employee.pk), data).status_code == 302


def test_a_retired_person_who_could_log_in_is_refused_at_the_field(as_admin):
    employee = factories.EmployeeFactory()
    data = employee_form(employee, employment="retired")
    response = as_admin.post(url(Employee, "change", employee.pk), data)
    assert list(response.context["adminform"].form.errors) == ["is_active"]
    del data["is_active"]
    assert as_admin.post(url(Employee, "change", employee.pk), data).status_code == 302


def test_saving_an_employee_keeps_the_password(as_admin):
    employee = factories.EmployeeFactory()
    employee.set_password("kept-password")
    employee.save()
    as_admin.post(url(Employee, "change", employee.pk), employee_form(employee, name="改名"))
    employee.refresh_from_db()
    assert employee.name == "改名"
    assert employee.check_password("kept-password")


# Masters in use -----------------------------------------------------------------------------------


def test_a_used_master_cannot_be_deleted_and_says_what_to_do(as_admin):
    breakdown = factories.BreakdownFactory()
    account = breakdown.account
    page = as_admin.get(url(type(account), "change", account.pk)).content.decode()
    assert "削除できません" in page
    assert url(type(account), "delete", account.pk) not in page
    answer = as_admin.post(url(type(account), "delete", account.pk), {"post": "yes"})
    assert answer.status_code == 403
    assert type(account).objects.filter(pk=account.pk).exists()


def test_an_unused_master_can_be_deleted(as_admin):
    account = factories.AccountFactory()
    answer = as_admin.post(url(type(account), "delete", account.pk), {"post": "yes"})
    assert answer.status_code == 302
    assert not type(account).objects.exists()


def test_a_person_named_only_in_a_slips_history_is_in_use(as_admin):
    person = factories.EmployeeFactory()
    VoucherEvent.objects.create(
        voucher=factories.VoucherFactory(), action="approve", label="承認", by=person
    )
    answer = as_admin.post(url(Employee, "delete", person.pk), {"post": "yes"})
    assert answer.status_code == 403


def test_a_deputy_of_somebody_is_in_use_and_ones_own_deputies_are_not_a_use(as_admin):
    principal, deputy = factories.EmployeeFactory.create_batch(2)
    Deputy.objects.create(principal=principal, deputy=deputy, power=Deputy.Power.ENTRY)
    assert as_admin.post(url(Employee, "delete", deputy.pk), {"post": "yes"}).status_code == 403
    assert as_admin.post(url(Employee, "delete", principal.pk), {"post": "yes"}).status_code == 302


def test_code_of_a_used_account_is_fixed(as_admin):
    account = factories.BreakdownFactory(account__code="7110").account
    data = {"code": "9999", "name": "改名", "sort_order": "1", "is_active": "on"}
    as_admin.post(url(type(account), "change", account.pk), data)
    account.refresh_from_db()
    assert (account.code, account.name) == ("7110", "改名")


def test_numbers_of_an_address_may_be_typed_in_full_width(as_admin):
    address = factories.DeliveryAddressFactory()
    data = {
        "code": "A1",
        "name": "本社",
        "sort_order": "1",
        "is_active": "on",
        "postal_code": "１０００００５",
        "prefecture": "東京都",
        "city": "千代田区",
        "street": "丸の内1-9-1",
        "company": "株式会社あおば製作所",
        "phone": "０３ー１２３４−５６７８",
    }
    response = as_admin.post(url(type(address), "change", address.pk), data)
    assert response.status_code == 302, response.context["errors"]
    address.refresh_from_db()
    assert (address.postal_code, address.phone) == ("100-0005", "03-1234-5678")


# Dated rates --------------------------------------------------------------------------------------


def rates_form(category, *rows):
    data = {
        "code": category.code,
        "name": category.name,
        "sort_order": "1",
        "is_active": "on",
        "method": "included",
        "rounding": "down",
        "rates-TOTAL_FORMS": str(len(rows)),
        "rates-INITIAL_FORMS": str(sum(1 for row in rows if row[0])),
    }
    for number, (pk, rate, start, end) in enumerate(rows):
        prefix = f"rates-{number}-"
        data |= {
            f"{prefix}id": pk or "",
            f"{prefix}category": category.pk,
            f"{prefix}rate": rate,
            f"{prefix}valid_from": start,
            f"{prefix}valid_to": end,
        }
    return data


def test_a_rate_ends_and_the_next_begins_in_one_edit(as_admin):
    rate = factories.TaxRateFactory()
    category = rate.category
    data = rates_form(
        category, (rate.pk, "10", "2019-10-01", "2027-03-31"), (None, "12", "2027-04-01", "")
    )
    response = as_admin.post(url(type(category), "change", category.pk), data)
    assert response.status_code == 302, response.context["errors"]
    assert category.rates.count() == 2


@pytest.mark.parametrize(
    ("first_end", "second_start"), [("", "2027-04-01"), ("2027-04-01", "2027-04-01")]
)
def test_periods_that_overlap_are_refused_at_the_field(as_admin, first_end, second_start):
    category = factories.TaxCategoryFactory()
    data = rates_form(
        category, (None, "10", "2019-10-01", first_end), (None, "12", second_start, "")
    )
    response = as_admin.post(url(type(category), "change", category.pk), data)
    assert response.status_code == 200
    assert "ひとつ前の有効期間と重なっています。" in response.content.decode()
    assert not category.rates.exists()


def test_a_period_that_ends_before_it_begins_is_refused(as_admin):
    category = factories.TaxCategoryFactory()
    data = rates_form(category, (None, "10", "2027-04-01", "2027-03-31"))
    response = as_admin.post(url(type(category), "change", category.pk), data)
    assert "有効期間の終了は開始以降にしてください。" in response.content.decode()


def test_history_shows_who_changed_what_from_what_to_what(as_admin, administrator):
    account = factories.AccountFactory(name="消耗品費")
    for new_name in ("事務用品費", "図書費"):
        data = {"code": account.code, "name": new_name, "sort_order": "100", "is_active": "on"}
        as_admin.post(url(type(account), "change", account.pk), data)
    changes = as_admin.get(url(type(account), "history", account.pk)).context["field_changes"]
    assert [(c.who, c.fields[0].name, c.fields[0].before, c.fields[0].after) for c in changes] == [
        (str(administrator), "名称", "事務用品費", "図書費"),
        (str(administrator), "名称", "消耗品費", "事務用品費"),
    ]


def test_history_of_a_master_includes_the_rows_that_belong_to_it(as_admin):
    rate = factories.TaxRateFactory()
    category = rate.category
    data = rates_form(category, (rate.pk, "10", "2019-10-01", "2027-03-31"))
    as_admin.post(url(type(category), "change", category.pk), data)
    changes = as_admin.get(url(type(category), "history", category.pk)).context["field_changes"]
    ends = [f for change in changes for f in change.fields if f.name == "有効期間（終了）"]
    assert [(field.before, field.after) for field in ends] == [("（空）", "2027/03/31")]
