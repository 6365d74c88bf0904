"""キャンセル依頼, followed to its end (DOMAIN §6.12), and 否認処理 tied to it (§3)."""

import pytest
from django.db import InternalError, transaction
from django.test import Client
from supplier_says import confirms, ordered, post, ships, status
from world import World

from expenses.models import Notice
from punchout.models import CancelRequest

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    world = World()
    world.person("accountant", world.division, None, "handle_orders", "view_all_vouchers")
    return world


@pytest.fixture
def order(world):
    """Ten pens and two notebooks, confirmed by the supplier."""
    order = ordered(world)
    post(order, confirms(order, {1: status(10), 2: status(2)}))
    return order


def browser(world, who="applicant") -> Client:
    client = Client()
    client.force_login(world.people[who])
    return client


def ask(world, order, who="applicant", reason="重複して頼んだ", **quantities):
    data = {f"quantity-{name[1:]}": units for name, units in quantities.items()}
    return browser(world, who).post(
        f"/punchout/orders/{order.number}/cancel/", {**data, "reason": reason}
    )


def close(world, asked, action, reason="画面で確認した", who="accountant"):
    number = asked.order_line.order.number
    return browser(world, who).post(
        f"/punchout/orders/{number}/",
        {"action": action, "reason": reason, "cancel_request": asked.pk},
    )


def the_request() -> CancelRequest:
    return CancelRequest.objects.get()


class TestAsking:
    def test_it_waits_on_the_list_and_people_are_told(self, world, order):
        response = ask(world, order, l1=4)
        assert response.status_code == 302
        asked = the_request()
        assert (asked.state, asked.quantity, asked.requested_by.name) == (
            "requested", 4, "applicant",
        )  # fmt: skip
        assert Notice.objects.filter(kind="cancel", to__name="accountant").exists()
        assert "accountant" in order.voucher.events.last().comment
        listed = browser(world, "accountant").get("/punchout/orders/").content.decode()
        assert "キャンセル依頼中" in listed and "重複して頼んだ" in listed

    def test_the_page_says_that_nothing_is_stopped_by_it(self, world, order):
        shown = browser(world).get(f"/punchout/orders/{order.number}/cancel/").content.decode()
        assert "注文は止まりません" in shown

    @pytest.mark.parametrize(
        ("quantities", "said"),
        [
            ({"l1": "11"}, "10 点まで"),
            ({"l1": "0"}, "選んでください"),
            ({}, "選んでください"),
            ({"l1": "-1"}, "0 以上の整数"),
            ({"l1": "1.5"}, "0 以上の整数"),
            ({"l7": "1"}, "7 行目は発注にありません"),
        ],
    )
    def test_what_cannot_be_cancelled_is_refused(self, world, order, quantities, said):
        response = ask(world, order, **quantities)
        assert response.status_code == 400
        assert said in response.content.decode()
        assert not CancelRequest.objects.exists()

    def test_what_has_left_cannot_be_cancelled(self, world, order):
        post(order, ships(order, {1: 7}))
        assert ask(world, order, l1=4).status_code == 400
        assert ask(world, order, l1=3).status_code == 302

    def test_it_needs_a_reason(self, world, order):
        assert ask(world, order, l1=1, reason="  ").status_code == 400

    def test_a_line_is_asked_for_once_at_a_time(self, world, order):
        ask(world, order, l1=1)
        assert ask(world, order, l1=1).status_code == 400
        assert ask(world, order, l2=1).status_code == 302

    @pytest.mark.parametrize(
        ("who", "code"),
        [("full_deputy", 302), ("accountant", 302), ("entry_deputy", 404), ("manager", 404),
         ("colleague", 404), ("reader", 404)],
    )  # fmt: skip
    def test_who_may_ask(self, world, order, who, code):
        assert ask(world, order, who=who, l1=1).status_code == code

    def test_an_order_not_at_the_supplier_yet_is_not_cancelled_this_way(self, world):
        waiting = ordered(world)
        assert ask(world, waiting, l1=1).status_code == 400


