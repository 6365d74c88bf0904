"""The sandbox supplier: orders, what it answers, confirms and ships, and its faults."""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import etree
from sandbox_buyer import CONTROL, SECRET, Buyer, assert_valid, buyer_on, money, new_client

PEN, WATER, CARD = "B0MDR00101", "B0MDR00401", "B0MDR00702"


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    """A buyer's server, on a sandbox of its own."""
    return new_client(tmp_path)


@pytest.fixture
def buyer(client: FlaskClient) -> Buyer:
    """The buyer on that sandbox."""
    return buyer_on(client)


def control(client: FlaskClient, method: str, path: str, **content: Any) -> Any:
    """Call the control API and return its JSON; the call must succeed."""
    response = client.open(f"/_control/{path}", method=method, json=content, headers=CONTROL)
    assert response.status_code < 300, response.text
    return response.json


def arm(client: FlaskClient, endpoint: str, kind: str, **options: Any) -> None:
    """Arm a fault for the next call."""
    control(client, "POST", "faults", **{"times": 1, **options}, endpoint=endpoint, kind=kind)


def orders(client: FlaskClient) -> list[dict[str, Any]]:
    """Every order the sandbox accepted."""
    return list(client.get("/_control/orders", headers=CONTROL).json["orders"])


def messages(client: FlaskClient) -> list[tuple[str, etree._Element]]:
    """What is to be sent or was sent, in the order of due times, each checked by the DTD."""
    entries = client.get("/_control/deliveries", headers=CONTROL).json["deliveries"]
    return [
        (entry["kind"], assert_valid(entry["body"].encode(), "Fulfill"))
        for entry in sorted(entries, key=lambda entry: entry["due_at"])
    ]


def statuses(root: etree._Element) -> dict[str, list[tuple[str, str]]]:
    """Line number -> (type, quantity) of a confirmation."""
    return {
        item.get("lineNumber", ""): [
            (part.get("type", ""), part.get("quantity", ""))
            for part in item.iter("ConfirmationStatus")
        ]
        for item in root.iter("ConfirmationItem")
    }


def test_an_order_is_recorded_without_the_secret(client: FlaskClient, buyer: Buyer) -> None:
    cart = buyer.shop((PEN, 2), (WATER, 1))
    assert buyer.order(cart).get("code") == "200"
    (order,) = orders(client)
    assert order["order_number"] == "RK-1001"
    assert order["payload_id"] == "order-1@rakuraku.example"
    assert order["email"] == "hanako@example.jp"
    assert order["test_mode"] is True
    assert len(order["hash"]) == 64
    assert "SupplierPartAuxiliaryID" in order["body"]
    assert SECRET not in order["body"].replace("&lt;", "<").replace("&gt;", ">").replace(
        "&amp;", "&"
    )


def test_doubles_are_two_orders_unless_told_otherwise(client: FlaskClient, buyer: Buyer) -> None:
    cart = buyer.shop((PEN, 1))
    buyer.order(cart)
    buyer.order(cart)
    assert [order["attempts"] for order in orders(client)] == [1, 1]
    assert len({order["hash"] for order in orders(client)}) == 1
    control(client, "PUT", "settings", deduplicate_orders=True)
    buyer.order(cart, payload_id="order-2@rakuraku.example")
    buyer.order(cart, payload_id="order-2@rakuraku.example")
    found = client.get("/_control/orders?payload_id=order-2@rakuraku.example", headers=CONTROL)
    assert [order["attempts"] for order in found.json["orders"]] == [2]


