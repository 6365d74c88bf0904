"""The sandbox supplier: purchase history by API and by report file."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sandbox_buyer import CONTROL, Buyer, buyer_on, charges, new_client

PEN, COOKIES, CARD, TRAY = "B0MDR00101", "B0MDR00404", "B0MDR00702", "B0MDR00602"
BASE = "/reports/2025-06-09"
CREDENTIALS = {
    "grant_type": "refresh_token",
    "client_id": "client",
    "client_secret": "client-secret",
    "refresh_token": "Atzr|refresh",
}

Get = Callable[..., Any]


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    """A sandbox with one order of four lines, fulfilled as two orders."""
    client = new_client(tmp_path)
    buyer = buyer_on(client)
    buyer.order(buyer.shop((PEN, 2), (COOKIES, 3), (CARD, 1), (TRAY, 1)), number="RK-7")
    post(client, "fulfil", order_number="RK-7")
    return client


@pytest.fixture
def get(client: FlaskClient) -> Get:
    """Call the API with a fresh token and today's range."""
    token = client.post("/auth/o2/token", data=CREDENTIALS).json["access_token"]

    def call(path: str, **parameters: str) -> Any:
        now = datetime.now(UTC)
        dates = {
            "orderStartDate": (now - timedelta(days=1)).isoformat(),
            "orderEndDate": now.isoformat(),
        }
        return client.get(
            f"{BASE}/{path}",
            query_string={**dates, **parameters},
            headers={"x-amz-access-token": token},
        )

    return call


def post(client: FlaskClient, path: str, **content: Any) -> None:
    """Take a step by the control API."""
    response = client.post(f"/_control/{path}", json=content, headers=CONTROL)
    assert response.status_code == 200, response.text


def all_pages(get: Get, path: str, key: str) -> list[dict[str, Any]]:
    """Follow nextPageToken to the end."""
    now = datetime.now(UTC)
    more = {
        "orderStartDate": (now - timedelta(days=1)).isoformat(),
        "orderEndDate": now.isoformat(),
    }
    rows: list[dict[str, Any]] = []
    for _ in range(20):
        page = get(path, **more).json
        assert page["size"] == len(page[key]) <= 3
        rows += page[key]
        if "nextPageToken" not in page:
            return rows
        more["nextPageToken"] = page["nextPageToken"]
    raise AssertionError("paging does not end")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"client_secret": "x"}, 401),
        ({"client_id": ""}, 401),
        ({"refresh_token": "x"}, 400),
        ({"grant_type": "password"}, 400),
    ],
)
def test_token_is_given_for_the_right_credentials_only(
    client: FlaskClient, wrong: dict[str, str], code: int
) -> None:
    assert client.post("/auth/o2/token", data={**CREDENTIALS, **wrong}).status_code == code
    given = client.post("/auth/o2/token", data=CREDENTIALS).json
    assert given["expires_in"] == 3600
    assert given["token_type"] == "bearer"


def test_calls_need_a_living_token(client: FlaskClient) -> None:
    assert client.get(f"{BASE}/orderReports").status_code == 403
    client.put("/_control/settings", json={"access_token_seconds": 0}, headers=CONTROL)
    token = client.post("/auth/o2/token", data=CREDENTIALS).json["access_token"]
    answer = client.get(f"{BASE}/orderReports", headers={"x-amz-access-token": token})
    assert answer.status_code == 403
    assert answer.json["errors"][0]["code"] == "Unauthorized"


