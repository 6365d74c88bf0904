"""Client of the Amazon Business Reporting API, version 2025-06-09 (PROTOCOL §5).

Facts come from shipments; order lines add the seller. Read-only, so a call may be repeated.
"""

import datetime
import json
import time
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from punchout import exchange_log, transport
from punchout.facts import Fact, Row
from punchout.models import CatalogConnection, Exchange

VERSION = "2025-06-09"
CALL_SECONDS = 20.0
WAITING_SECONDS = 120.0
MAX_PAGES = 2_000


class HistoryUnavailable(Exception):
    """The API gave nothing usable; ``str()`` says why, without secrets."""


def fetch(
    connection: CatalogConnection, *, start: datetime.datetime, end: datetime.datetime
) -> list[Row]:
    """Shipped lines of the orders between two instants (at most 366 days apart), as rows.

    Raises ``HistoryUnavailable``.
    """
    client = _Client(connection)
    period = {"orderStartDate": _stamp(start), "orderEndDate": _stamp(end)}
    shipped = list(client.pages("shipmentLineItemReports", "shipmentLineItemsReport", period))
    lines: dict[str, dict[str, Any]] = {}
    if shipped:
        for line in client.pages("orderLineItemReports", "orderLineItemsReport", period):
            lines[str(line.get("orderLineItemId", ""))] = line
    return [_row(number, raw, lines) for number, raw in enumerate(shipped, start=1)]