def test_orders_that_are_refused_at_once_are_not_recorded(
    client: FlaskClient, buyer: Buyer
) -> None:
    cart = buyer.shop((PEN, 1))
    assert buyer.order(cart, secret="wrong").get("code") == "401"
    control(client, "PUT", "settings", order_username="u", order_password="p")
    assert client.post("/cxml/orders", data=b"<cXML/>").status_code == 401
    answer = client.post("/cxml/orders", data=b"<cXML/>", auth=("u", "p"))
    assert b'code="406"' in answer.data
    assert orders(client) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": "update"}, "001-001"),
        ({"kind": "delete"}, "001-001"),
        ({"quantities": {1: 1}}, "018-007"),
        ({"quantities": {2: 0}}, "018-007"),
        ({"quantities": {1: 5}}, "018-007"),
    ],
)
def test_orders_that_differ_from_the_cart_are_rejected_later(
    client: FlaskClient, buyer: Buyer, changes: dict[str, Any], code: str
) -> None:
    cart = buyer.shop((PEN, 2), (WATER, 1))
    assert buyer.order(cart, **changes).get("code") == "200"
    control(client, "POST", "fulfil", order_number="RK-1001")
    ((kind, root),) = messages(client)
    assert kind == "rejection"
    header = root.find("Request/ConfirmationRequest/ConfirmationHeader")
    assert header is not None
    assert header.get("type") == "reject"
    assert header.get("confirmID") is None
    assert header.find("Total") is None
    assert header.findtext("Comments", "").endswith(f"[エラーコード: {code}]")
    assert all(parts[0][0] == "reject" for parts in statuses(root).values())
    assert orders(client)[0]["state"] == "rejected"


def test_auxiliary_ids_of_no_cart_or_of_two_are_rejected(client: FlaskClient, buyer: Buyer) -> None:
    first, second = buyer.shop((PEN, 1)), buyer.shop((WATER, 1))
    unknown = first.replace(b"358-", b"359-")
    item = second[second.index(b"<ItemIn") : second.index(b"</ItemIn>") + len(b"</ItemIn>")]
    mixed = first.replace(b"</PunchOutOrderMessage>", item + b"</PunchOutOrderMessage>")
    for number, cart in (("RK-1", unknown), ("RK-2", mixed)):
        buyer.order(cart, number=number)
        control(client, "POST", "fulfil", order_number=number)
    assert [order["rejection"] for order in orders(client)] == [["001-012"], ["001-012"]]


def test_one_order_becomes_two_with_their_own_confirmations(
    client: FlaskClient, buyer: Buyer
) -> None:
    buyer.order(buyer.shop((PEN, 2), (WATER, 1), (CARD, 1)))
    control(client, "POST", "fulfil", order_number="RK-1001")
    sent = messages(client)
    confirmations = [root for kind, root in sent if kind == "confirmation"]
    notices = [root for kind, root in sent if kind == "ship_notice"]
    assert [kind for kind, _ in sent] == ["confirmation"] * 2 + ["ship_notice"] * 2

    ids, totals = [], []
    for root in confirmations:
        assert root.find("Header/Sender/Credential/SharedSecret") is None
        header = root.find("Request/ConfirmationRequest/ConfirmationHeader")
        reference = root.find("Request/ConfirmationRequest/OrderReference")
        assert header is not None
        assert reference is not None
        assert header.get("type") == "detail"
        assert reference.get("orderID") == "RK-1001"
        assert reference[0].get("payloadID") == "order-1@rakuraku.example"
        ids.append(header.get("confirmID", ""))
        totals.append(money(header, "Total"))
    assert sorted(text[:3] for text in ids) == ["249", "250"]
    # 980 × 2 + 196, 1,980 + 158; 5,000 + shipping 300 + 30
    assert sorted(totals) == ["4294.00", "5330.00"]
    assert orders(client)[0]["supplier_orders"] == sorted(ids)
    lines = {number: parts for root in confirmations for number, parts in statuses(root).items()}
    assert lines == {"1": [("accept", "2")], "2": [("accept", "1")], "3": [("accept", "1")]}
    assert all(root.find(".//UnitPrice") is None for root in confirmations)

    shipped = [
        (item.get("lineNumber"), item.get("quantity"))
        for root in notices
        for item in root.iter("ShipNoticeItem")
    ]
    assert sorted(shipped) == [("1", "2"), ("2", "1"), ("3", "1")]
    assert len({root.find(".//ShipNoticeHeader").get("shipmentID") for root in notices}) == 2
    assert all(root.findtext(".//CarrierIdentifier") for root in notices)
    assert all(len(root.findtext(".//ShipmentIdentifier", "")) == 12 for root in notices)


def test_a_tampered_price_is_confirmed_at_the_real_one(client: FlaskClient, buyer: Buyer) -> None:
    buyer.order(buyer.shop((PEN, 2)), prices={1: "1.00"})
    control(client, "POST", "confirm", order_number="RK-1001")
    ((_, root),) = messages(client)
    assert statuses(root) == {"1": [("detail", "2")]}
    assert money(root, ".//ConfirmationStatus/UnitPrice") == "980.00"