def test_orders_and_their_lines_add_up(get: Get) -> None:
    orders = all_pages(get, "orderReports", "ordersReport")
    lines = all_pages(get, "orderLineItemReports", "orderLineItemsReport")
    assert sorted(order["orderMetadata"]["orderId"][:3] for order in orders) == ["249", "250"]
    assert {order["orderStatus"] for order in orders} == {"CLOSED"}
    assert len(lines) == 4
    for order in orders:
        identity = order["orderMetadata"]["orderId"]
        own = [charges(line) for line in lines if line["orderMetadata"]["orderId"] == identity]
        assert charges(order) == {kind: sum(each[kind] for each in own) for kind in own[0]}
    by_asin = {line["productDetails"]["asin"]: line for line in lines}
    cookies = by_asin[COOKIES]
    assert cookies["purchaseOrderNumber"] == "RK-7"
    assert cookies["purchaseOrderLineItemNumber"] == "2"
    assert cookies["taxRate"] == "8.00"
    assert cookies["unitPrice"] == {"currencyCode": "JPY", "amount": 1833}
    assert charges(cookies) == {
        "SUBTOTAL": 5499,
        "SHIPPING_AND_HANDLING": 400,
        "PROMOTION": 0,
        "TAX": 480,  # 439.92 → 440, and 10 % of 400
        "NET_TOTAL": 6379,
    }
    assert by_asin[PEN]["seller"]["invoiceRegistrationNumber"].startswith("T")
    assert by_asin[TRAY]["seller"]["invoiceRegistrationNumber"] == ""
    assert by_asin[CARD]["taxRate"] == "0.00"


def test_shipments_agree_with_the_orders(get: Get) -> None:
    shipments = all_pages(get, "shipmentReports", "shipmentsReport")
    parts = all_pages(get, "shipmentLineItemReports", "shipmentLineItemsReport")
    orders = all_pages(get, "orderReports", "ordersReport")
    totals = [sum(charges(row)["NET_TOTAL"] for row in rows) for rows in (shipments, parts, orders)]
    assert totals == [totals[0]] * 3
    assert {part["shipmentMetadata"]["shipmentId"] for part in parts} == {
        shipment["shipmentMetadata"]["shipmentId"] for shipment in shipments
    }
    assert all(part["packages"][0]["trackingId"] for part in parts)
    assert shipments[0]["shippingAddress"]["postalCode"] == "153-0064"


def test_unshipped_orders_are_pending(client: FlaskClient, get: Get) -> None:
    buyer = buyer_on(client)
    buyer.order(buyer.shop((PEN, 1)), number="RK-8")
    post(client, "confirm", order_number="RK-8")
    found = get("purchaseOrders/RK-8/orderReports").json["ordersReport"]
    assert [order["orderStatus"] for order in found] == ["PENDING_FULFILLMENT"]
    assert get("purchaseOrders/RK-9/orderReports").json["ordersReport"] == []


def test_filters(get: Get) -> None:
    orders = all_pages(get, "orderReports", "ordersReport")
    identity = orders[0]["orderMetadata"]["orderId"]
    assert len(get("orderReports", orderIds=identity).json["ordersReport"]) == 1
    assert get("orderReports", region="US").json["ordersReport"] == []
    found = get("shipmentLineItemReports", purchaseOrderNumbers="RK-7,RK-8").json
    assert found["shipmentLineItemsReport"]
    old = get(
        "orderReports", orderStartDate="2020-01-01T00:00:00Z", orderEndDate="2020-12-31T00:00:00Z"
    )
    assert old.json["ordersReport"] == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"orderStartDate": ""},
        {"orderEndDate": "yesterday"},
        {"orderStartDate": "2024-01-01T00:00:00Z", "orderEndDate": "2025-06-01T00:00:00Z"},
        {"orderStartDate": "2025-02-01T00:00:00Z", "orderEndDate": "2025-01-01T00:00:00Z"},
        {"orderEndDate": "2999-01-01T00:00:00Z", "orderStartDate": "2998-06-01T00:00:00Z"},
        {"nextPageToken": "nonsense"},
        {"orderIds": ",".join(map(str, range(31)))},
    ],
)
def test_bad_parameters(get: Get, parameters: dict[str, str]) -> None:
    answer = get("orderReports", **parameters)
    assert answer.status_code == 400
    assert answer.json["errors"][0]["code"] == "INVALID_REQUEST_PARAMETER"


def test_a_page_token_is_bound_to_its_parameters(get: Get) -> None:
    first = get(
        "orderLineItemReports",
        orderEndDate="2026-01-01T00:00:00Z",
        orderStartDate="2025-06-01T00:00:00Z",
    )
    assert "nextPageToken" not in first.json
    token = get("orderLineItemReports").json["nextPageToken"]
    assert get("orderReports", nextPageToken=token).status_code == 400


