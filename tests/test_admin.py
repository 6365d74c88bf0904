"""The admin: every page of it, who may open which, and that no secret ever comes out."""

import factories
import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from expenses.models import Voucher
from masters.admin.base import RecordAdmin
from masters.models import Company, Employee
from punchout.models import CatalogConnection

pytestmark = pytest.mark.django_db

SECRETS = {
    "shared_secret": "shared-s3cret",
    "inbound_password": "inbound-s3cret",
    "history_client_secret": "client-s3cret",
    "history_refresh_token": "refresh-s3cret",
}
MODELS = sorted(
    (
        model
        for model, model_admin in admin.site._registry.items()
        if hasattr(model_admin, "section")
    ),
    key=lambda model: model._meta.label,
)
MASTERS = [m for m in MODELS if not isinstance(admin.site._registry[m], RecordAdmin)]
RECORDS = [m for m in MODELS if isinstance(admin.site._registry[m], RecordAdmin)]


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def name(model):
    return model._meta.label


@pytest.fixture
def administrator():
    return factories.EmployeeFactory(name="管理 太郎", is_staff=True, is_superuser=True)


@pytest.fixture
def as_admin(client, administrator):
    client.force_login(administrator)
    return client


@pytest.fixture
def connection():
    connection = factories.ConnectionFactory(**SECRETS, inbound_user="amazon")
    factories.CatalogRateFactory(connection=connection)
    return connection


@pytest.fixture
def rows(connection):
    """One row at least of every model that the admin knows, with rows that belong to it."""
    Company.objects.create(pk=1, name="株式会社あおば製作所")
    Group.objects.create(name="一般社員")
    factories.ProjectFactory()
    factories.SubAccountFactory()
    factories.TaxRateFactory()
    factories.DeliveryAddressFactory()
    factories.ApprovalPointFactory()
    person = factories.AffiliationFactory(position=factories.PositionFactory()).employee
    person.password = "pbkdf2_sha256$1000000$stored-s3cret-salt$stored-s3cret-hash="
    person.save()
    slip = factories.VoucherFactory(applicant=person)
    order = factories.PurchaseOrderFactory(voucher=slip, connection=connection)
    factories.OrderAttemptFactory(order=order)
    factories.LedgerEntryFactory(order_line=factories.OrderLineFactory(order=order))
    factories.CatalogItemFactory(cart__session__connection=connection, cart__session__voucher=slip)
    factories.ExchangeFactory(connection=connection, voucher=slip)
    record = factories.PurchaseRecordFactory(connection=connection, order=order)
    factories.SourceRowFactory(record=record, history_import__connection=connection)
    factories.PurchasePortionFactory(record=record, line__voucher=slip)


def assert_tells_no_secret(response):
    text = response.content.decode()
    for secret in (
        *SECRETS.values(),
        "stored-s3cret",
        "secret-cookie",
        "secret-start",
    ):
        assert secret not in text


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_list_and_row_of_every_model(as_admin, rows, model):
    listed = as_admin.get(url(model, "changelist"), follow=True)
    assert listed.status_code == 200
    assert str(model._meta.verbose_name_plural) in listed.content.decode()
    assert_tells_no_secret(listed)
    row = model._base_manager.order_by("pk").last()
    shown = as_admin.get(url(model, "change", row.pk))
    assert shown.status_code == 200
    assert_tells_no_secret(shown)
    history = as_admin.get(url(model, "history", row.pk))
    assert history.status_code == 200
    assert_tells_no_secret(history)


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_searching_any_list(as_admin, rows, model):
    # Company has but one row and no list to search.
    response = as_admin.get(url(model, "changelist"), {"q": "あ"}, follow=True)
    assert response.status_code == 200
    assert "e=1" not in response.request["QUERY_STRING"]


@pytest.mark.parametrize("model", MASTERS, ids=name)
def test_form_for_a_new_master(as_admin, model):
    assert as_admin.get(url(model, "add")).status_code == 200


@pytest.mark.parametrize("model", RECORDS, ids=name)
def test_records_are_only_shown(as_admin, rows, model):
    row = model._base_manager.first()
    assert as_admin.get(url(model, "add")).status_code == 403
    assert as_admin.post(url(model, "add"), {}).status_code == 403
    assert as_admin.post(url(model, "change", row.pk), {}).status_code == 403
    assert as_admin.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    page = as_admin.get(url(model, "change", row.pk)).content.decode()
    assert 'name="_save"' not in page


@pytest.mark.parametrize("model", [*RECORDS, Employee], ids=name)
def test_a_list_asks_the_database_no_more_for_more_rows(as_admin, rows, model):
    def ask():
        with CaptureQueriesContext(database) as asked:
            assert as_admin.get(url(model, "changelist")).status_code == 200
        return len(asked)

    ask()
    few = ask()
    for _ in range(3):
        slip = factories.VoucherFactory()
        order = factories.PurchaseOrderFactory(voucher=slip)
        factories.CatalogItemFactory(cart__session__voucher=slip)
        factories.ExchangeFactory(voucher=slip)
        factories.SupplierDocumentFactory(order=order)
        record = factories.PurchaseRecordFactory(order=order)
        factories.SourceRowFactory(record=record)
        factories.AffiliationFactory(employee=slip.applicant)
    assert ask() == few


