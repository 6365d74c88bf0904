"""What a person decides about an order that nobody else can (issue: 要確認, 発注エラー)."""

import datetime

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from supplier_says import confirms, ordered, post, ships, status, updates
from world import World

from expenses.models import Notice
from punchout import dispatch, history
from punchout.facts import Fact, Row
from punchout.models import HistoryImport, PurchaseOrder, PurchaseRecord, SourceRow
from punchout.order_states import OrderState

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    world = World()
    world.person("accountant", world.division, None, "handle_orders", "view_all_vouchers")
    return world


def page(world, who="accountant") -> Client:
    browser = Client()
    browser.force_login(world.people[who])
    return browser


def decide(world, order, action, reason="電話で確認した", who="accountant"):
    response = page(world, who).post(
        f"/punchout/orders/{order.number}/", {"action": action, "reason": reason}
    )
    order.refresh_from_db()
    return response


def brought_to(order: PurchaseOrder, state: OrderState) -> PurchaseOrder:
    """The order as a worker leaves it."""
    if state == OrderState.PENDING:
        return order
    attempt = dispatch._claim(order.pk)
    outcomes = {
        OrderState.UNKNOWN: dispatch.Result("unknown", "時間切れ"),
        OrderState.FAILED: dispatch.Result("rejected", "401 Unauthorized", 200, 401),
        OrderState.ORDERED: dispatch.Result("accepted", "200 OK", 200, 200),
    }
    if state != OrderState.SENDING:
        dispatch._settle(attempt, outcomes[state], 5)
    order.refresh_from_db()
    assert order.state == state
    return order


@pytest.fixture
def unknown(world):
    return brought_to(ordered(world), OrderState.UNKNOWN)


@pytest.fixture
def failed(world):
    return brought_to(ordered(world), OrderState.FAILED)


class TestUnknown:
    def test_seen_at_the_supplier_it_is_ordered(self, world, unknown):
        decide(world, unknown, "accept")
        assert (unknown.state, unknown.needs_person) == ("ordered", "")
        event = unknown.voucher.events.last()
        assert (event.by.name, event.comment) == ("accountant", "電話で確認した")

    def test_surely_not_there_the_identical_message_goes_again(self, world, unknown):
        before = (unknown.payload_id, unknown.timestamp, bytes(unknown.document))
        decide(world, unknown, "resend")
        assert unknown.state == "pending"
        assert unknown.due_at <= timezone.now()
        assert (unknown.payload_id, unknown.timestamp, bytes(unknown.document)) == before

    def test_after_a_person_let_it_go_again_the_tries_are_counted_anew(self, world, unknown):
        decide(world, unknown, "resend")
        attempt = dispatch._claim(unknown.pk)
        dispatch._settle(attempt, dispatch.Result("not_delivered", "接続できません"), 5)
        unknown.refresh_from_db()
        assert unknown.state == "pending"
        assert unknown.due_at < timezone.now() + datetime.timedelta(minutes=1, seconds=5)

    def test_taken_out_it_is_never_sent(self, world, unknown):
        decide(world, unknown, "cancel")
        assert unknown.state == "cancelled"
        with time_machine.travel(timezone.now() + datetime.timedelta(days=30)):
            assert dispatch.sweep() == {"sent": 0, "abandoned": 0}

    def test_time_alone_decides_nothing(self, unknown):
        with time_machine.travel(timezone.now() + datetime.timedelta(days=365)):
            dispatch.sweep()
        unknown.refresh_from_db()
        assert unknown.state == "unknown"

    @pytest.mark.parametrize(
        "evidence",
        [
            lambda order: confirms(order, {1: status(10)}),
            lambda order: ships(order, {1: 10}),
            lambda order: updates(order, 200),
        ],
        ids=["confirmation", "ship-notice", "status"],
    )
    def test_the_suppliers_own_data_decide_by_themselves(self, unknown, evidence):
        post(unknown, evidence(unknown))
        assert (unknown.state, unknown.needs_person) == ("ordered", "")

    def test_purchase_history_decides_by_itself(self, unknown):
        fact = Fact("249-1", "ペン", 10, 1100, purchase_order_number=unknown.number, line_number=1)
        history.import_rows(
            unknown.connection, [Row(1, {"a": 1}, (fact,))], source=HistoryImport.Source.API
        )
        unknown.refresh_from_db()
        assert unknown.state == "ordered"

    def test_a_bad_status_of_the_supplier_is_for_a_person(self, unknown):
        post(unknown, updates(unknown, 400, "Bad order"))
        assert unknown.state == "unknown"
        assert "400 Bad order" in unknown.needs_person

    def test_the_page_says_what_to_look_up(self, world, unknown):
        unknown.connection.lookup_url = "https://shop.example/orders?a=1"
        unknown.connection.save()
        shown = page(world).get(f"/punchout/orders/{unknown.number}/").content.decode()
        for text in (unknown.number, "PEN", "× 10", unknown.shopper_email, "orders?a=1"):
            assert text in shown


