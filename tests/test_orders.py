"""From the last approval to the supplier and back: once, whatever the supplier does."""

import http.server
import threading
import time

import pytest
from cxml_documents import Line, request, valid
from django.db import connection as database
from django.db import transaction
from django.db.utils import DatabaseError
from django.test import Client
from django.utils import timezone
from shopping import bring_back, connect, go_shopping
from world import World

from expenses import approval, lifecycle
from expenses.models import Voucher
from expenses.signals import Blocked, voucher_transition
from punchout import carts, dispatch
from punchout.models import Exchange, OrderAttempt, PurchaseOrder, SupplierDocument
from punchout.order_states import MOVES, OrderState, state_changes

pytestmark = pytest.mark.django_db

SECRET = "s3cret<&>"
STATUS = (
    '<?xml version="1.0"?><cXML payloadID="a@shop" timestamp="2026-04-01T00:00:00Z"><Response>'
    '<Status code="{code}" text="{text}">{message}</Status></Response></cXML>'
)


class Supplier:
    """A real HTTP server; ``answer`` decides what each order gets."""

    def __init__(self, answer) -> None:
        received = self.received = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                received.append(self.rfile.read(int(self.headers["Content-Length"])))
                answer(self)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/orders"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def says(body: str, status: int = 200):
    def answer(handler) -> None:
        data = body.encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def status(code, text="OK", message=""):
    return says(STATUS.format(code=code, text=text, message=message))


def hangs_up(handler) -> None:
    handler.connection.close()


