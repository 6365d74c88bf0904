"""Sending an order to a real HTTP supplier: once, whatever comes of it."""

import datetime
import socket
import threading
import time
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone
from lxml import etree
from order_supplier import (
    Supplier,
    answers,
    breaks_off,
    closed_port,
    drips,
    drips_headers,
    hangs_up,
    is_silent,
    says,
    status,
    without_length,
)
from ordering import (
    ordered_at,
    page_of,
    sent,
    sweep_for_days,
)
from tls import make_certificate
from world import World

from punchout import dispatch, transport
from punchout.models import CatalogConnection, PurchaseOrder
from punchout.order_states import OrderState

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


class TestAccepted:
    @pytest.mark.parametrize(
        "answer",
        [
            answers(200),
            answers(201, "Accepted"),
            answers(299, "Odd but fine"),
            answers(200, http_status=500),
            without_length,
        ],
        ids=["200", "201", "class-2", "http-500-around-cxml-200", "no-length"],
    )
    def test_it_is_ordered_and_never_sent_again(self, world, answer):
        with Supplier(answer) as shop:
            order = ordered_at(shop.url, world)
            attempt = sent(order)
            assert (order.state, attempt.outcome) == ("ordered", "accepted")
            assert order.ordered_at and not order.needs_person
            sweep_for_days(order)
            assert (order.state, len(shop.received)) == ("ordered", 1)

    def test_a_plain_yes_leaves_nothing_to_read(self, world):
        with Supplier(answers(200)) as shop:
            order = ordered_at(shop.url, world)
            sent(order)
        assert order.reason == ""

    def test_an_error_text_inside_a_yes_is_shown(self, world):
        with Supplier(answers(200, "OK", "住所が不完全です")) as shop:
            order = ordered_at(shop.url, world)
            sent(order)
        assert order.state == "ordered"
        assert "住所が不完全です" in page_of(world, order)

    def test_a_missing_text_is_no_error(self, world):
        with Supplier(says('<cXML><Response><Status code="200"/></Response></cXML>')) as shop:
            order = ordered_at(shop.url, world)
            sent(order)
        assert (order.state, order.reason) == ("ordered", "")


class TestRejected:
    @pytest.mark.parametrize("code", [400, 401, 402, 403, 406, 412, 417, 450, 475, 477, 499, 444])
    def test_it_is_an_order_error_in_the_suppliers_words(self, world, code):
        with Supplier(answers(code, "Refused", "登録がありません")) as shop:
            order = ordered_at(shop.url, world)
            attempt = sent(order)
            assert (order.state, order.failure) == ("failed", "rejected")
            assert (attempt.outcome, attempt.status_code) == ("rejected", code)
            sweep_for_days(order)
            assert len(shop.received) == 1
        page = page_of(world, order)
        assert "発注エラー" in page and "登録がありません" in page


def _refused(world: World, _tmp_path: Path) -> PurchaseOrder:
    return ordered_at(f"http://127.0.0.1:{closed_port()}/orders", world)


def _no_such_name(world: World, _tmp_path: Path) -> PurchaseOrder:
    return ordered_at("http://shop.invalid/orders", world)


def _not_a_name(world: World, _tmp_path: Path) -> PurchaseOrder:
    return ordered_at("http://shop..invalid/orders", world)


def _not_tls(world: World, _tmp_path: Path) -> PurchaseOrder:
    listener = socket.create_server(("127.0.0.1", 0))

    def greet_in_plain() -> None:
        with listener:
            client, _address = listener.accept()
            with client:
                client.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

    threading.Thread(target=greet_in_plain, daemon=True).start()
    return ordered_at(f"https://localhost:{listener.getsockname()[1]}/orders", world)


def _without_a_password(world: World, _tmp_path: Path) -> PurchaseOrder:
    order = _refused(world, _tmp_path)
    CatalogConnection.objects.update(shared_secret="")
    return order


