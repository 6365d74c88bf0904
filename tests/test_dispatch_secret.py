"""Where the shared secret travels, and that it lies nowhere, whatever a supplier quotes."""

import base64
import html

import pytest
from cxml_documents import valid
from order_supplier import Handler, Supplier, answers, says, status
from ordering import cells_with, ordered_at, sent
from world import World

pytestmark = pytest.mark.django_db

SECRET = 's3cret<&>"秘密'
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


@pytest.fixture
def world():
    return World()


def test_it_travels_in_the_message_and_nowhere_else(world):
    with Supplier(answers(200)) as shop:
        sent(ordered_at(shop.url, world, shared_secret=SECRET))
    (headers, body) = shop.received[0]
    root = valid(body)
    assert root.findtext("Header/Sender/Credential/SharedSecret") == SECRET
    assert len(root.findall(".//SharedSecret")) == 1
    assert headers["Content-Type"] == "text/xml; charset=UTF-8"
    assert "Authorization" not in headers


@pytest.mark.parametrize("secret", ["plain", SECRET])
def test_basic_authentication_carries_the_same_pair_in_utf_8_if_the_connection_says_so(
    world, secret
):
    with Supplier(answers(200)) as shop:
        sent(ordered_at(shop.url, world, shared_secret=secret, order_basic_auth=True))
    (headers, _body) = shop.received[0]
    pair = base64.b64encode(f"rakuraku:{secret}".encode()).decode()
    assert headers["Authorization"] == f"Basic {pair}"


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
    world, caplog, capfd, code, echo
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
