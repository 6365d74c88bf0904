"""Several senders, lost and doubled messages, no Redis: an order still goes out once."""

import datetime
import itertools
import socket
import threading
import time

import pytest
from celery import Celery
from django.db import connection as database
from django.db.models import F
from django.utils import timezone
from order_supplier import (
    Handler,
    Supplier,
    answers,
    closed_port,
    takes_its_time,
)
from ordering import (
    at_once,
    at_the_last_point,
    ordered_at,
    press,
    sent,
)
from world import World

from punchout import dispatch
from punchout.models import OrderAttempt, PurchaseOrder
from punchout.order_states import OrderState
from punchout.tasks import send_order, sweep_orders
from rakuraku.celery import app

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


@pytest.mark.django_db(transaction=True)
class TestTwoSenders:
    def test_control_who_looks_before_claiming_sends_twice(self, world, monkeypatch):
        """If this fails, the test below shows nothing."""
        both_have_looked, numbers = threading.Barrier(2), itertools.count(1)

        def look_then_claim(pk: int) -> OrderAttempt | None:
            if not PurchaseOrder.objects.due().filter(pk=pk).exists():
                return None
            both_have_looked.wait(10)
            now = timezone.now()
            PurchaseOrder.objects.filter(pk=pk).update(
                state=OrderState.SENDING, claimed_at=now, tries=F("tries") + 1
            )
            order = PurchaseOrder.objects.select_related("connection", "voucher").get(pk=pk)
            return OrderAttempt.objects.create(order=order, number=next(numbers))

        monkeypatch.setattr(dispatch, "_claim", look_then_claim)
        with Supplier(takes_its_time) as shop:
            order = ordered_at(shop.url, world)
            assert at_once(*[lambda: dispatch.send(order.pk)] * 2) == [True, True]
            assert len(shop.received) == 2

    def test_one_of_them_sends(self, world):
        with Supplier(takes_its_time) as shop:
            order = ordered_at(shop.url, world)
            results = at_once(*[lambda: dispatch.send(order.pk)] * 4)
            assert sorted(results) == [False, False, False, True]
            assert len(shop.received) == 1
        assert order.attempts.count() == 1

    def test_a_sweep_beside_a_sender_sends_nothing_more(self, world):
        with Supplier(takes_its_time) as shop:
            order = ordered_at(shop.url, world)
            at_once(lambda: dispatch.send(order.pk), dispatch.sweep, dispatch.sweep)
            assert len(shop.received) == 1

    def test_two_sweeps_give_up_a_dead_workers_order_once(self, world):
        order = ordered_at(f"http://127.0.0.1:{closed_port()}/", world)
        long_ago = timezone.now() - datetime.timedelta(hours=1)
        PurchaseOrder.objects.update(state=OrderState.SENDING, claimed_at=long_ago, tries=1)
        results = at_once(*[dispatch.sweep] * 3)
        assert sorted(result["abandoned"] for result in results) == [0, 0, 1]
        assert order.voucher.events.filter(action="order_unknown").count() == 1

    def test_others_see_the_claim_before_the_supplier_sees_the_order(self, world):
        """No transaction is open while it is posted: its claim is committed by then."""
        seen = []

        def looks(handler: Handler) -> None:
            seen.extend(PurchaseOrder.objects.values_list("state", "attempts__number"))
            database.close()
            answers(200)(handler)

        with Supplier(looks) as shop:
            sent(ordered_at(shop.url, world))
        assert seen == [("sending", 1)]


@pytest.mark.django_db(transaction=True)
class TestMessagesToTheWorker:
    def test_doubled_ones_do_no_harm(self, world):
        with Supplier(answers(200)) as shop:
            order = ordered_at(shop.url, world)
            for _ in range(3):
                assert send_order.apply(args=[order.pk]).successful()
                assert sweep_orders.apply().successful()
            assert len(shop.received) == 1

    def test_lost_ones_do_no_harm(self, world):
        with Supplier(answers(200)) as shop:
            ordered_at(shop.url, world)
            assert sweep_orders.apply().successful()
            assert len(shop.received) == 1

    def test_one_about_an_order_that_does_not_exist_does_no_harm(self):
        assert send_order.apply(args=[10**9]).successful()

    def test_one_before_its_time_does_not_hurry_the_order(self, world):
        with Supplier(answers(560)) as shop:
            order = ordered_at(shop.url, world)
            sent(order)
            send_order.apply(args=[order.pk])
            assert len(shop.received) == 1


@pytest.fixture(params=["refused", "silent"])
def redis_away(request, settings):
    """A broker and a cache that refuse connections, or take them and never answer."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
    if request.param == "refused":
        listener.close()
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": url}}
    lonely = Celery("lonely", set_as_current=False)
    lonely.config_from_object("django.conf:settings", namespace="CELERY")
    lonely.conf.broker_url = url
    lonely.set_current()
    yield
    app.set_current()
    lonely.close()
    listener.close()


@pytest.mark.django_db(transaction=True)
def test_with_redis_away_the_page_still_answers_and_the_sweep_sends_the_order(
    world, redis_away, caplog
):
    with Supplier(answers(200)) as shop:
        voucher = at_the_last_point(world, order_url=shop.url)
        began = time.monotonic()
        response = press(world, "director", "approve", voucher)
        assert time.monotonic() - began < 5
        assert response.status_code == 302
        assert "on_commit" in caplog.text, "else the worker was woken, and this shows nothing"
        order = PurchaseOrder.objects.get()
        assert (order.state, shop.received) == ("pending", [])
        assert sent(order).outcome == "accepted"
        assert len(shop.received) == 1
    assert order.state == "ordered"
