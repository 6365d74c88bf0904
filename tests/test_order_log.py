"""A line in the log for each step of an order, with its number; and deciding from the admin."""

import pytest
from django.test import Client
from order_supplier import Supplier, answers
from ordering import approved, at_the_last_point, ordered_at, sent
from supplier_says import confirms, post, ships, status
from world import World

from expenses import approval
from punchout import resolution
from punchout.models import PurchaseOrder
from punchout.order_states import OrderState

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


def test_every_step_is_a_line_with_the_orders_number(world, caplog):
    caplog.set_level("INFO")
    with Supplier(answers(200)) as shop:
        voucher = at_the_last_point(world, order_url=shop.url)
        approval.approve(voucher, by=world.people["director"])
        order = voucher.purchase_orders.get()
        sent(order)
    post(order, confirms(order, {1: status(2)}))
    post(order, ships(order, {1: 2}))
    post(order, confirms(order, {1: status(2)}).replace(order.number.encode(), b"NOBODY"))
    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    steps = [line["event"] for line in lines if line.get("order_number") == order.number]
    for step in ("order_created", "order_sending", "order_ordered", "order_sent"):
        assert step in steps
    taken = [line["what"] for line in lines if line.get("event") == "inbound_taken"]
    assert taken == ["confirmation", "ship_notice"]
    assert "inbound_orphan" in [line.get("event") for line in lines]
    assert order.connection.shared_secret not in caplog.text


def test_a_persons_decision_is_a_line_that_names_them(world, caplog):
    caplog.set_level("INFO")
    order = approved(world)
    for state in (OrderState.SENDING, OrderState.UNKNOWN):
        PurchaseOrder.objects.filter(pk=order.pk).update(
            state=state, claimed_at="2026-04-01T00:00Z"
        )
    resolution.resend(order, reason="注文一覧にない", by=world.people["manager"])
    (line,) = [
        record.msg
        for record in caplog.records
        if isinstance(record.msg, dict) and record.msg.get("event") == "order_resend"
    ]
    assert (line["order_number"], line["by"]) == (order.number, "manager")


class TestDecidingFromTheAdmin:
    LIST = "/admin/punchout/purchaseorder/"

    def browser(self, world, *rights: str) -> Client:
        person = world.person("keeper", world.division, None, "view_all_vouchers", *rights)
        person.is_staff = True
        person.save()
        client = Client()
        client.force_login(person)
        return client

    def test_the_action_leads_to_the_orders_page(self, world):
        order = approved(world)
        client = self.browser(world, "view_purchaseorder", "handle_orders")
        chosen = {"action": "decide", "_selected_action": [order.pk]}
        response = client.post(self.LIST, chosen)
        assert (response.status_code, response.url) == (302, f"/punchout/orders/{order.number}/")

    def test_who_may_not_decide_is_not_offered_it(self, world):
        approved(world)
        client = self.browser(world, "view_purchaseorder")
        assert "確認・再発注の画面を開く" not in client.get(self.LIST).content.decode()

    def test_the_right_to_decide_is_not_a_way_around_seeing(self, world):
        with Supplier(answers(200)) as shop:
            order = ordered_at(shop.url, world)
        person = world.person("blind", world.division, None, "view_purchaseorder", "handle_orders")
        person.is_staff = True
        person.save()
        client = Client()
        client.force_login(person)
        assert client.get(f"/punchout/orders/{order.number}/").status_code == 404