def test_index_has_the_sections_in_order_and_nothing_else(as_admin):
    page = as_admin.get(reverse("admin:index"))
    assert [app["name"] for app in page.context["app_list"]] == [
        "会社・社員情報",
        "会計情報・内訳",
        "承認フロー",
        "カタログ連携",
        "伝票と発注（閲覧のみ）",
        "通信と購入履歴（閲覧のみ）",
    ]
    listed = [model["model"] for app in page.context["app_list"] for model in app["models"]]
    assert sorted(listed, key=name) == MODELS


def test_message_bodies_are_escaped(as_admin, rows):
    exchange = factories.ExchangeFactory()
    page = as_admin.get(url(type(exchange), "change", exchange.pk)).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page


# Who may open what --------------------------------------------------------------------------------

PAGES = [
    ("stranger", "admin:index", 302),
    ("employee", "admin:index", 403),
    ("employee", "admin:masters_employee_changelist", 403),
    ("staff", "admin:index", 200),
    ("staff", "admin:masters_employee_changelist", 403),
    ("staff", "admin:punchout_catalogconnection_changelist", 403),
    ("staff", "admin:expenses_voucher_changelist", 403),
    ("keeper", "admin:masters_employee_changelist", 200),
    ("keeper", "admin:masters_employee_add", 200),
    ("keeper", "admin:punchout_catalogconnection_changelist", 200),
    ("keeper", "admin:punchout_catalogconnection_add", 200),
    ("keeper", "admin:expenses_voucher_changelist", 403),
    ("reader", "admin:punchout_catalogconnection_changelist", 200),
    ("reader", "admin:punchout_catalogconnection_add", 403),
    ("reader", "admin:expenses_voucher_changelist", 200),
]
RIGHTS = {
    "employee": [],
    "staff": [],
    "keeper": [
        "view_employee",
        "add_employee",
        "change_employee",
        "view_catalogconnection",
        "add_catalogconnection",
        "change_catalogconnection",
    ],
    "reader": ["view_catalogconnection", "view_voucher", "view_exchange"],
}


def log_in(client, who):
    if who == "stranger":
        return None
    person = factories.EmployeeFactory(is_staff=who != "employee")
    person.user_permissions.set(Permission.objects.filter(codename__in=RIGHTS[who]))
    client.force_login(person)
    return person


@pytest.mark.parametrize(("who", "where", "code"), PAGES)
def test_who_may_open_what(client, who, where, code):
    log_in(client, who)
    # Who has logged in but may not enter is told so by the login page's address.
    response = client.get(reverse(where), follow=who == "employee")
    assert response.status_code == code


def test_slips_in_the_admin_need_a_right_to_see_them(client):
    slip = factories.VoucherFactory()
    factories.ExchangeFactory(voucher=slip, order_number="PO-OF-A-SLIP")
    factories.ExchangeFactory(order_number="PO-OF-NONE")
    reader = log_in(client, "reader")
    listed = reverse("admin:expenses_voucher_changelist")
    exchanges = reverse("admin:punchout_exchange_changelist")
    assert slip.number not in client.get(listed).content.decode()
    assert client.get(url(Voucher, "change", slip.pk)).status_code == 302
    assert "PO-OF-A-SLIP" not in client.get(exchanges).content.decode()
    assert "PO-OF-NONE" in client.get(exchanges).content.decode()
    reader.user_permissions.add(Permission.objects.get(codename="view_all_vouchers"))
    assert slip.number in client.get(listed).content.decode()
    assert "PO-OF-A-SLIP" in client.get(exchanges).content.decode()


def test_only_administrators_make_or_change_administrators(client, administrator):
    administrator.set_password("a-long-password")
    administrator.save()
    log_in(client, "keeper")
    colleague = factories.EmployeeFactory()
    changed = client.post(
        url(Employee, "change", colleague.pk),
        {**employee_form(colleague), "is_staff": "on", "is_superuser": "on"},
    )
    assert changed.status_code == 302
    colleague.refresh_from_db()
    assert colleague.is_staff
    assert not colleague.is_superuser
    taken_over = {"password1": "Taken-over-2026", "password2": "Taken-over-2026"}
    password_page = reverse("admin:auth_user_password_change", args=[administrator.pk])
    assert client.post(password_page, taken_over).status_code == 403
    administrator.refresh_from_db()
    assert administrator.check_password("a-long-password")


# Employees ----------------------------------------------------------------------------------------