@pytest.mark.parametrize(
    ("options", "total"),
    [
        ({"yen": 1}, 2158),  # 981 × 2 = 1,962, tax 196
        ({"percent": 10}, 2372),  # 1,078 × 2 = 2,156, tax 216
        ({"shipping": 500}, 2706),  # 1,960 + 196 + 500 + 50
        ({"yen": 1, "line": 7}, 2156),
    ],
)
def test_price_change(
    client: FlaskClient, buyer: Buyer, options: dict[str, int], total: int
) -> None:
    buyer.order(buyer.shop((PEN, 2)))
    arm(client, "fulfilment", "price_change", **options)
    control(client, "POST", "confirm", order_number="RK-1001")
    ((_, root),) = messages(client)
    assert money(root, ".//ConfirmationHeader/Total") == f"{total}.00"


def test_backorder_and_its_update(client: FlaskClient, buyer: Buyer) -> None:
    buyer.order(buyer.shop((PEN, 3), (WATER, 1)))
    control(client, "PUT", "settings", split=False, ship_delay=0)
    arm(client, "fulfilment", "partial")
    control(client, "POST", "fulfil", order_number="RK-1001")
    control(client, "POST", "confirm", order_number="RK-1001")
    control(client, "POST", "ship", order_number="RK-1001")
    found = {
        kind: [root for each, root in messages(client) if each == kind]
        for kind in ("confirmation", "ship_notice")
    }
    first, update = found["confirmation"]
    assert statuses(first) == {
        "1": [("accept", "1"), ("backordered", "2")],
        "2": [("backordered", "1")],
    }
    assert statuses(update) == {"1": [("accept", "3")], "2": [("accept", "1")]}
    headers = [root.find(".//ConfirmationHeader") for root in (first, update)]
    assert [header.get("operation") for header in headers] == ["new", "update"]
    assert len({header.get("confirmID") for header in headers}) == 1
    shipped = [
        [(item.get("lineNumber"), item.get("quantity")) for item in root.iter("ShipNoticeItem")]
        for root in found["ship_notice"]
    ]
    assert shipped == [[("1", "1")], [("1", "2"), ("2", "1")]]
    again = client.post("/_control/ship", json={"order_number": "RK-1001"}, headers=CONTROL)
    assert again.status_code == 409


def test_a_dropped_line_is_rejected_for_lack_of_stock(client: FlaskClient, buyer: Buyer) -> None:
    buyer.order(buyer.shop((PEN, 1), (WATER, 1)))
    arm(client, "fulfilment", "partial", mode="drop")
    control(client, "POST", "fulfil", order_number="RK-1001")
    sent = dict(messages(client))
    assert set(sent) == {"confirmation", "rejection", "ship_notice"}
    assert statuses(sent["confirmation"]) == {"1": [("accept", "1")]}
    assert statuses(sent["rejection"]) == {"2": [("reject", "1")]}
    assert " || " in sent["rejection"].findtext(".//ConfirmationHeader/Comments", "")
    assert sent["rejection"].findtext(".//ConfirmationStatus/Comments") == "015-005"


def test_reject_duplicate_and_reorder(client: FlaskClient, buyer: Buyer) -> None:
    buyer.order(buyer.shop((PEN, 1)), number="RK-1")
    arm(client, "fulfilment", "reject", code="015-005")
    control(client, "POST", "fulfil", order_number="RK-1")
    assert orders(client)[0]["rejection"] == ["015-005"]

    buyer.order(buyer.shop((PEN, 1)), number="RK-2")
    arm(client, "fulfilment", "duplicate")
    arm(client, "fulfilment", "reorder")
    control(client, "POST", "fulfil", order_number="RK-2")
    kinds = [kind for kind, root in messages(client) if "RK-2" in etree.tostring(root).decode()]
    assert kinds == ["ship_notice"] * 2 + ["confirmation"] * 2
    payloads = {root.get("payloadID") for kind, root in messages(client) if kind == "ship_notice"}
    assert len(payloads) == 1


