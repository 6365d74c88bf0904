"""Every page of the admin: it opens, it only shows records, and only to those who may see them."""

import admin_access
import factories
import pytest
from admin_access import (
    assert_tells_no_secret,
    connection_with_secrets,
    employee_form,
    log_in,
    url,
)
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from expenses.models import Voucher
from masters.admin.base import RecordAdmin
from masters.models import Company, Employee
from punchout.models import StrayMessage

pytestmark = pytest.mark.django_db

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


def name(model):
    return model._meta.label


@pytest.fixture
def administrator():
    return admin_access.administrator()


@pytest.fixture
def as_admin(client, administrator):
    client.force_login(administrator)
    return client


@pytest.fixture
def connection():
    return connection_with_secrets()


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
    ordered = factories.OrderLineFactory(order=order)
    factories.LedgerEntryFactory(order_line=ordered)
    factories.CancelRequestFactory(order_line=ordered)
    factories.CatalogItemFactory(cart__session__connection=connection, cart__session__voucher=slip)
    factories.ExchangeFactory(connection=connection, voucher=slip)
    StrayMessage.note("cXML", "トークンが違います。")
    record = factories.PurchaseRecordFactory(connection=connection, order=order)
    factories.SourceRowFactory(record=record, history_import__connection=connection)
    factories.PurchasePortionFactory(record=record, line__voucher=slip)


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