def employee_form(employee=None, **changes):
    values = {
        "code": employee.code if employee else "5001",
        "name": employee.name if employee else "新人 花子",
        "kana": "",
        "email": employee.email if employee else "new@example.jp",
        "employment": "active",
        "is_active": "on",
        "affiliations-TOTAL_FORMS": "0",
        "affiliations-INITIAL_FORMS": "0",
        "deputies-TOTAL_FORMS": "0",
        "deputies-INITIAL_FORMS": "0",
    }
    return {**values, **changes}


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
    entered = factories.VoucherFactory(entered_by=factories.EmployeeFactory()).entered_by
    answer = as_admin.post(url(Employee, "delete", entered.pk), {"post": "yes"})
    assert answer.status_code == 403


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


# The connection's secrets -------------------------------------------------------------------------


def connection_form(connection, **changes):
    data = {
        name: value
        for name, value in CatalogConnection.objects.values().get(pk=connection.pk).items()
        if value is not None and value is not False and name not in SECRETS
    }
    data |= {
        "payment_method": connection.payment_method_id,
        "rates-TOTAL_FORMS": "0",
        "rates-INITIAL_FORMS": "0",
        "inbound_token": "given-by-the-browser",
    }
    return {**data, **changes}


def test_an_empty_secret_keeps_the_stored_one(as_admin, connection):
    before = connection.inbound_token
    response = as_admin.post(
        url(CatalogConnection, "change", connection.pk),
        connection_form(connection, supplier_name="みどり商店（新）"),
    )
    assert response.status_code == 302, response.context["errors"]
    connection.refresh_from_db()
    assert connection.supplier_name == "みどり商店（新）"
    assert {name: getattr(connection, name) for name in SECRETS} == SECRETS
    assert connection.inbound_token == before


@pytest.mark.parametrize("field", SECRETS)
def test_a_typed_secret_replaces_the_stored_one_and_stays_out_of_the_log(
    as_admin, connection, field
):
    as_admin.post(
        url(CatalogConnection, "change", connection.pk),
        connection_form(connection, **{field: "n3w-value"}),
    )
    connection.refresh_from_db()
    assert {name: getattr(connection, name) for name in SECRETS} == {**SECRETS, field: "n3w-value"}
    message = LogEntry.objects.get().get_change_message()
    assert "n3w-value" not in message
    assert str(CatalogConnection._meta.get_field(field).verbose_name) in message
    history = as_admin.get(url(CatalogConnection, "history", connection.pk)).content.decode()
    assert "n3w-value" not in history


def test_a_refused_form_does_not_send_the_secret_back(as_admin, connection):
    response = as_admin.post(
        url(CatalogConnection, "change", connection.pk),
        connection_form(connection, name="", shared_secret="n3w-value"),
    )
    assert response.status_code == 200
    assert "n3w-value" not in response.content.decode()
    assert_tells_no_secret(response)


def test_a_form_says_which_secrets_are_set(as_admin, connection):
    fields = as_admin.get(url(CatalogConnection, "change", connection.pk)).context["adminform"]
    assert fields.form.fields["shared_secret"].help_text.startswith("設定済み")
    page = as_admin.get(url(CatalogConnection, "add"))
    assert page.context["adminform"].form.fields["shared_secret"].help_text == "未設定"


def test_the_inbound_url_is_shown_only_where_it_can_be_changed(client, connection):
    change = url(CatalogConnection, "change", connection.pk)
    log_in(client, "keeper")
    assert f"/punchout/cxml/{connection.inbound_token}" in client.get(change).content.decode()
    listed = client.get(url(CatalogConnection, "changelist")).content.decode()
    assert connection.inbound_token not in listed
    client.logout()
    log_in(client, "reader")
    page = client.get(change)
    assert page.status_code == 200
    assert connection.inbound_token not in page.content.decode()
    assert connection.inbound_token_hash not in page.content.decode()
    assert_tells_no_secret(page)


def test_the_inbound_url_changes_after_a_question(client, connection):
    renew = reverse("admin:punchout_catalogconnection_new_inbound_url", args=[connection.pk])
    old = connection.inbound_token
    log_in(client, "reader")
    assert client.post(renew).status_code == 403
    client.logout()
    log_in(client, "keeper")
    assert "届きません" in client.get(renew).content.decode()
    connection.refresh_from_db()
    assert connection.inbound_token == old
    assert client.post(renew).status_code == 302
    connection.refresh_from_db()
    assert connection.inbound_token != old
    assert CatalogConnection.objects.by_inbound_token(old) is None
    assert CatalogConnection.objects.by_inbound_token(connection.inbound_token) == connection
    history = client.get(url(CatalogConnection, "history", connection.pk)).content.decode()
    assert "受信 URL を変更しました。" in history
    assert connection.inbound_token not in history


@pytest.mark.parametrize("lookup", ["shared_secret__startswith", "inbound_token_hash__startswith"])
def test_a_list_cannot_be_filtered_by_a_secret(as_admin, connection, lookup):
    response = as_admin.get(url(CatalogConnection, "changelist"), {lookup: "a"})
    assert response.status_code == 400


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
