"""What is kept of every try, and where the shared secret is not."""

import base64
import datetime
import html

import pytest
import time_machine
from cxml_documents import valid
from order_supplier import (
    Handler,
    Supplier,
    answers,
    closed_port,
    hangs_up,
    says,
    status,
)
from ordering import (
    cells_with,
    ordered_at,
    page_of,
    sent,
    sweep_for_days,
)
from world import World

from punchout import dispatch, transport
from punchout.models import Exchange, OrderAttempt

SECRET = 's3cret<&>"秘密'

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


class TestTheSecret:
    def test_it_travels_in_the_message_and_nowhere_else(self, world):
        with Supplier(answers(200)) as shop:
            sent(ordered_at(shop.url, world, shared_secret=SECRET))
        (headers, body) = shop.received[0]
        root = valid(body)
        assert root.findtext("Header/Sender/Credential/SharedSecret") == SECRET
        assert len(root.findall(".//SharedSecret")) == 1
        assert headers["Content-Type"] == "text/xml; charset=UTF-8"
        assert "Authorization" not in headers

    def test_basic_authentication_carries_the_same_pair_if_the_connection_says_so(self, world):
        with Supplier(answers(200)) as shop:
            sent(ordered_at(shop.url, world, shared_secret="plain", order_basic_auth=True))
        (headers, _body) = shop.received[0]
        assert headers["Authorization"] == "Basic " + base64.b64encode(b"rakuraku:plain").decode()

    @pytest.mark.parametrize("code", [200, 401, 560, 500])
    @pytest.mark.parametrize(
        "echo",
        [
            lambda body: body,
            lambda body: f"<html><pre>{html.escape(body)}</pre></html>",
            lambda body: f"<html>You sent: {SECRET}</html>",
            lambda body: f"<html>You sent: {html.escape(SECRET)}</html>",
            lambda body: f"Authorization: Basic {BASIC}",
            lambda body: status(401, f"bad password {SECRET}", f"bad password {SECRET}"),
        ],
        ids=["request", "escaped-request", "bare", "escaped", "basic-header", "status-text"],
    )
    def test_it_lies_in_no_table_and_no_log_whatever_the_supplier_echoes(
        self, world, caplog, capfd, code, echo
    ):
        caplog.set_level("DEBUG")

        def echoes(handler: Handler) -> None:
            says(echo(shop.bodies[-1].decode()), code)(handler)

        with Supplier(echoes) as shop:
            order = ordered_at(shop.url, world, shared_secret=SECRET, order_basic_auth=True)
            sent(order)
        assert cells_with(order.payload_id), "else the search finds nothing anywhere"
        assert [form for form in FORMS if cells_with(form)] == []
        written = caplog.text + "".join(capfd.readouterr())
        assert order.number in written, "else there was nothing to look through"
        assert [form for form in FORMS if form in written] == []


BASIC = base64.b64encode(f"rakuraku:{SECRET}".encode()).decode()
FORMS = [
    SECRET,
    html.escape(SECRET),
    html.escape(SECRET, quote=False),
    html.escape(html.escape(SECRET)),
    html.escape(html.escape(SECRET, quote=False)),
    BASIC,
]
"""How the secret can be written down."""


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
        from django.db import DatabaseError

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