class TestSurelyNotDelivered:
    @pytest.mark.parametrize("code", [550, 551, 560])
    def test_a_supplier_that_processed_nothing_gets_the_identical_message_again(self, world, code):
        with Supplier(answers(code, "Later"), answers(200)) as shop:
            order = ordered_at(shop.url, world)
            document, began = bytes(order.document), timezone.now()
            attempt = sent(order)
            assert (order.state, attempt.outcome) == ("pending", "not_delivered")
            assert order.due_at - began >= datetime.timedelta(minutes=1)
            dispatch.sweep()
            assert len(shop.received) == 1, "not before its time"
            with time_machine.travel(order.due_at):
                dispatch.sweep()
            order.refresh_from_db()
            assert order.state == "ordered"
            first, second = shop.bodies
        assert first == second
        root = etree.fromstring(first)
        assert root.get("payloadID") == order.payload_id
        assert bytes(order.document) == document
        outcomes = order.attempts.values_list("number", "outcome", "status_code")
        assert list(outcomes) == [(1, "not_delivered", code), (2, "accepted", 200)]

    @pytest.mark.parametrize(
        "unreachable", [_refused, _no_such_name, _not_a_name, _not_tls, _without_a_password]
    )
    def test_without_a_connection_it_waits_for_the_next_try(self, world, tmp_path, unreachable):
        order = unreachable(world, tmp_path)
        attempt = sent(order)
        assert (order.state, attempt.outcome) == ("pending", "not_delivered")
        assert attempt.text and attempt.http_status is None
        assert order.due_at > timezone.now()
        assert order.claimed_at is None

    def test_a_certificate_of_nobody_we_know_is_not_talked_to(self, world, tmp_path):
        with Supplier(answers(200), certificate=make_certificate(tmp_path)) as shop:
            order = ordered_at(shop.url, world)
            attempt = sent(order)
            assert shop.received == []
        assert (order.state, attempt.outcome) == ("pending", "not_delivered")
        assert "証明書" in attempt.text

    def test_a_certificate_of_the_installations_own_authority_is(self, world, tmp_path, settings):
        certificate, key = make_certificate(tmp_path)
        settings.SUPPLIER_CA_BUNDLE = str(certificate)
        with Supplier(answers(200), certificate=(certificate, key)) as shop:
            order = ordered_at(shop.url, world)
            sent(order)
        assert order.state == "ordered"

    def test_a_proxy_of_the_environment_is_not_asked(self, world, monkeypatch):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with Supplier(answers(200)) as shop:
            order = ordered_at(shop.url, world)
            sent(order)
        assert order.state == "ordered"

    def test_when_the_tries_are_used_up_it_is_undeliverable(self, world):
        order = _refused(world, Path())
        waits = []
        for _ in range(20):
            if order.state != OrderState.PENDING:
                break
            with time_machine.travel(order.due_at, tick=False):
                began = timezone.now()
                dispatch.sweep()
                order.refresh_from_db()
                waits.append(order.due_at - began)
        assert (order.state, order.failure, order.tries) == ("failed", "undeliverable", 10)
        minutes = [wait.total_seconds() / 60 for wait in waits[:-1]]
        assert minutes == [1, 2, 5, 10, 20, 40, 60, 100, 150]
        assert sum(minutes) >= 6 * 60
        assert list(order.attempts.values_list("number", flat=True)) == list(range(1, 11))
        page = page_of(world, order)
        assert "発注エラー" in page and "不達" in page
        sweep_for_days(order)
        assert order.attempts.count() == 10

    def test_a_password_changed_between_two_tries_is_the_only_thing_that_differs(self, world):
        with Supplier(answers(560), answers(200)) as shop:
            order = ordered_at(shop.url, world)
            sent(order)
            CatalogConnection.objects.update(shared_secret="new one")
            with time_machine.travel(order.due_at):
                dispatch.sweep()
            first, second = (etree.fromstring(body) for body in shop.bodies)
        secrets = [root.find(".//SharedSecret") for root in (first, second)]
        assert [secret.text for secret in secrets] == ["s3cret<&>", "new one"]
        for secret in secrets:
            secret.getparent().remove(secret)
        assert etree.tostring(first) == etree.tostring(second)


class TestUnknown:
    @pytest.mark.parametrize(
        "answer",
        [
            hangs_up,
            breaks_off,
            is_silent,
            drips,
            drips_headers,
            says("<html><h1>Internal Server Error</h1></html>", 500),
            says("<html><h1>Not Found</h1></html>", 404),
            says("<html>", 503),
            answers(409, "Conflict"),
            answers(500, "Internal"),
            answers(599, "Odd"),
            answers(302, "Odd"),
            says("garbage &&&"),
            says(""),
            says('<!DOCTYPE cXML [<!ENTITY a "b">]>' + status(200)),
            says("<cXML><Response/></cXML>"),
        ],
        ids=[
            "hangs-up-after-reading", "breaks-off", "silent", "drips", "drips-headers", "html-500",
            "html-404", "html-503", "cxml-409", "cxml-500", "cxml-599", "cxml-302", "garbage",
            "empty", "entities", "no-status",
        ],
    )  # fmt: skip
    def test_a_person_has_to_look_and_nothing_is_sent_again(self, world, monkeypatch, answer):
        monkeypatch.setattr(dispatch, "POST_SECONDS", 0.8)
        with Supplier(answer) as shop:
            order = ordered_at(shop.url, world)
            began = time.monotonic()
            attempt = sent(order)
            assert time.monotonic() - began < 5, "the deadline is for everything together"
            assert (order.state, attempt.outcome) == ("unknown", "unknown")
            assert order.needs_person and attempt.text
            sweep_for_days(order)
            assert (order.state, len(shop.received)) == ("unknown", 1)
        assert "要確認" in page_of(world, order)

    def test_a_supplier_that_closes_before_reading_may_still_have_read(self, world):
        listener = socket.create_server(("127.0.0.1", 0))

        def close_at_once() -> None:
            with listener:
                listener.accept()[0].close()

        threading.Thread(target=close_at_once, daemon=True).start()
        order = ordered_at(f"http://127.0.0.1:{listener.getsockname()[1]}/", world)
        sent(order)
        assert order.state == "unknown"

    @pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, world, code):
        with Supplier(answers(200)) as elsewhere:
            with Supplier(says("", code, Location=elsewhere.url)) as shop:
                order = ordered_at(shop.url, world)
                attempt = sent(order)
                assert len(shop.received) == 1
            assert elsewhere.received == []
        assert (order.state, attempt.http_status) == ("unknown", code)

    def test_an_answer_without_end_is_cut(self, world, monkeypatch):
        monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 1000)
        with Supplier(says(status(200) + " " * 2000)) as shop:
            order = ordered_at(shop.url, world)
            attempt = sent(order)
        assert order.state == "unknown"
        assert "大きすぎます" in attempt.text
