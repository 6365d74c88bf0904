"""The purchase history API: login with Amazon, Reporting 2025-06-09, transactions.

Here is the HTTP of it; the JSON shapes are described in `punchout.sandbox.report_rows`.
"""

import base64
import hashlib
import hmac
import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from punchout.sandbox import history, report_rows, settings
from punchout.sandbox.context import sandbox
from punchout.sandbox.faults import faulty
from punchout.sandbox.history import SupplierOrder

blueprint = Blueprint("reporting", __name__)

_LONGEST = timedelta(days=366)
_CLOCK_SKEW = timedelta(minutes=1)
_MOST_IDS = 30
_BASE = "/reports/2025-06-09"


class ApiError(Exception):
    """An answer of the error form."""

    def __init__(self, http: int, code: str, message: str) -> None:
        super().__init__(message)
        self.http, self.code, self.message = http, code, message


@blueprint.post("/auth/o2/token")
@faulty("token")
def token() -> ResponseReturnValue:
    """Give an access token for the refresh token (login with Amazon)."""
    config, form = sandbox().config, request.form
    if form.get("grant_type") != "refresh_token":
        return jsonify(error="unsupported_grant_type"), 400
    expected = (config.lwa_client_id, config.lwa_client_secret)
    given = (form.get("client_id", ""), form.get("client_secret", ""))
    if not config.lwa_client_id or not _same(":".join(given), ":".join(expected)):
        return jsonify(
            error="invalid_client", error_description="Client authentication failed"
        ), 401
    if not _same(form.get("refresh_token", ""), config.lwa_refresh_token):
        return jsonify(error="invalid_grant", error_description="Unknown refresh token"), 400
    access_token = f"Atza|{secrets.token_urlsafe(48)}"
    with sandbox().store.write() as connection:
        seconds = settings.load(connection)["access_token_seconds"]
        connection.execute("DELETE FROM access_token WHERE expires_at < ?", (time.time(),))
        connection.execute(
            "INSERT INTO access_token VALUES (?, ?)", (access_token, time.time() + seconds)
        )
    return jsonify(
        access_token=access_token,
        refresh_token=config.lwa_refresh_token,
        token_type="bearer",
        expires_in=seconds,
    )


@blueprint.get(f"{_BASE}/orderReports")
@faulty("history")
def order_reports() -> ResponseReturnValue:
    """Orders in a range of order dates."""
    return _answer("orderReports", "ordersReport", _in_range, report_rows.order_rows)


@blueprint.get(f"{_BASE}/purchaseOrders/<path:number>/orderReports")
@faulty("history")
def order_reports_of(number: str) -> ResponseReturnValue:
    """Orders of one purchase order number (the buyer's order id)."""

    def chosen(everything: list[SupplierOrder]) -> list[SupplierOrder]:
        return [order for order in everything if order.purchase_order_number == number]

    return _answer("purchaseOrders", "ordersReport", chosen, report_rows.order_rows)


@blueprint.get(f"{_BASE}/orderLineItemReports")
@faulty("history")
def order_line_item_reports() -> ResponseReturnValue:
    """Lines of orders in a range of order dates."""
    return _answer("orderLineItemReports", "orderLineItemsReport", _in_range, report_rows.line_rows)


@blueprint.get(f"{_BASE}/shipmentReports")
@faulty("history")
def shipment_reports() -> ResponseReturnValue:
    """Shipments of orders in a range of order dates."""
    return _answer("shipmentReports", "shipmentsReport", _in_range, report_rows.shipment_rows)


@blueprint.get(f"{_BASE}/shipmentLineItemReports")
@faulty("history")
def shipment_line_item_reports() -> ResponseReturnValue:
    """Lines of shipments of orders in a range of order dates."""
    return _answer(
        "shipmentLineItemReports",
        "shipmentLineItemsReport",
        _in_range,
        report_rows.shipment_line_rows,
    )


@blueprint.get("/reconciliation/2021-01-08/transactions")
@faulty("history")
def transactions() -> ResponseReturnValue:
    """Charges (one per shipment) and refunds in a range of dates."""

    def rows(orders: list[SupplierOrder]) -> Iterable[dict[str, Any]]:
        return report_rows.transaction_rows(orders, *_range("feedStartDate", "feedEndDate"))

    return _answer("transactions", "transactions", list, rows)


Rows = Callable[[list[SupplierOrder]], Iterable[dict[str, Any]]]


