"""The client of the purchase-history API against a server that answers as a test says."""

import http.server
import json
import threading
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ordering import cells_with
from shopping import connect
from world import World

from punchout import history, reporting_api
from punchout.models import CatalogConnection, Exchange, HistoryImport, PurchaseRecord, SourceRow

pytestmark = pytest.mark.django_db

CLIENT_SECRET, REFRESH_TOKEN = "client-s3cret<&>", "Atzr|refresh-s3cret"
KEYS = {
    "shipmentLineItemReports": "shipmentLineItemsReport",
    "orderLineItemReports": "orderLineItemsReport",
}
Answer = tuple[int, dict[str, str], bytes]


def answer(value: object, status: int = 200, **headers: str) -> Answer:
    """JSON, or raw bytes."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return status, headers, body


def shipped(number: int, net: int = 1000) -> dict:
    """A shipped line as the API reports it."""
    tax = net // 10
    return {
        "orderLineItemId": f"L{number}",
        "purchaseOrderNumber": "SH-1",
        "purchaseOrderLineItemNumber": str(number),
        "quantity": 1,
        "taxRate": "10",
        "orderMetadata": {"orderId": f"249-{number}", "orderDate": "2026-04-01T00:00:00Z"},
        "shipmentMetadata": {"shipmentId": f"S{number}", "shipmentDate": "2026-04-02T00:00:00Z"},
        "productDetails": {"asin": "B0A", "title": f"ノート {number}"},
        "charges": [
            {"type": "SUBTOTAL", "amount": {"amount": net, "currencyCode": "JPY"}},
            {"type": "TAX", "amount": {"amount": tax, "currencyCode": "JPY"}},
        ],
    }


class Api:
    """Login and reports. ``tokens`` counts the logins, ``calls`` holds (report, page, token)."""

    def __init__(self) -> None:
        self.pages: list[list[dict]] = [[]]
        self.tokens = 0
        self.calls: list[tuple[str, str, str]] = []
        self.before: list[Callable[[str], Answer | None]] = []
        self.login: Callable[[], Answer] | None = None
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                assert form["client_secret"] == [CLIENT_SECRET]
                api.tokens += 1
                self.say(*(api.login() if api.login else answer({"access_token": api.token})))

            def do_GET(self) -> None:
                self.say(*api.report(self.path, self.headers.get("x-amz-access-token", "")))

            def say(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                if "Content_Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def token(self) -> str:
        return f"Atza|access-s3cret-{self.tokens}"

    def report(self, path: str, token: str) -> Answer:
        parts = urlsplit(path)
        name = parts.path.rsplit("/", 1)[-1]
        page = parse_qs(parts.query).get("nextPageToken", ["0"])[0]
        self.calls.append((name, page, token))
        if self.before:
            special = self.before.pop(0)(name)
            if special is not None:
                return special
        if token != self.token:
            return answer({"errors": [{"code": "Unauthorized"}]}, 403)
        if name == "orderLineItemReports":
            return answer({KEYS[name]: []})
        number = int(page)
        more = {"nextPageToken": str(number + 1)} if number + 1 < len(self.pages) else {}
        return answer({KEYS[name]: self.pages[number], **more})


@pytest.fixture
def api():
    running = Api()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture
def connection(api):
    return connect(
        World(),
        history_url=api.url,
        history_token_url=f"{api.url}/auth/o2/token",
        history_client_id="client",
        history_client_secret=CLIENT_SECRET,
        history_refresh_token=REFRESH_TOKEN,
    )


@pytest.fixture
def naps(monkeypatch):
    """How long it would have waited."""
    taken: list[float] = []
    monkeypatch.setattr(reporting_api.time, "sleep", taken.append)
    return taken


def stored() -> list[tuple[str, int]]:
    return sorted(PurchaseRecord.objects.values_list("supplier_order", "amount"))


def test_every_page_is_read_once(api, connection):
    api.pages = [[shipped(n) for n in range(start, start + 3)] for start in (1, 4, 7)]
    done = history.pull(connection)
    assert (done.rows, done.added) == (9, 9)
    pages = [page for name, page, _token in api.calls if name == "shipmentLineItemReports"]
    assert pages == ["0", "1", "2"]
    assert api.tokens == 1


def test_a_token_that_expires_between_two_pages_is_renewed_and_the_pull_goes_on(api, connection):
    api.pages = [[shipped(1)], [shipped(2)]]

    def expire(_name: str) -> None:
        api.tokens += 1

    api.before = [lambda _name: None, expire]
    assert history.pull(connection).added == 2
    assert len(stored()) == 2


def test_a_token_that_is_never_good_enough_ends_the_pull(api, connection):
    api.before = [lambda _name: answer({}, 403)] * 10
    with pytest.raises(reporting_api.HistoryUnavailable, match="HTTP 403"):
        history.pull(connection)
    assert len(api.calls) == 2, "once renewed, no more"
    assert not HistoryImport.objects.exists()


@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_refused_login_is_a_sentence_and_stores_nothing(api, connection, status):
    api.login = lambda: answer({"error": "invalid_client"}, status)
    with pytest.raises(reporting_api.HistoryUnavailable, match=f"認証に失敗.*HTTP {status}"):
        history.pull(connection)
    assert api.calls == [] and not PurchaseRecord.objects.exists()


@pytest.mark.parametrize(
    ("headers", "pause"),
    [({"x_amzn_RateLimit_Limit": "0.5"}, 2.0), ({"x_amzn_RateLimit_Limit": "odd"}, 2.0), ({}, 2.0)],
)
def test_too_many_calls_wait_as_long_as_the_rate_says(api, connection, naps, headers, pause):
    api.pages = [[shipped(1)]]
    api.before = [lambda _name: answer({}, 429, **headers)] * 2
    assert history.pull(connection).added == 1
    assert naps == [pause, pause]


def test_too_many_calls_without_end_give_up(api, connection, naps, monkeypatch):
    monkeypatch.setattr(reporting_api, "WAITING_SECONDS", 1.0)
    api.before = [lambda _name: answer({}, 429)] * 50
    with pytest.raises(reporting_api.HistoryUnavailable, match="回数制限"):
        history.pull(connection)
    assert len(api.calls) < 50


@pytest.mark.parametrize(
    "body",
    [
        b"<html>busy</html>",
        b"",
        b"[]",
        b"null",
        b'{"shipmentLineItemsReport": {}}',
        b'{"shipmentLineItemsReport": ["x", 1]}',
        b'{"other": []}',
        b"\xff\xfe",
    ],
)
def test_garbage_is_a_sentence_and_stores_nothing(api, connection, body):
    api.before = [lambda _name: answer(body)]
    with pytest.raises(reporting_api.HistoryUnavailable):
        history.pull(connection)
    assert not SourceRow.objects.exists()


def test_an_odd_row_is_reported_and_the_others_are_kept(api, connection):
    odd = shipped(2) | {"charges": [{"type": "SUBTOTAL", "amount": {"amount": "1.5"}}]}
    api.pages = [[shipped(1), odd, {}, shipped(3)]]
    done = history.pull(connection)
    assert (done.rows, done.added, done.bad) == (4, 2, 2)


def test_pages_without_end_are_noticed(api, connection):
    def same_again(name: str) -> Answer:
        return answer({KEYS[name]: [shipped(1)], "nextPageToken": "0"})

    api.before = [same_again] * 50
    with pytest.raises(reporting_api.HistoryUnavailable, match="終わりません"):
        history.pull(connection)
    assert len(api.calls) == 2 and not PurchaseRecord.objects.exists()


def test_a_connection_cut_in_a_page_stores_nothing_and_the_next_pull_has_it_all(api, connection):
    api.pages = [[shipped(1)], [shipped(2)]]
    cut = answer({KEYS["shipmentLineItemReports"]: []}, Content_Length="9999")
    api.before = [lambda _name: None, lambda _name: cut]
    with pytest.raises(reporting_api.HistoryUnavailable):
        history.pull(connection)
    assert stored() == []
    assert history.pull(connection).added == 2


def test_a_dripping_answer_ends_at_the_deadline(api, connection, monkeypatch):
    monkeypatch.setattr(reporting_api, "CALL_SECONDS", 0.5)

    def slow(_name: str) -> None:
        time.sleep(6)

    api.before = [slow]
    began = time.monotonic()
    with pytest.raises(reporting_api.HistoryUnavailable):
        history.pull(connection)
    assert time.monotonic() - began < 5


def test_no_secret_lies_in_a_table_or_a_log(api, connection, caplog, capfd):
    caplog.set_level("DEBUG")
    api.pages = [[shipped(1)]]
    api.before = [lambda _name: answer({"you_sent": api.token}, 403)]
    history.pull(connection)
    written = caplog.text + "".join(capfd.readouterr())
    for secret in (CLIENT_SECRET, REFRESH_TOKEN, "access-s3cret"):
        assert cells_with(secret) == []
        assert secret not in written
    assert Exchange.objects.exists(), "else nothing was written at all"


def test_one_supplier_that_is_away_does_not_keep_the_others_history_away(api, connection):
    api.pages = [[shipped(1)]]
    first = CatalogConnection.objects.get()
    other = CatalogConnection.objects.create(
        **{
            field.name: getattr(first, field.name)
            for field in CatalogConnection._meta.concrete_fields
            if field.name not in ("id", "name", "inbound_token", "inbound_token_hash")
        },
        name="もう一つの店",
    )
    CatalogConnection.objects.filter(pk=first.pk).update(history_url="http://127.0.0.1:9")
    call_command("pull_purchase_history")
    assert [record.connection for record in PurchaseRecord.objects.all()] == [other]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_any_split_into_pages_and_any_repetition_give_the_same_records(api, connection, data):
    numbers = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=8, unique=True))
    lines = [shipped(number, 1000 + number) for number in numbers]
    before = {order for order, _amount in stored()}
    for _ in range(data.draw(st.integers(1, 3))):
        shuffled = data.draw(st.permutations(lines))
        size = data.draw(st.integers(1, 4))
        api.pages = [shuffled[start : start + size] for start in range(0, len(shuffled), size)]
        history.pull(connection)
    expected = before | {f"249-{number}" for number in numbers}
    assert [order for order, _amount in stored()] == sorted(expected)
