"""A form from a page that is no longer valid: refused in words, a second login goes on."""

import pytest
from django.test import Client
from world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    return World().people["applicant"]


def test_a_form_without_its_token_is_refused_in_words(person):
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    response = client.post("/vouchers/new/request/", {"title": "x"})
    assert response.status_code == 403
    page = response.content.decode()
    assert "画面が古くなっている" in page and "DEBUG" not in page


def test_logging_in_in_a_second_tab_goes_on_to_the_product(person):
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    response = client.post("/accounts/login/", {"login": "applicant", "password": "x"})
    assert (response.status_code, response.url) == (302, "/")
