"""How a purchase order becomes the supplier's own: what is taken, at what price, in how many."""

import json
import secrets
import sqlite3
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from punchout.sandbox import faults, settings


class FulfilmentError(Exception):
    """The step is not possible; the message says why."""


def allocate(connection: sqlite3.Connection, purchase_order_id: int) -> dict[str, Any]:
    """Turn the purchase order into supplier orders, once; return the faults it suffers."""
    order = purchase_order(connection, purchase_order_id)
    if order["state"] != "received":
        return dict(json.loads(order["effects"]))
    effects = faults.take_all(connection, "fulfilment")
    if "reject" in effects and not order["rejection"]:
        code = str(effects["reject"].get("code", "001-012"))
        connection.execute(
            "UPDATE purchase_order SET rejection = ? WHERE id = ?", (code, purchase_order_id)
        )
        order = purchase_order(connection, purchase_order_id)
    state = "rejected" if order["rejection"] else "allocated"
    connection.execute(
        "UPDATE purchase_order SET state = ?, effects = ?, fulfil_at = NULL WHERE id = ?",
        (state, json.dumps(effects), purchase_order_id),
    )
    if state == "allocated":
        lines = order_lines(connection, purchase_order_id)
        split = settings.load(connection)["split"] and len(lines) > 1
        middle = (len(lines) + 1) // 2 if split else len(lines)
        for prefix, group in (("249", lines[:middle]), ("250", lines[middle:])):
            _place(connection, purchase_order_id, prefix, group, last=lines[-1], effects=effects)
    return effects


def _place(
    connection: sqlite3.Connection,
    purchase_order_id: int,
    prefix: str,
    lines: Sequence[sqlite3.Row],
    *,
    last: sqlite3.Row,
    effects: dict[str, Any],
) -> None:
    if not lines:
        return
    order_id = f"{prefix}-{digits(7)}-{digits(7)}"
    connection.execute(
        "INSERT INTO supplier_order (order_id, purchase_order_id, placed_at) VALUES (?, ?, ?)",
        (order_id, purchase_order_id, time.time()),
    )
    for line in lines:
        is_last = line["line_number"] == last["line_number"]
        accepted, backordered, rejected = _share(
            line["handed_quantity"], is_last, effects.get("partial")
        )
        price, shipping = _changed(line, effects.get("price_change"))
        connection.execute(
            "INSERT INTO supplier_line VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                digits(14),
                order_id,
                line["line_number"],
                line["asin"],
                line["handed_quantity"],
                accepted,
                backordered,
                rejected,
                price,
                line["rate"],
                shipping,
                Decimal(line["stated_price"]) != price,
            ),
        )


def _share(quantity: int, is_last: bool, partial: dict[str, Any] | None) -> tuple[int, int, int]:
    """Return accepted, back-ordered and rejected units: a partial fill halves lines of several
    units and leaves out the last line if it is a single one."""
    if partial is None or (quantity == 1 and not is_last):
        return quantity, 0, 0
    missing = quantity - quantity // 2
    if partial.get("mode") == "drop":
        return quantity - missing, 0, missing
    return quantity - missing, missing, 0


def _changed(line: sqlite3.Row, change: dict[str, Any] | None) -> tuple[int, int]:
    price, shipping = int(line["unit_price"]), int(line["shipping"])
    if change is None or change.get("line") not in (None, line["line_number"]):
        return price, shipping
    percent = int(change.get("percent", 0))
    price = (price * (100 + percent) * 2 + 100) // 200 + int(change.get("yen", 0))
    return max(price, 0), shipping + int(change.get("shipping", 0))


def purchase_order(connection: sqlite3.Connection, purchase_order_id: int) -> sqlite3.Row:
    """Return the row of an order; raise FulfilmentError when there is none."""
    row = connection.execute(
        "SELECT * FROM purchase_order WHERE id = ?", (purchase_order_id,)
    ).fetchone()
    if row is None:
        raise FulfilmentError("no such order")
    return row  # type: ignore[no-any-return]


def order_lines(connection: sqlite3.Connection, purchase_order_id: int) -> list[sqlite3.Row]:
    """Return the order's lines with what the cart said; a rejected order may have no cart."""
    return connection.execute(
        "SELECT line.line_number, line.quantity, line.unit_price AS stated_price, line.asin,"
        " handed.quantity AS handed_quantity, handed.unit_price, handed.rate, handed.shipping"
        " FROM purchase_order_line AS line LEFT JOIN handed_line AS handed USING (auxiliary_id)"
        " WHERE purchase_order_id = ? ORDER BY line_number",
        (purchase_order_id,),
    ).fetchall()


def digits(length: int) -> str:
    """Return a random number of that many digits, as text."""
    return str(secrets.randbelow(9 * 10 ** (length - 1)) + 10 ** (length - 1))