class TestTheSuppliersData:
    def test_a_cancellation_it_reports_fulfils_the_request(self, world, order):
        ask(world, order, l1=4)
        mended = {1: status(6) + status(4, "reject"), 2: status(2)}
        post(order, confirms(order, mended, operation="update", on="2026-04-03"))
        asked = the_request()
        assert (asked.state, asked.closed_by) == ("done", None)
        assert order.difference == "", "what was asked for is no surprise"
        assert Notice.objects.filter(kind="cancel", to__name="applicant").exists()

    def test_less_than_asked_for_keeps_it_waiting(self, world, order):
        ask(world, order, l1=4)
        mended = {1: status(8) + status(2, "reject"), 2: status(2)}
        post(order, confirms(order, mended, operation="update", on="2026-04-03"))
        assert the_request().state == "requested"

    def test_a_shipment_that_leaves_too_little_makes_it_fail(self, world, order):
        ask(world, order, l1=4)
        post(order, ships(order, {1: 6}))
        assert the_request().state == "requested"
        post(order, ships(order, {1: 1}, shipment_id="S2"))
        asked = the_request()
        assert (asked.state, asked.outcome) == (
            "failed", "出荷されたため、キャンセルできませんでした。",
        )  # fmt: skip

    def test_a_part_shipped_and_a_part_cancelled_fails_and_says_so(self, world, order):
        ask(world, order, l1=4)
        mended = {1: status(8) + status(2, "reject"), 2: status(2)}
        post(order, confirms(order, mended, operation="update", on="2026-04-03"))
        post(order, ships(order, {1: 8}))
        assert the_request().outcome.startswith("4 点のうち 2 点だけがキャンセルされ")


class TestByHand:
    def test_accounting_can_say_it_was_cancelled(self, world, order):
        ask(world, order, l1=4)
        assert close(world, the_request(), "cancel-done").status_code == 302
        assert (the_request().state, the_request().closed_by.name) == ("done", "accountant")
        line = order.lines.get(line_number=1)
        assert line.cancelled == 4
        assert sum(line.ledger.filter(kind="cancelled").values_list("quantity", flat=True)) == 4

    def test_the_suppliers_own_word_does_not_count_twice(self, world, order):
        ask(world, order, l1=4)
        close(world, the_request(), "cancel-done")
        mended = {1: status(6) + status(4, "reject"), 2: status(2)}
        post(order, confirms(order, mended, operation="update", on="2026-04-03"))
        line = order.lines.get(line_number=1)
        assert (line.cancelled, line.contradiction) == (4, "")

    def test_it_can_have_failed_and_the_line_stays_as_it_was(self, world, order):
        ask(world, order, l1=4)
        close(world, the_request(), "cancel-failed")
        assert the_request().state == "failed"
        assert order.lines.get(line_number=1).cancelled == 0
        assert ask(world, order, l1=4).status_code == 302

    def test_it_needs_a_reason_and_happens_once(self, world, order):
        ask(world, order, l1=4)
        assert close(world, the_request(), "cancel-done", reason=" ").status_code == 400
        close(world, the_request(), "cancel-done")
        assert close(world, the_request(), "cancel-failed").status_code == 400
        assert the_request().state == "done"

    def test_only_who_handles_orders_may(self, world, order):
        ask(world, order, l1=4)
        assert close(world, the_request(), "cancel-done", who="applicant").status_code == 403

    def test_goods_that_come_after_all_are_flagged(self, world, order):
        ask(world, order, l1=4)
        close(world, the_request(), "cancel-done")
        post(order, ships(order, {1: 10}))
        assert "キャンセル" in order.needs_person

    def test_the_database_keeps_what_was_asked_and_decided(self, world, order):
        ask(world, order, l1=4)
        with pytest.raises(InternalError), transaction.atomic():
            CancelRequest.objects.all().delete()
        close(world, the_request(), "cancel-done")
        for change in ({"state": "requested"}, {"quantity": 1}, {"reason": "別の理由"}):
            with pytest.raises(InternalError), transaction.atomic():
                CancelRequest.objects.update(**change)


class TestDenial:
    def deny(self, world, order, **data):
        return browser(world, "denier").post(
            f"/vouchers/{order.voucher.number}/deny/", {"comment": "誤発注", **data}
        )

    def test_goods_to_come_have_to_be_confirmed(self, world, order):
        response = self.deny(world, order)
        assert response.status_code == 409
        shown = response.content.decode()
        assert "商品は届き、支払いは発生します" in shown and 'name="confirmed"' in shown
        order.voucher.refresh_from_db()
        assert order.voucher.status == "approved"
        assert self.deny(world, order, confirmed="yes").status_code == 302
        order.voucher.refresh_from_db()
        assert order.voucher.status == "denied"

    def test_a_waiting_request_is_named(self, world, order):
        ask(world, order, l1=10)
        assert "キャンセル依頼の結果が出ていません" in self.deny(world, order).content.decode()

    def test_with_everything_cancelled_nothing_is_asked(self, world, order):
        ask(world, order, l1=10, l2=2)
        for asked in CancelRequest.objects.all():
            close(world, asked, "cancel-done")
        assert self.deny(world, order).status_code == 302

    def test_no_confirmation_helps_while_the_order_is_on_its_way(self, world):
        waiting = ordered(world)
        assert self.deny(world, waiting, confirmed="yes").status_code == 400
        waiting.voucher.refresh_from_db()
        assert waiting.voucher.status == "approved"
