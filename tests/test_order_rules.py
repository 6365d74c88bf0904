"""What the database itself keeps about orders, and how old a cart may be."""

import datetime
import itertools

import pytest
import time_machine
from django.db import transaction
from django.db.utils import DatabaseError, IntegrityError, InternalError
from django.utils import timezone
from lxml import html
from ordering import approved, at_the_last_point, nothing_approved, press, shopped
from world import World

from expenses import approval, lifecycle
from punchout.models import CatalogConnection, PurchaseOrder
from punchout.order_states import MOVES, OrderState

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


FROZEN = {
    "number": "SH-X",
    "payload_id": "other@example.jp",
    "timestamp": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    "document": b"<cXML/>",
    "sha256": "0" * 64,
    "total": 1,
    "mode": "production",
    "shopper_email": "other@example.jp",
}


class TestTheDatabaseItself:
    @pytest.mark.parametrize("field", FROZEN)
    def test_what_was_ordered_never_changes(self, world, field):
        order = approved(world)
        with pytest.raises(InternalError), transaction.atomic():
            PurchaseOrder.objects.filter(pk=order.pk).update(**{field: FROZEN[field]})

    def test_an_order_never_goes_over_to_another_request_supplier_or_predecessor(self, world):
        order = approved(world)
        other = CatalogConnection.objects.create(name="別の店", supplier_name="別の店")
        for change in ({"voucher": world.draft()}, {"connection": other}, {"replaces": order}):
            with pytest.raises(InternalError), transaction.atomic():
                PurchaseOrder.objects.filter(pk=order.pk).update(**change)

    def test_an_order_is_never_erased(self, world):
        approved(world)
        with pytest.raises(DatabaseError), transaction.atomic():
            PurchaseOrder.objects.all()._raw_delete("default")

    @pytest.mark.parametrize(("source", "target"), list(itertools.permutations(OrderState, 2)))
    def test_the_state_moves_by_the_table_only(self, world, source, target):
        order = bring(approved(world), source)
        move = {"state": target, "failure": "rejected", "claimed_at": timezone.now()}
        if target in MOVES[source]:
            assert PurchaseOrder.objects.filter(pk=order.pk).update(**move) == 1
        else:
            with pytest.raises(InternalError), transaction.atomic():
                PurchaseOrder.objects.filter(pk=order.pk).update(**move)

    @pytest.mark.parametrize("state", [state for state in OrderState if state != "pending"])
    def test_an_order_starts_pending_whatever_is_inserted(self, world, state):
        copy = twin(bring(approved(world), OrderState.FAILED))
        copy.state, copy.claimed_at = state, timezone.now()
        with pytest.raises(InternalError), transaction.atomic():
            copy.save(force_insert=True)

    @pytest.mark.parametrize("state", ["pending", "sending", "ordered", "unknown"])
    def test_a_request_has_at_most_one_order_that_lives(self, world, state):
        copy = twin(bring(approved(world), OrderState(state)))
        with (
            pytest.raises(IntegrityError, match="one_live_order_per_request"),
            transaction.atomic(),
        ):
            copy.save(force_insert=True)

    @pytest.mark.parametrize("state", ["failed", "cancelled"])
    def test_a_dead_order_leaves_room_for_another(self, world, state):
        copy = twin(bring(approved(world), OrderState(state)))
        copy.save(force_insert=True)
        assert PurchaseOrder.objects.live().get() == copy


def test_no_move_leads_back_to_a_second_sending_unless_surely_not_delivered():
    """What the table must never come to allow."""
    assert MOVES[OrderState.FAILED] <= {OrderState.ORDERED}
    assert not MOVES[OrderState.CANCELLED]
    assert MOVES[OrderState.ORDERED] <= {OrderState.FAILED}
    senders = {state for state in OrderState if OrderState.SENDING in MOVES[state]}
    assert senders == {OrderState.PENDING}


WAY_TO = {
    OrderState.PENDING: [],
    OrderState.SENDING: [OrderState.SENDING],
    OrderState.ORDERED: [OrderState.ORDERED],
    OrderState.FAILED: [OrderState.FAILED],
    OrderState.UNKNOWN: [OrderState.SENDING, OrderState.UNKNOWN],
    OrderState.CANCELLED: [OrderState.SENDING, OrderState.UNKNOWN, OrderState.CANCELLED],
}


def bring(order: PurchaseOrder, state: OrderState) -> PurchaseOrder:
    """The order in ``state``, by moves of the table."""
    for step in WAY_TO[state]:
        order.state, order.failure, order.claimed_at = step, "rejected", timezone.now()
        order.save()
    return order


def twin(order: PurchaseOrder) -> PurchaseOrder:
    """Another pending order for the same request, not yet saved."""
    order.pk, order.number, order.payload_id = None, "SH-2", "po-2@example.jp"
    order.state, order.failure, order.claimed_at = OrderState.PENDING, "", None
    return order


LIMIT = datetime.timedelta(days=7)
SECOND = datetime.timedelta(seconds=1)


class TestAnOldCart:
    def test_past_its_limit_it_cannot_be_submitted(self, world):
        voucher = shopped(world)
        with time_machine.travel(timezone.now() + LIMIT + SECOND):
            response = press(world, "applicant", "submit", voucher)
        assert response.status_code == 400
        page = response.content.decode()
        assert "7 日を過ぎています" in page
        assert "もう一度買い物をして" in page
        voucher.refresh_from_db()
        assert voucher.status == "draft"

    def test_past_its_limit_only_the_final_approval_is_refused(self, world):
        voucher = lifecycle.submit(shopped(world), by=world.people["applicant"])
        with time_machine.travel(timezone.now() + LIMIT + SECOND):
            assert press(world, "manager", "approve", voucher).status_code == 302
            response = press(world, "director", "approve", voucher)
            assert response.status_code == 400
            page = response.content.decode()
            assert "7 日を過ぎています" in page
            filled = html.fromstring(page).get_element_by_id("comment").text
            assert "理由" in filled, "what was typed is kept"
            silent = press(world, "director", "approve", voucher, comment="").content.decode()
            filled = html.fromstring(silent).get_element_by_id("comment").text
            assert "もう一度買い物をして" in filled
            assert nothing_approved(voucher)
            assert press(world, "director", "return", voucher).status_code == 302

    def test_until_its_limit_it_is_ordered(self, world):
        voucher = at_the_last_point(world)
        with time_machine.travel(timezone.now() + LIMIT - 60 * SECOND):
            assert press(world, "director", "approve", voucher).status_code == 302
        assert PurchaseOrder.objects.exists()

    def test_its_limit_is_the_connections(self, world):
        voucher = at_the_last_point(world, cart_limit_days=10)
        with time_machine.travel(timezone.now() + LIMIT + SECOND):
            assert press(world, "director", "approve", voucher).status_code == 302

    def test_a_connection_may_only_warn(self, world):
        voucher = at_the_last_point(world, cart_limit_blocks=False)
        with time_machine.travel(timezone.now() + LIMIT + SECOND):
            assert press(world, "director", "approve", voucher).status_code == 302
        assert PurchaseOrder.objects.exists()

    def test_without_catalogue_lines_nothing_grows_old(self, world):
        voucher = lifecycle.submit(world.draft(), by=world.people["applicant"])
        approval.approve(voucher, by=world.people["manager"])
        with time_machine.travel(timezone.now() + 10 * LIMIT):
            assert press(world, "director", "approve", voucher).status_code == 302
