"""What is kept of every try, also of one whose worker died."""

import datetime

import pytest
import time_machine
from django.db import DatabaseError
from order_supplier import Supplier, answers, closed_port, hangs_up
from ordering import ordered_at, page_of, sent, sweep_for_days
from world import World

from punchout import dispatch, transport
from punchout.models import Exchange, OrderAttempt

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


class TestTheRecord:
    def test_every_try_is_a_row_with_what_came_of_it(self, world):
        with Supplier(answers(560, "Later"), hangs_up) as shop:
            order = ordered_at(shop.url, world)
            sent(order)
            with time_machine.travel(order.due_at):
                dispatch.sweep()
        first, second = order.attempts.all()
        assert (first.number, first.outcome, first.http_status) == (1, "not_delivered", 200)
        assert "560 Later" in first.text
        assert (second.number, second.outcome, second.http_status) == (2, "unknown", None)
        assert first.duration_ms is not None and second.duration_ms is not None

    def test_every_message_stands_in_the_exchange_log(self, world):
        with Supplier(answers(401, "Unauthorized")) as shop:
            order = ordered_at(shop.url, world)
            sent(order)
        logged = Exchange.objects.get(message="OrderRequest")
        assert (logged.order_number, logged.status_code, logged.accepted) == (
            order.number, 401, False,
        )  # fmt: skip
        assert order.payload_id in logged.request
        assert "Unauthorized" in logged.response

    def test_the_outcome_stands_even_if_its_record_cannot_be_written(self, world, monkeypatch):
        def fails(*_args, **_kwargs):
            raise DatabaseError("disk full")

        with Supplier(answers(200)) as shop:
            order = ordered_at(shop.url, world)
            monkeypatch.setattr(dispatch.exchange_log, "log", fails)
            sent(order)
        assert order.state == "ordered"


class TestADeadWorker:
    @pytest.fixture
    def claimed(self, world, monkeypatch):
        """An order whose worker was killed while it posted."""
        order = ordered_at(f"http://127.0.0.1:{closed_port()}/", world)

        def killed(*_args, **_kwargs):
            raise SystemExit

        with monkeypatch.context() as patched:
            patched.setattr(transport, "exchange", killed)
            with pytest.raises(SystemExit):
                dispatch.send(order.pk)
        order.refresh_from_db()
        assert order.state == "sending"
        return order

    def test_its_order_is_left_alone_while_it_may_still_live(self, claimed):
        with time_machine.travel(claimed.claimed_at + datetime.timedelta(minutes=4)):
            assert dispatch.sweep() == {"sent": 0, "abandoned": 0}

    def test_its_order_becomes_a_question_for_a_person(self, world, claimed):
        with time_machine.travel(claimed.claimed_at + datetime.timedelta(minutes=6)):
            assert dispatch.sweep() == {"sent": 0, "abandoned": 1}
            assert dispatch.sweep() == {"sent": 0, "abandoned": 0}
        sweep_for_days(claimed)
        assert (claimed.state, claimed.tries) == ("unknown", 1)
        assert claimed.attempts.get().outcome == "unknown"
        assert "処理が止まりました" in page_of(world, claimed)

    def test_its_late_word_is_kept_and_changes_nothing(self, claimed):
        with time_machine.travel(claimed.claimed_at + datetime.timedelta(minutes=6)):
            dispatch.sweep()
        late = dispatch.Result(OrderAttempt.Outcome.REJECTED, "401 Unauthorized", 200, 401)
        dispatch._settle(claimed.attempts.get(), late, 400_000)
        claimed.refresh_from_db()
        assert claimed.state == "unknown"
        assert claimed.attempts.get().outcome == "rejected"
