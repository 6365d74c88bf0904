"""Which lines of a cart may leave a draft: all together, single ones where the setting says so."""

import pytest
from cxml_documents import Line
from django.test import Client
from edit_form import edit_url, held
from shopping import bring_back, connect, go_shopping
from world import World

from expenses import approval, lifecycle
from expenses.models import Origin, Voucher
from punchout import carts
from punchout.models import CatalogConnection

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


@pytest.fixture
def browser(world):
    client = Client()
    client.force_login(world.people["applicant"])
    return client


def shopped(world, **connection) -> Voucher:
    """A draft with a line of the employee's own and a cart of two goods with shipping."""
    session = go_shopping(world, connect(world, **connection), world.draft())
    goods = Line(auxiliary_id="1", shipping=500), Line(part_id="B0FOOD", auxiliary_id="2")
    bring_back(session, *goods)
    carts.apply(session, by=world.people["applicant"])
    return session.voucher


def without(values: dict[str, str], *rows: int) -> dict[str, str]:
    """The form with those rows struck out."""
    return values | {f"lines-{row}-DELETE": "on" for row in rows}


def test_single_catalogue_lines_stay_unless_the_connection_allows_their_removal(world, browser):
    voucher = shopped(world)
    values = held(browser.get(edit_url(voucher)))
    refused = browser.post(edit_url(voucher), without(values, 1))
    assert refused.status_code == 400
    assert "1 行だけ削除することはできません" in refused.content.decode()
    assert voucher.lines.count() == 4
    CatalogConnection.objects.update(allow_line_removal=True)
    assert browser.post(edit_url(voucher), without(values, 1)).status_code == 302
    assert voucher.lines.filter(origin=Origin.CATALOGUE).count() == 2


def test_shipping_alone_is_no_cart(world, browser):
    voucher = shopped(world, allow_line_removal=True)
    values = held(browser.get(edit_url(voucher)))
    refused = browser.post(edit_url(voucher), without(values, 1, 2))
    assert "送料・手数料の行も外してください" in refused.content.decode()
    assert voucher.lines.count() == 4


def test_all_catalogue_lines_may_go_together_and_then_nothing_is_ordered(world, browser):
    voucher = shopped(world)
    values = held(browser.get(edit_url(voucher))) | {"title": "文具だけ"}
    response = browser.post("/punchout/discard/", values)
    assert (response.status_code, response.url) == (303, edit_url(voucher))
    voucher.refresh_from_db()
    assert (voucher.title, voucher.total) == ("文具だけ", 1100)
    assert list(voucher.lines.values_list("position", "origin")) == [(1, Origin.MANUAL)]
    lifecycle.submit(voucher, by=world.people["applicant"])
    approval.approve(voucher, by=world.people["manager"])
    approval.approve(voucher, by=world.people["director"])
    assert not voucher.purchase_orders.exists()
