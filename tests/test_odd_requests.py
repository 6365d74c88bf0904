"""Requests that no browser of ours makes: an answer in words, never an error page."""

import pytest
from django.contrib import admin
from django.test import Client
from shopping import RETURN, connect
from supplier_says import confirms, ordered, status
from world import World

from punchout.models import Exchange, StrayMessage, SupplierDocument

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def browser():
    client = Client()
    world = World()
    person = world.people["applicant"]
    person.is_staff = person.is_superuser = True
    person.save()
    client.force_login(person)
    return client


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "idna", "shift_jis"])
@pytest.mark.parametrize("path", ["/vouchers/new/request/", "/accounts/login/", "/notices/"])
def test_a_form_in_letters_nobody_sends_is_refused_in_words(browser, path, charset):
    response = browser.post(path, b"title=%FF+AGEAYg-", content_type=f"{FORM}; charset={charset}")
    assert response.status_code == 400
    assert "UTF-8" in response.content.decode()


DATED = [
    (model, model_admin.date_hierarchy)
    for model, model_admin in admin.site._registry.items()
    if model_admin.date_hierarchy
]


@pytest.mark.parametrize(("model", "field"), DATED, ids=lambda value: str(value))
@pytest.mark.parametrize("year", ["99999", "0", "-1", "x", "9" * 30])
def test_a_far_off_year_in_a_date_filter_is_no_error_page(browser, model, field, year):
    url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/?{field}__year={year}"
    assert browser.get(url).status_code in (200, 302, 400)


class TestLimits:
    def post(self, token: str, document: bytes) -> str:
        return Client().post(f"/punchout/cxml/{token}", document, "text/xml").content.decode()

    def test_a_supplier_that_says_too_much_is_told_to_come_again(self, settings):
        settings.INBOUND_PER_MINUTE = 2
        order = ordered(World())
        token = order.connection.inbound_token
        said = [
            self.post(token, confirms(order, {1: status(1)}, payload_id=f"{number}@shop"))
            for number in range(6)
        ]
        # A minute may have begun between two of them.
        assert any('code="560"' in answer for answer in said)
        assert SupplierDocument.objects.count() < 6

    def test_strangers_are_counted_up_to_a_limit_and_always_refused(self, settings):
        settings.STRANGERS_PER_MINUTE = 3
        for _ in range(8):
            assert 'code="401"' in self.post("nobody", b"<cXML/>")
        assert 1 <= StrayMessage.objects.get().count < 8
        assert not Exchange.objects.exists()

    def test_an_address_that_posts_carts_without_end_is_refused_before_reading(self, settings):
        settings.CARTS_PER_MINUTE = 2
        connect(World())
        answers = [Client().post(RETURN, b"x", content_type="text/xml") for _ in range(6)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused and "1 分ほど待って" in refused[0].content.decode()

    def test_without_redis_nobody_is_held_up(self, settings):
        settings.INBOUND_PER_MINUTE = 0
        settings.CACHES = {
            "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:9/0"}
        }
        order = ordered(World())
        said = self.post(order.connection.inbound_token, confirms(order, {1: status(1)}))
        assert 'code="200"' in said