def test_too_many_calls_get_429_until_the_bucket_fills(client: FlaskClient, get: Get) -> None:
    changes = {"rate_burst": 2, "rate_per_second": 0.001}
    client.put("/_control/settings", json=changes, headers=CONTROL)
    codes = [get("shipmentReports").status_code for _ in range(4)]
    assert codes == [200, 200, 429, 429]
    limited = get("shipmentReports")
    assert limited.headers["x-amzn-RateLimit-Limit"] == "0.001"
    assert limited.json["errors"][0]["code"] == "QuotaExceeded"
    assert get("orderReports").status_code == 200  # each operation has its own bucket
    client.put("/_control/settings", json={"rate_per_second": 1000.0}, headers=CONTROL)
    assert get("shipmentReports").status_code == 200


def test_refunds_show_as_transactions(client: FlaskClient, get: Get) -> None:
    post(client, "refund", order_number="RK-7", line_number=2, quantity=1, reason="返品")
    too_many = {"order_number": "RK-7", "line_number": 2, "quantity": 3}
    assert client.post("/_control/refund", json=too_many, headers=CONTROL).status_code == 409
    token = client.post("/auth/o2/token", data=CREDENTIALS).json["access_token"]
    now = datetime.now(UTC)
    answer = client.get(
        "/reconciliation/2021-01-08/transactions",
        query_string={
            "feedStartDate": (now - timedelta(days=1)).isoformat(),
            "feedEndDate": now.isoformat(),
        },
        headers={"x-amz-access-token": token},
    ).json["transactions"]
    assert [each["transactionType"] for each in answer] == ["CHARGE", "CHARGE", "REFUND"]
    refund = answer[2]
    assert refund["amount"] == {"currencyCode": "JPY", "amount": "-1980.00"}  # 1,833 and 147
    assert refund["transactionLineItems"][0]["taxRate"] == "8.00"
    assert refund["transactionLineItems"][0]["refundReason"] == "返品"


def rows_of(content: bytes) -> list[dict[str, str]]:
    """Read a report file as a spreadsheet would."""
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_report_files(client: FlaskClient) -> None:
    post(client, "refund", order_number="RK-7", line_number=1, quantity=1)
    buyer = buyer_on(client)
    buyer.order(buyer.shop((PEN, 1)), number="RK-8")
    post(client, "confirm", order_number="RK-8")
    rows = rows_of(client.get("/reports/orders.csv", headers=CONTROL).data)
    assert len(rows) == 6
    cookies = next(row for row in rows if row["ASIN"] == f'="{COOKIES}"')
    assert cookies["発注番号"] == "RK-7"
    assert cookies["商品の小計（税率）"] == "8%"
    assert cookies["商品の小計（税込）"] == "5939"
    assert cookies["商品の配送料および手数料（税込）"] == "440"
    assert cookies["商品および配送料の合計（税込）"] == "6379"
    assert len(cookies["注文日"]) == 10
    assert cookies["注文日"][4] == "/"
    tray = next(row for row in rows if row["ASIN"] == f'="{TRAY}"')
    assert tray["適格請求書発行事業者登録番号"] == "該当無し"
    waiting = next(row for row in rows if row["発注番号"] == "RK-8")
    assert waiting["配送業者の問い合わせ番号"] == ""
    assert waiting["支払い確定日"] == "該当無し"
    assert [row["商品の数量"] for row in rows if row["商品の数量"].startswith("-")] == ["-1"]

    shipped = rows_of(client.get("/reports/shipments.csv", headers=CONTROL).data)
    assert len(shipped) == 5
    assert sum(int(row["発送商品の合計 (税込)"]) for row in shipped) == sum(
        int(row["商品および配送料の合計（税込）"]) for row in rows if row["発注番号"] == "RK-7"
    )


def test_report_files_are_not_for_strangers(client: FlaskClient) -> None:
    client.delete_cookie("sandbox_session")
    assert client.get("/reports/orders.csv").status_code == 403
    assert client.get("/reports/else.csv", headers=CONTROL).status_code == 404
    buyer: Buyer = buyer_on(client)
    client.get(buyer.setup())
    assert "注文履歴レポート" in client.get("/reports").text
    assert client.get("/reports/orders.csv").status_code == 200
