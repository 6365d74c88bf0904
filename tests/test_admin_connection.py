"""カタログ連携設定 in the admin: secrets go in and never come out."""

import admin_access
import pytest
from admin_access import (
    SECRETS,
    assert_tells_no_secret,
    connection_with_secrets,
    log_in,
    url,
)
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from punchout.models import CatalogConnection

pytestmark = pytest.mark.django_db


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