def drips(handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(100):
        try:
            handler.wfile.write(b" ")
            handler.wfile.flush()
        except OSError:
            return
        time.sleep(0.1)


@pytest.fixture
def supplier():
    running = []

    def start(answer) -> Supplier:
        running.append(Supplier(answer))
        return running[-1]

    yield start
    for one in running:
        one.server.shutdown()
        one.server.server_close()


def approved(order_url: str = "http://127.0.0.1:9/orders", world: World | None = None):
    """A catalogue request, approved by both; gives (world, order)."""
    world = world or World()
    session = go_shopping(world, connect(world, order_url=order_url), world.draft())
    bring_back(session, Line(), Line(part_id="B2", auxiliary_id="358-1,2", rate="8.00"))
    carts.apply(session, by=world.people["applicant"])
    voucher = lifecycle.submit(session.voucher, by=world.people["applicant"])
    approval.approve(voucher, by=world.people["manager"])
    approval.approve(voucher, by=world.people["director"])
    return world, PurchaseOrder.objects.get()


def test_the_order_is_valid_complete_and_without_the_secret():
    _world, order = approved()
    root = valid(bytes(order.document))
    assert SECRET.encode() not in bytes(order.document)
    assert "s3cret" not in bytes(order.document).decode()
    header = root.find(".//OrderRequestHeader")
    assert header.get("orderID") == order.number == order.voucher.number
    assert header.findtext("Total/Money") == str(order.total)
    auxiliary = [node.text for node in root.iter("SupplierPartAuxiliaryID")]
    assert auxiliary == ["358-1234567-1234567,1", "358-1,2"]
    assert root.findtext(".//ShipTo/Address/PostalAddress/City") == "千代田区"


def test_approval_and_order_are_committed_together_or_not_at_all(monkeypatch):
    world = World()

    def refuse(sender, voucher, action, **kwargs):
        if action == "final_approve":
            raise Blocked("だめです")

    voucher_transition.connect(refuse)
    try:
        with pytest.raises(Blocked):
            approved(world=world)
    finally:
        voucher_transition.disconnect(refuse)
    assert not PurchaseOrder.objects.exists()
    assert Voucher.objects.get().status == "submitted"


def test_a_request_without_catalogue_lines_orders_nothing():
    World().slip_in("approved")
    assert not PurchaseOrder.objects.exists()


@pytest.mark.parametrize(
    ("answer", "state", "outcome"),
    [
        (status(200), "ordered", "accepted"),
        (status(201, "Accepted"), "ordered", "accepted"),
        (status(401, "Unauthorized"), "failed", "rejected"),
        (status(409, "Conflict"), "unknown", "unknown"),
        (status(550, "Unable"), "pending", "not_delivered"),
        (status(560, "Temporary"), "pending", "not_delivered"),
        (status(500, "Internal"), "unknown", "unknown"),
        (status(599, "Odd"), "unknown", "unknown"),
        (says("<html>oops</html>", 500), "unknown", "unknown"),
        (says("<html>gone</html>", 404), "unknown", "unknown"),
        (says("garbage &&&"), "unknown", "unknown"),
        (says("", 302), "unknown", "unknown"),
        (hangs_up, "unknown", "unknown"),
    ],
)
def test_what_came_of_a_try(supplier, answer, state, outcome):
    shop = supplier(answer)
    _world, order = approved(shop.url)
    dispatch.sweep()
    order.refresh_from_db()
    assert (order.state, order.attempts.get().outcome) == (state, outcome)
    assert len(shop.received) == 1
    assert b"s3cret&lt;&amp;&gt;" in shop.received[0]
    for _ in range(3):
        dispatch.sweep()
    assert len(shop.received) == 1, "never again by itself, or not before its time"
    assert "s3cret" not in Exchange.objects.get(message="OrderRequest").request


def test_an_error_text_inside_200_is_kept_for_people(supplier):
    shop = supplier(status(200, "OK", "住所が不完全です"))
    _world, order = approved(shop.url)
    dispatch.sweep()
    order.refresh_from_db()
    assert order.state == "ordered"
    assert "住所が不完全です" in order.reason


def test_a_slow_drip_ends_at_the_total_deadline(supplier, monkeypatch):
    monkeypatch.setattr(dispatch, "POST_SECONDS", 1.0)
    shop = supplier(drips)
    _world, order = approved(shop.url)
    began = time.monotonic()
    dispatch.sweep()
    assert time.monotonic() - began < 4
    order.refresh_from_db()
    assert order.state == "unknown"


def test_the_same_document_is_sent_again_until_the_tries_are_used_up():
    _world, order = approved("http://127.0.0.1:9/orders")
    document, waits = bytes(order.document), []
    for _ in range(20):
        order.refresh_from_db()
        if order.state != "pending":
            break
        waits.append((order.due_at - timezone.now()).total_seconds())
        PurchaseOrder.objects.update(due_at=timezone.now())
        dispatch.sweep()
    assert (order.state, order.failure, order.tries) == ("failed", "undeliverable", 10)
    assert sum(waits) > 6 * 3600
    assert bytes(order.document) == document
    assert order.attempts.count() == 10


def test_the_retry_sends_the_identical_message(supplier):
    answers = iter([status(560), status(200)])
    shop = supplier(lambda handler: next(answers)(handler))
    _world, order = approved(shop.url)
    dispatch.sweep()
    PurchaseOrder.objects.update(due_at=timezone.now())
    dispatch.sweep()
    order.refresh_from_db()
    assert order.state == "ordered"
    assert shop.received[0] == shop.received[1]


def test_a_dead_workers_claim_becomes_a_question_for_a_person_never_a_second_sending(supplier):
    shop = supplier(status(200))
    _world, order = approved(shop.url)
    assert dispatch._claim(order.pk)
    PurchaseOrder.objects.update(claimed_at=timezone.now() - timezone.timedelta(minutes=6))
    assert dispatch.sweep() == {"sent": 0, "abandoned": 1}
    order.refresh_from_db()
    assert order.state == "unknown"
    assert not shop.received


@pytest.mark.parametrize("field", ["payload_id", "timestamp", "number", "document", "total"])
def test_an_order_is_frozen_in_the_database(field):
    _world, order = approved()
    value = {"timestamp": timezone.now(), "document": b"x", "total": 1}.get(field, "other")
    with pytest.raises(DatabaseError), transaction.atomic():
        PurchaseOrder.objects.filter(pk=order.pk).update(**{field: value})


def test_the_database_refuses_order_states_outside_the_table():
    _world, order = approved()
    for target in OrderState:
        if (OrderState.PENDING.value, target.value) in state_changes() or target == order.state:
            continue
        with pytest.raises(DatabaseError), transaction.atomic():
            PurchaseOrder.objects.filter(pk=order.pk).update(state=target, failure="rejected")
    assert MOVES[OrderState.FAILED] == {OrderState.ORDERED}


def test_at_most_one_live_order_per_request():
    _world, order = approved()
    order.pk, order.number, order.payload_id = None, "other", "other@x"
    with pytest.raises(DatabaseError), transaction.atomic():
        order.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def run_at_once(self, *jobs):
        start, results = threading.Barrier(len(jobs)), []

        def run(job):
            try:
                start.wait()
                results.append(job())
            except Exception as error:
                results.append(type(error).__name__)
            finally:
                database.close()

        threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    def test_two_senders_at_once_send_once(self, supplier):
        shop = supplier(status(200))
        _world, order = approved(shop.url)
        results = self.run_at_once(*[lambda: dispatch.send(order.pk)] * 4)
        assert sorted(results) == [False, False, False, True]
        assert len(shop.received) == 1

    def test_control_without_the_claim_both_would_send(self, supplier):
        shop = supplier(status(200))
        _world, order = approved(shop.url)
        self.run_at_once(*[lambda: dispatch._post(order)] * 2)
        assert len(shop.received) == 2, "if this fails, the test above is useless"

    def test_the_final_approval_pressed_twice_orders_once(self):
        world = World()
        session = go_shopping(world, connect(world), world.draft())
        bring_back(session, Line())
        carts.apply(session, by=world.people["applicant"])
        voucher = lifecycle.submit(session.voucher, by=world.people["applicant"])
        approval.approve(voucher, by=world.people["manager"])
        director = world.people["director"]
        results = self.run_at_once(*[lambda: approval.approve(voucher, by=director)] * 3)
        assert results.count("WrongStatus") == 2
        assert PurchaseOrder.objects.count() == 1

    def test_withdrawal_and_final_approval_at_once_one_wins_cleanly(self):
        world = World()
        voucher = lifecycle.submit(world.draft(), by=world.people["applicant"])
        approval.approve(voucher, by=world.people["manager"])
        results = self.run_at_once(
            lambda: approval.approve(voucher, by=world.people["director"]),
            lambda: lifecycle.withdraw(voucher, by=world.people["applicant"]),
        )
        voucher.refresh_from_db()
        assert results.count("WrongStatus") == 1
        assert voucher.status in ("approved", "withdrawn")


@pytest.mark.django_db(transaction=True)
def test_redis_away_during_the_approval_still_answers_and_loses_nothing(supplier, caplog):
    from rakuraku.celery import app

    shop = supplier(status(200))
    before = app.conf.broker_url
    app.pool.force_close_all()
    app.conf.broker_url = "redis://127.0.0.1:9/0"
    app.amqp._producer_pool = None
    app._pool = None
    try:
        began = time.monotonic()
        _world, order = approved(shop.url)
        assert time.monotonic() - began < 5
    finally:
        app.conf.broker_url = before
        app.amqp._producer_pool = None
        app._pool = None
    assert "on_commit" in caplog.text, "the worker could not be woken"
    dispatch.sweep()
    order.refresh_from_db()
    assert order.state == "ordered"


class TestInbound:
    def post(self, connection, document, token=None):
        token = token or connection.inbound_token
        response = Client(enforce_csrf_checks=True).post(
            f"/punchout/cxml/{token}", document, content_type="text/xml"
        )
        assert response.status_code == 200
        return response.content.decode()

    def confirmation(self, order, *lines, confirm="249-1", payload="c-1@shop", kind="detail"):
        items = "".join(
            f'<ConfirmationItem lineNumber="{line}" quantity="{quantity}">'
            "<UnitOfMeasure>EA</UnitOfMeasure>"
            f'<ConfirmationStatus quantity="{quantity}" type="{kind}">'
            "<UnitOfMeasure>EA</UnitOfMeasure></ConfirmationStatus></ConfirmationItem>"
            for line, quantity in lines
        )
        return request(
            f'<ConfirmationRequest><ConfirmationHeader confirmID="{confirm}" type="{kind}"'
            f' noticeDate="2026-04-02T00:00:00Z"/><OrderReference orderID="{order.number}">'
            f'<DocumentReference payloadID="{order.payload_id}"/></OrderReference>{items}'
            "</ConfirmationRequest>",
            payload_id=payload,
        )

    def ship(self, order, *lines, shipment="S1", payload="s-1@shop"):
        items = "".join(
            f'<ShipNoticeItem lineNumber="{line}" quantity="{quantity}">'
            "<UnitOfMeasure>EA</UnitOfMeasure></ShipNoticeItem>"
            for line, quantity in lines
        )
        return request(
            f'<ShipNoticeRequest><ShipNoticeHeader shipmentID="{shipment}"'
            ' noticeDate="2026-04-03T00:00:00Z" shipmentDate="2026-04-03T00:00:00Z"/>'
            '<ShipControl><CarrierIdentifier domain="companyName">ヤマト運輸</CarrierIdentifier>'
            "<ShipmentIdentifier>1234-5678</ShipmentIdentifier></ShipControl>"
            f'<ShipNoticePortion><OrderReference orderID="{order.number}">'
            f'<DocumentReference payloadID="{order.payload_id}"/></OrderReference>{items}'
            "</ShipNoticePortion></ShipNoticeRequest>",
            payload_id=payload,
        )

    def counters(self, order):
        return list(order.lines.values_list("confirmed", "shipped", "cancelled", "contradiction"))

    @pytest.mark.parametrize("turn", [1, -1])
    def test_documents_in_any_order_and_twice_give_the_same_counters(self, turn):
        _world, order = approved()
        documents = [
            self.confirmation(order, (1, 2)),
            self.confirmation(order, (2, 2), confirm="250-1", payload="c-2@shop"),
            self.ship(order, (1, 1)),
            self.ship(order, (1, 1), (2, 2), shipment="S2", payload="s-2@shop"),
        ][::turn]
        for document in documents * 2:
            assert 'code="200"' in self.post(order.connection, document)
        assert self.counters(order) == [(2, 2, 0, ""), (2, 2, 0, "")]
        assert SupplierDocument.objects.count() == 4

    def test_a_confirmation_before_our_own_answer_settles_the_order(self):
        _world, order = approved()
        attempt = dispatch._claim(order.pk)
        self.post(order.connection, self.confirmation(order, (1, 2)))
        order.refresh_from_db()
        assert order.state == "ordered"
        late = dispatch.Result(OrderAttempt.Outcome.UNKNOWN, "時間切れ")
        dispatch._settle(attempt, late, 1)
        order.refresh_from_db()
        assert order.state == "ordered"

    def test_a_confirmation_answers_the_question_of_an_unknown_outcome(self, supplier):
        shop = supplier(hangs_up)
        _world, order = approved(shop.url)
        dispatch.sweep()
        self.post(order.connection, self.confirmation(order, (1, 2)))
        order.refresh_from_db()
        assert (order.state, order.needs_person) == ("ordered", "")

    def test_a_rejection_of_everything_is_an_order_error_in_words(self):
        _world, order = approved()
        document = self.confirmation(order, (1, 2), (2, 2), confirm="", kind="reject")
        self.post(order.connection, document)
        order.refresh_from_db()
        assert (order.state, order.failure) == ("failed", "rejected")

    def test_more_confirmed_than_ordered_is_flagged_not_refused(self):
        _world, order = approved()
        assert 'code="200"' in self.post(order.connection, self.confirmation(order, (1, 5)))
        assert "合計が 5" in order.lines.get(line_number=1).contradiction

    @pytest.mark.parametrize("quantity", ["9" * 30, "0", "-3", "1.5"])
    def test_absurd_quantities_are_answered_and_never_break_the_ledger(self, quantity):
        _world, order = approved()
        document = self.confirmation(order, (1, quantity))
        self.post(order.connection, document)
        self.post(order.connection, self.ship(order, (1, quantity)))
        assert all(count >= 0 for row in self.counters(order) for count in row[:3])

    def test_a_date_at_the_end_of_the_calendar_is_ignored(self):
        _world, order = approved()
        document = self.confirmation(order, (1, 2)).replace(
            b"2026-04-02T00:00:00Z", b"9999-12-31T23:59:59Z"
        )
        assert 'code="200"' in self.post(order.connection, document)

    def test_a_message_about_an_unknown_order_is_kept_and_answered_200(self):
        _world, order = approved()
        document = self.confirmation(order, (1, 1)).replace(order.number.encode(), b"NOBODY")
        assert 'code="200"' in self.post(order.connection, document)
        assert SupplierDocument.objects.get().order is None

    def test_a_wrong_token_is_one_line_without_a_body(self):
        _world, order = approved()
        before = Exchange.objects.count()
        answer = self.post(order.connection, self.confirmation(order, (1, 1)), token="wrong")
        assert 'code="401"' in answer
        assert Exchange.objects.count() == before + 1
        assert Exchange.objects.first().request == ""
        assert not SupplierDocument.objects.exists()

    def test_wrong_basic_authentication_is_refused(self):
        _world, order = approved()
        order.connection.inbound_user, order.connection.inbound_password = "shop", "pässwört"
        order.connection.save()
        assert 'code="401"' in self.post(order.connection, self.confirmation(order, (1, 1)))

    @pytest.mark.parametrize(
        ("document", "code"),
        [
            (b"not xml", 400),
            (b"", 400),
            (b'<!DOCTYPE cXML [<!ENTITY x "y">]><cXML payloadID="1">&x;</cXML>', 406),
            (b"<cXML>" + b" " * 10_000_001, 413),
        ],
    )
    def test_bad_documents_are_answered_in_cxml(self, document, code):
        _world, order = approved()
        assert f'code="{code}"' in self.post(order.connection, document)
        assert not SupplierDocument.objects.exists()

    def test_a_profile_request_is_answered_with_what_we_take(self):
        _world, order = approved()
        answer = self.post(order.connection, request("<ProfileRequest/>"))
        assert "ConfirmationRequest" in answer
        logged = Exchange.objects.first()
        assert order.connection.inbound_token not in logged.response
