"""Who comes to the admin in tests, and what no page of it may tell."""

import factories
from django.contrib.auth.models import Permission
from django.urls import reverse

from masters.models import Employee
from punchout.models import CatalogConnection

SECRETS = {
    "shared_secret": "shared-s3cret",
    "inbound_password": "inbound-s3cret",
    "history_client_secret": "client-s3cret",
    "history_refresh_token": "refresh-s3cret",
}


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def administrator() -> Employee:
    """Somebody with every right."""
    return factories.EmployeeFactory(name="管理 太郎", is_staff=True, is_superuser=True)


def connection_with_secrets() -> CatalogConnection:
    """A connection whose every secret is set, with one rate."""
    connection = factories.ConnectionFactory(**SECRETS, inbound_user="amazon")
    factories.CatalogRateFactory(connection=connection)
    return connection


def assert_tells_no_secret(response):
    text = response.content.decode()
    for secret in (
        *SECRETS.values(),
        "stored-s3cret",
        "secret-cookie",
        "secret-start",
    ):
        assert secret not in text


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
