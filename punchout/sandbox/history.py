"""The purchase history as facts, read once for the Reporting API and for the report CSV."""

import json
import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from punchout.sandbox.pricing import Priced
from punchout.sandbox.products import PRODUCTS, Product


@dataclass(frozen=True, slots=True)
class Movement:
    """Goods of one line that left in one parcel, or (negative) money given back for them."""

    transaction_id: str
    shipment_id: str
    at: datetime
    shipped_at: datetime
    carrier: str
    tracking: str
    quantity: int
    subtotal: int
    tax: int
    shipping: int
    shipping_tax: int
    reason: str

    @property
    def payable(self) -> int:
        """Everything the movement costs, tax included."""
        return self.subtotal + self.tax + self.shipping + self.shipping_tax


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a supplier order; `priced` is of the accepted units."""

    item_id: str
    line_number: int
    product: Product
    priced: Priced
    movements: list[Movement] = field(default_factory=list)

    @property
    def shipped(self) -> int:
        """Units that left."""
        return sum(movement.quantity for movement in self.movements if movement.quantity > 0)


@dataclass(frozen=True, slots=True)
class SupplierOrder:
    """One order as the supplier counts them."""

    order_id: str
    placed_at: datetime
    purchase_order_number: str
    email: str
    customer: str
    group: str
    ship_to: dict[str, Any]
    lines: list[Line]

    @property
    def closed(self) -> bool:
        """Whether all that was accepted has left."""
        return all(line.shipped == line.priced.quantity for line in self.lines)


def orders(connection: sqlite3.Connection) -> list[SupplierOrder]:
    """Return every order of which something was taken, oldest first."""
    movements: dict[str, list[Movement]] = defaultdict(list)
    for row in connection.execute(
        "SELECT movement.*, shipped_at, carrier, tracking FROM movement"
        " JOIN shipment USING (shipment_id) ORDER BY movement.id"
    ):
        movements[row["item_id"]].append(
            Movement(
                transaction_id=row["transaction_id"],
                shipment_id=row["shipment_id"],
                at=_instant(row["at"]),
                shipped_at=_instant(row["shipped_at"]),
                carrier=row["carrier"],
                tracking=row["tracking"],
                quantity=row["quantity"],
                subtotal=row["subtotal"],
                tax=row["tax"],
                shipping=row["shipping"],
                shipping_tax=row["shipping_tax"],
                reason=row["reason"],
            )
        )
    lines: dict[str, list[Line]] = defaultdict(list)
    for row in connection.execute(
        "SELECT * FROM supplier_line WHERE rejected < ordered ORDER BY order_id, line_number"
    ):
        shipping = row["shipping"] if row["accepted"] else 0
        lines[row["order_id"]].append(
            Line(
                item_id=row["item_id"],
                line_number=row["line_number"],
                product=PRODUCTS[row["asin"]],
                priced=Priced(row["unit_price"], row["accepted"], row["rate"], shipping),
                movements=movements[row["item_id"]],
            )
        )
    return [
        SupplierOrder(
            order_id=row["order_id"],
            placed_at=_instant(row["placed_at"]),
            purchase_order_number=row["order_number"],
            email=row["email"],
            customer=row["name"] or row["email"],
            group=row["business_unit"] or "",
            ship_to=json.loads(row["ship_to"]),
            lines=lines[row["order_id"]],
        )
        for row in connection.execute(
            "SELECT supplier_order.*, order_number, purchase_order.email, ship_to, account.name,"
            " account.business_unit FROM supplier_order"
            " JOIN purchase_order ON purchase_order.id = purchase_order_id"
            " LEFT JOIN account ON account.email = purchase_order.email"
            " ORDER BY placed_at, order_id"
        )
        if lines[row["order_id"]]
    ]


def _instant(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