@pytest.mark.parametrize("endpoint", ["setup", "order"])
@pytest.mark.parametrize(
    ("kind", "options", "http", "content"),
    [
        ("cxml_500", {}, 200, b'code="500"'),
        ("cxml_560", {}, 200, b'code="560"'),
        ("unauthorized", {}, 200, b'code="401"'),
        ("unauthorized", {"http": True}, 401, b"Unauthorized"),
        ("http_500", {}, 500, b"<h1>"),
        ("garbage", {}, 200, b"\xff\x00<cXML"),
        ("slow", {"seconds": 0.05, "drip": True}, 200, b'code="406"'),
        ("slow", {"seconds": 0.05}, 200, b'code="406"'),
    ],
)
def test_transport_faults_happen_once(
    client: FlaskClient,
    endpoint: str,
    kind: str,
    options: dict[str, Any],
    http: int,
    content: bytes,
) -> None:
    path = {"setup": "/cxml/setup", "order": "/cxml/orders"}[endpoint]
    arm(client, endpoint, kind, **options)
    answer = client.post(path, data=b"junk")
    assert answer.status_code == http
    assert content in answer.data
    assert b'code="406"' in client.post(path, data=b"junk").data
    assert client.get("/_control/requests", headers=CONTROL).json == {endpoint: 2}


def test_drops_and_failures_after_processing_leave_an_order(
    client: FlaskClient, buyer: Buyer
) -> None:
    cart = buyer.shop((PEN, 1))
    for kind, recorded in (("drop_before_read", 0), ("drop_after_read", 1)):
        arm(client, "order", kind)
        with pytest.raises(ConnectionResetError):
            buyer.order(cart)
        assert len(orders(client)) == recorded
    arm(client, "order", "cxml_560")
    assert buyer.order(cart).get("code") == "560"
    assert len(orders(client)) == 1
    arm(client, "order", "cxml_500", processed=True)
    assert buyer.order(cart).get("code") == "500"
    assert len(orders(client)) == 2
    arm(client, "order", "reject", status=450)
    assert buyer.order(cart).get("code") == "450"
    assert len(orders(client)) == 2


def test_control_is_guarded_and_checks_what_it_is_given(client: FlaskClient) -> None:
    assert client.get("/_control/orders").status_code == 401
    assert (
        client.put("/_control/settings", json={}, headers={"X-Control-Token": "x"}).status_code
        == 401
    )
    assert client.get("/_control/").status_code == 401
    for bad in ({"nonsense": 1}, {"page_size": "3"}, {"page_size": -1}, {"cart_fault": "x"}):
        answer = client.put("/_control/settings", json={"split": False, **bad}, headers=CONTROL)
        assert answer.status_code == 400
    assert client.get("/_control/settings", headers=CONTROL).json["split"] is True
    for fault in (
        {"endpoint": "order", "kind": "x"},
        {"endpoint": "order", "kind": "slow", "times": 0},
    ):
        assert client.post("/_control/faults", json=fault, headers=CONTROL).status_code == 400
    missing = client.post("/_control/fulfil", json={"order_number": "?"}, headers=CONTROL)
    assert missing.status_code == 404


def test_faults_are_listed_and_cleared_and_reset_forgets(client: FlaskClient, buyer: Buyer) -> None:
    control(client, "POST", "faults", endpoint="order", kind="http_500")
    control(client, "POST", "faults", endpoint="setup", kind="garbage", times=2)
    armed = client.get("/_control/faults", headers=CONTROL).json["faults"]
    assert [(fault["kind"], fault["remaining"]) for fault in armed] == [
        ("http_500", None),
        ("garbage", 2),
    ]
    control(client, "DELETE", f"faults?id={armed[0]['id']}")
    control(client, "DELETE", "faults")
    buyer.order(buyer.shop((PEN, 1)))
    control(client, "POST", "fulfil", order_number="RK-1001")
    control(client, "PUT", "settings", split=False)
    control(client, "POST", "reset", keep_settings=True)
    assert orders(client) == []
    assert client.get("/_control/settings", headers=CONTROL).json["split"] is False
    control(client, "POST", "reset")
    assert client.get("/_control/settings", headers=CONTROL).json["split"] is True


def test_the_page_for_people(client: FlaskClient, buyer: Buyer) -> None:
    buyer.order(buyer.shop((PEN, 1)))
    control(client, "POST", "fulfil", order_number="RK-1001")
    assert client.post("/_control/sign-in", data={"token": "x"}).status_code == 303
    assert client.get("/_control/").status_code == 401
    client.post("/_control/sign-in", data={"token": CONTROL["X-Control-Token"]})
    page = client.get("/_control/").text
    assert "RK-1001" in page
    assert "送信待ち" in page