class _Client:
    def __init__(self, connection: CatalogConnection) -> None:
        self.connection = connection
        self._token = ""
        self._patience = time.monotonic() + WAITING_SECONDS

    def pages(self, report: str, key: str, params: dict[str, str]) -> Iterator[dict[str, Any]]:
        """Every entry of a report, page by page."""
        token, seen = "", set()
        for _ in range(MAX_PAGES):
            asked = {**params, "region": self.connection.history_region}
            if token:
                asked["nextPageToken"] = token
            page = self._get(report, asked)
            entries = page.get(key)
            if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
                raise HistoryUnavailable(f"購入履歴の応答に {key} がありません。")
            yield from entries
            token = str(page.get("nextPageToken") or "")
            if not token:
                return
            if token in seen:
                raise HistoryUnavailable("購入履歴のページが終わりません。")
            seen.add(token)
        raise HistoryUnavailable("購入履歴のページが多すぎます。")

    def _get(self, report: str, params: dict[str, str]) -> dict[str, Any]:
        url = f"{self.connection.history_url.rstrip('/')}/reports/{VERSION}/{report}"
        renewed = False
        while True:
            answer = self._call(
                "GET",
                url,
                message=report,
                params=params,
                headers={"x-amz-access-token": self._access_token(), "Accept": "application/json"},
            )
            if answer.status == 200:
                return _object(answer.body)
            if answer.status in (401, 403) and not renewed:
                # A token can expire between two pages.
                self._token, renewed = "", True
                continue
            if answer.status in (429, 500, 502, 503, 504):
                self._wait(answer)
                continue
            raise HistoryUnavailable(f"購入履歴 API が HTTP {answer.status} を返しました。")

    def _wait(self, answer: transport.Answer) -> None:
        """Until the stated rate allows a call again; gives up when patience is used up."""
        try:
            rate = float(answer.headers.get("x-amzn-ratelimit-limit", "0.5"))
        except ValueError:
            rate = 0.5
        pause = min(max(1 / rate if rate > 0 else 2.0, 0.05), 30.0)
        if time.monotonic() + pause > self._patience:
            raise HistoryUnavailable("購入履歴 API の回数制限のため、今回は取り込めませんでした。")
        time.sleep(pause)

    def _access_token(self) -> str:
        if self._token:
            return self._token
        connection = self.connection
        answer = self._call(
            "POST",
            connection.history_token_url,
            message="LWA token",
            body=urlencode(
                {
                    "grant_type": "refresh_token",
                    "refresh_token": connection.history_refresh_token,
                    "client_id": connection.history_client_id,
                    "client_secret": connection.history_client_secret,
                }
            ).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        token = _object(answer.body).get("access_token") if answer.status == 200 else None
        if not isinstance(token, str) or not token:
            raise HistoryUnavailable(
                f"購入履歴 API の認証に失敗しました（HTTP {answer.status}）。"
                "設定を確認してください。"
            )
        self._token = token
        return token

    def _call(self, method: str, url: str, *, message: str, **options: Any) -> transport.Answer:
        began = time.monotonic()
        answer, reason = None, ""
        try:
            answer = transport.exchange(method, url, seconds=CALL_SECONDS, **options)
            if answer.status != 200:
                reason = f"HTTP {answer.status}"
            return answer
        except (transport.NotDelivered, transport.NoAnswer) as error:
            reason = str(error)
            raise HistoryUnavailable(reason) from error
        finally:
            # Bodies are left out: the token is a secret, and the rows are kept as source rows.
            exchange_log.log(
                message,
                direction=Exchange.Direction.OUT,
                connection=self.connection,
                http_status=answer.status if answer else None,
                duration_ms=int((time.monotonic() - began) * 1000),
                accepted=not reason,
                reason=reason,
            )


def _object(body: bytes) -> dict[str, Any]:
    try:
        # Money as Decimal: binary floats cannot hold every amount.
        value = json.loads(body, parse_float=Decimal)
    except ValueError as error:
        raise HistoryUnavailable("購入履歴 API の応答を読めませんでした。") from error
    if not isinstance(value, dict):
        raise HistoryUnavailable("購入履歴 API の応答を読めませんでした。")
    return value


def read_row(number: int, raw: dict[str, Any]) -> Row:
    """A kept row read again; what came with it from other reports is not known any more."""
    return _row(number, raw, {})


def _row(number: int, raw: dict[str, Any], lines: dict[str, dict[str, Any]]) -> Row:
    kept = json.loads(json.dumps(raw, default=str))
    try:
        facts = _facts(raw, lines.get(str(raw.get("orderLineItemId", "")), {}))
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        return Row(number, kept, problem=f"読み取れない項目があります（{error}）。")
    return Row(number, kept, facts)


def _facts(raw: dict[str, Any], line: dict[str, Any]) -> tuple[Fact, ...]:
    """The goods of a shipped line and, where charged, their carriage."""
    charges = {
        charge["type"]: _yen(charge["amount"]) for charge in raw.get("charges", []) if charge
    }
    net, carriage = charges.get("SUBTOTAL", 0), charges.get("SHIPPING_AND_HANDLING", 0)
    tax = charges.get("TAX", 0)
    rate = _rate(raw.get("taxRate") or line.get("taxRate"))
    goods_tax = _goods_tax(net, tax, rate) if carriage else tax
    order = raw["orderMetadata"]
    shipment = raw["shipmentMetadata"]
    product = raw.get("productDetails") or {}
    seller = line.get("seller") or {}
    packages = raw.get("packages") or [{}]
    position = str(raw.get("purchaseOrderLineItemNumber") or "")
    strong = f"{shipment['shipmentId']}/{raw['orderLineItemId']}"
    common: dict[str, Any] = {
        "supplier_order": str(order["orderId"]),
        "purchase_order_number": str(raw.get("purchaseOrderNumber") or ""),
        "line_number": int(position) if position.isdecimal() else None,
        "seller": str(seller.get("name") or "")[:120],
        "registration_number": str(seller.get("invoiceRegistrationNumber") or "")[:14],
        "ordered_on": _day(order.get("orderDate")),
        "shipped_on": _day(shipment.get("shipmentDate")),
        "shipment_id": str(shipment["shipmentId"]),
        "tracking": str(packages[0].get("trackingId") or ""),
    }
    goods = Fact(
        title=str(product.get("title") or product.get("asin") or ""),
        quantity=int(raw["quantity"]),
        amount=net + goods_tax,
        tax=goods_tax,
        rate=rate,
        strong_id=strong,
        part_id=str(product.get("asin") or ""),
        **common,
    )
    if not carriage:
        return (goods,)
    carriage_tax = tax - goods_tax
    charge = Fact(
        title="配送料・手数料",
        quantity=1,
        amount=carriage + carriage_tax,
        tax=carriage_tax,
        rate=_stated_rate(carriage, carriage_tax),
        strong_id=f"{strong}/shipping",
        is_shipping_charge=True,
        **common,
    )
    return (goods, charge)


def _goods_tax(net: int, tax: int, rate: Decimal | None) -> int:
    """The goods' part of one tax figure for goods and carriage; rounded as the shop does."""
    if rate is None:
        return tax
    own = (Decimal(net) * rate / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return min(int(own), tax)


def _stated_rate(net: int, tax: int) -> Decimal | None:
    """The rate (%) that a tax figure amounts to, if it is a usual one to the yen."""
    for rate in (Decimal(10), Decimal(8), Decimal(0)):
        if abs(Decimal(net) * rate / 100 - tax) < 1:
            return rate
    return None


def _yen(money: dict[str, Any]) -> int:
    if money.get("currencyCode", "JPY") != "JPY":
        raise ValueError("円以外の通貨")
    amount = Decimal(str(money["amount"]))
    if amount != amount.to_integral_value():
        raise ValueError("円未満の金額")
    return int(amount)


def _rate(value: Any) -> Decimal | None:
    return Decimal(str(value)) if value not in (None, "") else None


def _day(value: Any) -> datetime.date | None:
    """A date in the forms seen: an object with ``date``, an instant, or a plain day."""
    text = str((value.get("date") if isinstance(value, dict) else value) or "")
    moment = parse_datetime(text) if "T" in text else None
    if moment is not None:
        return timezone.localdate(moment) if timezone.is_aware(moment) else moment.date()
    return parse_date(text[:10])


def _stamp(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