def _answer(
    operation: str,
    key: str,
    choose: Callable[[list[SupplierOrder]], list[SupplierOrder]],
    rows: Rows,
) -> ResponseReturnValue:
    """Check the caller, take a token from the operation's bucket, and give one page of rows."""
    with sandbox().store.write() as connection:
        values = settings.load(connection)
        allowed = _take_token(connection, operation, values)
        known = connection.execute(
            "SELECT 1 FROM access_token WHERE token = ? AND expires_at > ?",
            (request.headers.get("x-amz-access-token", ""), time.time()),
        ).fetchone()
    try:
        if not known:
            raise ApiError(403, "Unauthorized", "Access token is missing, invalid or expired.")
        if not allowed:
            raise ApiError(429, "QuotaExceeded", "You exceeded your quota for this operation.")
        with sandbox().store.read() as connection:
            everything = history.orders(connection)
        response = jsonify(_page(key, list(rows(choose(everything))), values["page_size"]))
    except ApiError as error:
        response = jsonify(errors=[{"code": error.code, "message": error.message, "details": ""}])
        response.status_code = error.http
    response.headers["x-amzn-RateLimit-Limit"] = f"{values['rate_per_second']:g}"
    response.headers["x-amzn-RequestId"] = secrets.token_hex(8)
    return response


def _take_token(connection: sqlite3.Connection, name: str, values: dict[str, Any]) -> bool:
    now, burst = time.time(), float(values["rate_burst"])
    row = connection.execute("SELECT level, at FROM bucket WHERE name = ?", (name,)).fetchone()
    level = burst if row is None else row["level"] + (now - row["at"]) * values["rate_per_second"]
    level = min(level, burst)
    allowed = level >= 1
    connection.execute(
        "INSERT INTO bucket VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
        " SET level = excluded.level, at = excluded.at",
        (name, level - 1 if allowed else level, now),
    )
    return allowed


def _page(key: str, rows: list[dict[str, Any]], size: int) -> dict[str, Any]:
    """Return one page; the token holds the offset and binds it to the other parameters."""
    parameters = sorted(item for item in request.args.items() if item[0] != "nextPageToken")
    binding = hashlib.sha256(json.dumps([request.path, parameters]).encode()).hexdigest()[:16]
    start, page_token = 0, request.args.get("nextPageToken")
    if page_token:
        try:
            bound, start = json.loads(base64.urlsafe_b64decode(page_token))
        except (ValueError, TypeError):
            raise _invalid("nextPageToken is not valid.") from None
        if bound != binding or type(start) is not int or start < 0:
            raise _invalid("nextPageToken belongs to other parameters.")
    end = start + max(size, 1)
    page: dict[str, Any] = {key: rows[start:end], "size": len(rows[start:end])}
    if end < len(rows):
        bytes_ = json.dumps([binding, end]).encode()
        page["nextPageToken"] = base64.urlsafe_b64encode(bytes_).decode()
    return page


def _in_range(everything: list[SupplierOrder]) -> list[SupplierOrder]:
    start, end = _range("orderStartDate", "orderEndDate")
    ids = _listed("orderIds")
    numbers = _listed("purchaseOrderNumbers")
    if request.args.get("region", "JP") != "JP":
        return []
    return [
        order
        for order in everything
        if start <= order.placed_at <= end
        and (not ids or order.order_id in ids)
        and (not numbers or order.purchase_order_number in numbers)
    ]


def _range(first: str, last: str) -> tuple[datetime, datetime]:
    start, end = _instant(first), _instant(last)
    if start > end:
        raise _invalid(f"The {first} must be before or equal to {last}.")
    if end - start > _LONGEST:
        raise _invalid(f"{first} and {last} must not be more than 366 days apart.")
    if end > datetime.now(UTC) + _CLOCK_SKEW:
        raise _invalid(f"{last} must not be in the future.")
    return start, end


def _instant(name: str) -> datetime:
    text = request.args.get(name, "")
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid(f"{name} is missing or not in ISO 8601.") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _listed(name: str) -> set[str]:
    values = {value for text in request.args.getlist(name) for value in text.split(",") if value}
    if len(values) > _MOST_IDS:
        raise _invalid(f"{name}: at most {_MOST_IDS} values.")
    return values


def _invalid(message: str) -> ApiError:
    return ApiError(400, "INVALID_REQUEST_PARAMETER", message)


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