class TestFailed:
    def test_it_can_be_ordered_anew_with_a_new_document_and_number(self, world, failed):
        decide(world, failed, "reorder")
        new = PurchaseOrder.objects.get(replaces=failed)
        assert new.number == f"{failed.number}-2"
        assert new.payload_id != failed.payload_id
        assert new.number.encode() in bytes(new.document)
        assert (failed.state, failed.needs_person, new.state) == ("failed", "", "pending")
        assert list(new.lines.values_list("part_id", "quantity")) == [("PEN", 10), ("NOTE", 2)]

    def test_a_third_order_counts_on(self, world, failed):
        decide(world, failed, "reorder")
        second = brought_to(PurchaseOrder.objects.get(replaces=failed), OrderState.FAILED)
        decide(world, second, "reorder")
        assert PurchaseOrder.objects.filter(number=f"{failed.number}-3").exists()

    def test_it_cannot_be_ordered_anew_twice(self, world, failed):
        decide(world, failed, "reorder")
        assert decide(world, failed, "reorder").status_code == 400
        assert PurchaseOrder.objects.count() == 2

    def test_a_cart_past_its_limit_cannot_be_ordered_anew(self, world, failed):
        with time_machine.travel(timezone.now() + datetime.timedelta(days=8)):
            response = decide(world, failed, "reorder")
        assert response.status_code == 400
        assert "7 日を過ぎています" in response.content.decode()
        assert PurchaseOrder.objects.count() == 1

    def test_a_denied_request_cannot_be_ordered_anew(self, world, failed):
        page(world, "denier").post(f"/vouchers/{failed.voucher.number}/deny/", {"comment": "不要"})
        failed.voucher.refresh_from_db()
        assert failed.voucher.status == "denied"
        assert decide(world, failed, "reorder").status_code == 400
        assert PurchaseOrder.objects.count() == 1

    def test_after_ordering_anew_the_old_one_cannot_come_alive(self, world, failed):
        decide(world, failed, "reorder")
        assert decide(world, failed, "accept").status_code == 400
        assert failed.state == "failed"

    def test_a_confirmation_of_a_failed_order_is_for_a_person(self, world, failed):
        decide(world, failed, "reorder")
        post(failed, confirms(failed, {1: status(10)}))
        assert failed.state == "failed"
        assert "注文確認" in failed.needs_person

    def test_it_can_be_left_with_a_reason(self, world, failed):
        decide(world, failed, "acknowledge", reason="店頭で買った")
        assert (failed.state, failed.needs_person) == ("failed", "")
        assert "店頭で買った" in failed.voucher.events.last().comment


class TestEveryDecision:
    @pytest.mark.parametrize("action", ["accept", "resend", "cancel", "reorder", "acknowledge"])
    @pytest.mark.parametrize("state", list(OrderState))
    def test_is_possible_from_its_states_only(self, world, action, state):
        order = ordered(world)
        if state == OrderState.CANCELLED:
            decide(world, brought_to(order, OrderState.UNKNOWN), "cancel")
        else:
            brought_to(order, state)
        flagged = bool(order.needs_person)
        possible = {
            "accept": state in (OrderState.UNKNOWN, OrderState.FAILED),
            "resend": state == OrderState.UNKNOWN,
            "cancel": state == OrderState.UNKNOWN,
            "reorder": state in (OrderState.FAILED, OrderState.CANCELLED),
            "acknowledge": flagged and state == OrderState.FAILED,
        }
        response = decide(world, order, action)
        assert (response.status_code == 302) is possible[action], response.content.decode()
        if not possible[action]:
            assert order.state == state

    @pytest.mark.parametrize("action", ["accept", "resend", "cancel"])
    def test_needs_a_reason(self, world, unknown, action):
        assert decide(world, unknown, action, reason=" \u3000").status_code == 400
        assert unknown.state == "unknown"

    @pytest.mark.parametrize("who", ["applicant", "manager", "reader"])
    def test_needs_the_right(self, world, unknown, who):
        assert decide(world, unknown, "accept", who=who).status_code == 403
        assert page(world, who).get("/punchout/orders/").status_code == 403
        assert unknown.state == "unknown"

    def test_needs_the_slip_to_be_visible(self, world, unknown):
        world.person("blind", world.division, None, "handle_orders")
        assert decide(world, unknown, "accept", who="blind").status_code == 404


class TestOverview:
    def test_it_lists_what_needs_a_person_and_since_when(self, world, unknown):
        dispatch.sweep()
        with time_machine.travel(timezone.now() + datetime.timedelta(minutes=3)):
            shown = page(world).get("/punchout/orders/").content.decode()
        assert (
            unknown.number in shown and "時間切れ" in shown and "3分" in shown.replace("\xa0", "")
        )
        assert "自動発注が止まっています" not in shown

    def test_a_sweep_older_than_five_minutes_is_red(self, world):
        dispatch.sweep()
        for minutes, red in ((4.9, False), (5.1, True)):
            with time_machine.travel(timezone.now() + datetime.timedelta(minutes=minutes)):
                shown = page(world).get("/punchout/orders/").content.decode()
            assert ("自動発注が止まっています" in shown) is red

    def test_orders_without_a_confirmation_for_a_day_are_listed(self, world):
        order = brought_to(ordered(world), OrderState.ORDERED)
        for hours, listed in ((23, False), (25, True)):
            with time_machine.travel(timezone.now() + datetime.timedelta(hours=hours)):
                shown = page(world).get("/punchout/orders/").content.decode()
            assert (order.number in shown) is listed

    def test_failures_reach_the_people_named_in_the_connection(self, world):
        order = ordered(world)
        order.connection.notified_employees.set([world.people["reader"]])
        brought_to(order, OrderState.UNKNOWN)
        notice = Notice.objects.get(kind="order")
        assert notice.to.name == "reader"
        assert order.number in notice.title


class TestRowsOfPurchaseHistory:
    @pytest.fixture
    def row(self, world):
        """A row that would be an eleventh pen of ten."""
        order = ordered(world)
        self.connection = order.connection
        facts = [
            Fact("249-1", "ペン", units, 110 * units, purchase_order_number=order.number,
                 line_number=1, strong_id=f"S{units}")
            for units in (10, 1)
        ]  # fmt: skip
        for number, fact in enumerate(facts, start=1):
            self.take(number, fact)
        return SourceRow.objects.get(outcome="ambiguous")

    def take(self, number, fact):
        raw = {
            "orderMetadata": {"orderId": "249-1"},
            "shipmentMetadata": {"shipmentId": f"S{fact.quantity}"},
            "orderLineItemId": "L1",
            "purchaseOrderNumber": fact.purchase_order_number,
            "purchaseOrderLineItemNumber": "1",
            "quantity": fact.quantity,
            "productDetails": {"title": "ペン"},
            "charges": [
                {"type": "SUBTOTAL", "amount": {"amount": str(fact.amount)}},
                {"type": "TAX", "amount": {"amount": "0"}},
            ],
        }
        history.import_rows(
            self.connection, [Row(number, raw, (fact,))], source=HistoryImport.Source.API
        )

    def decide(self, world, row, verdict, reason="請求書と照合した"):
        return page(world).post(
            f"/punchout/orders/rows/{row.pk}/", {"verdict": verdict, "reason": reason}
        )

    def test_a_person_can_say_that_it_is_another_purchase(self, world, row):
        assert self.decide(world, row, "separate").status_code == 302
        assert sorted(PurchaseRecord.objects.values_list("quantity", flat=True)) == [1, 10]
        assert not SourceRow.objects.undecided().exists()

    def test_a_person_can_say_that_it_is_known(self, world, row):
        assert self.decide(world, row, "known").status_code == 302
        assert PurchaseRecord.objects.count() == 1
        assert not SourceRow.objects.undecided().exists()

    def test_the_next_report_of_the_same_row_asks_nobody(self, world, row):
        self.decide(world, row, "known")
        fact = Fact("249-1", "ペン", 1, 110, line_number=1, strong_id="S1",
                    purchase_order_number=PurchaseOrder.objects.get().number)  # fmt: skip
        self.take(2, fact)
        assert not SourceRow.objects.undecided().exists()
        assert PurchaseRecord.objects.count() == 1

    def test_it_is_decided_once(self, world, row):
        self.decide(world, row, "known")
        assert self.decide(world, row, "separate").status_code == 400
        assert PurchaseRecord.objects.count() == 1

    def test_it_needs_a_reason(self, world, row):
        assert self.decide(world, row, "separate", reason="").status_code == 400
        assert PurchaseRecord.objects.count() == 1
