"""The JSON of the purchase history API.

Shapes as published for the "Amazon Business API" (names, nesting, JSON numbers for money):

    Money        {"currencyCode": "JPY", "amount": 1980}
    DateTime     {"date": "2026-11-23T01:02:03Z"}
    Charges      [{"type": T, "amount": Money}], T in SUBTOTAL (without tax),
                 SHIPPING_AND_HANDLING (without tax), PROMOTION, TAX (goods and shipping), NET_TOTAL
    orderMetadata    {"orderDate": DateTime, "orderId": "249-...", "region": "JP"}
    shipmentMetadata {"shipmentDate": DateTime, "shipmentId": "S..."}
    productDetails   {"productCategory", "asin", "title", "unspsc": {"code"}, "productCondition",
                      "brandCode", "brandName", "manufacturerName"}

`GET /reports/2025-06-09/orderReports` and `/purchaseOrders/{number}/orderReports`:
    {"ordersReport": [{orderMetadata, purchaseOrderNumber, orderStatus, charges,
      "buyingCustomer": {name, email}, "buyerGroup": {name}, "businessOrderInfo": {}}],
     "size": n, "nextPageToken": "..." (absent on the last page)}
`/orderLineItemReports`: "orderLineItemsReport" of {orderMetadata, orderLineItemId,
      purchaseOrderNumber, purchaseOrderLineItemNumber (text), productDetails, unitPrice (Money,
      without tax), quantity, charges, "seller": {name, primaryAddress, invoiceRegistrationNumber},
      taxRate}
`/shipmentReports`: "shipmentsReport" of {orderMetadata, shipmentMetadata, purchaseOrderNumber,
      shipmentStatus: "SHIPPED", deliveryInfo, charges, shippingAddress}
`/shipmentLineItemReports`: "shipmentLineItemsReport" of {orderMetadata, shipmentMetadata,
      purchaseOrderNumber, purchaseOrderLineItemNumber, orderLineItemId, productDetails, charges,
      quantity, carrierName, "packages": [{trackingId, packageId}], taxRate}
`GET /reconciliation/2021-01-08/transactions` (feedStartDate, feedEndDate): {"transactions":
      [{transactionDate, feedDate (plain text), transactionType: "CHARGE" | "REFUND",
      transactionId, amount, "transactionLineItems": [{totalAmount, principalAmount,
      shippingCharge, tax, taxRate: "10.00", shipTaxRate, orderId, orderLineItemId,
      purchaseOrderNumber, asin, productTitle, itemQuantity, shipmentId, shipmentDate,
      merchantLegalName, refundReason}]}]}; money here is {"currencyCode", "amount": "1980.00"},
      negative for a REFUND.

Not in the published shape, and so not to be relied on elsewhere: `taxRate` on Reporting lines
(text, "10.00") and `seller.invoiceRegistrationNumber`. Refunds show in transactions only.
Errors: {"errors": [{"code", "message", "details"}]}.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from punchout.sandbox.history import Line, Movement, SupplierOrder
from punchout.sandbox.pricing import SHIPPING_RATE


def order_rows(orders: list[SupplierOrder]) -> Iterable[dict[str, Any]]:
    """One row per supplier order."""
    for order in orders:
        yield {
            "orderMetadata": _order_metadata(order),
            "purchaseOrderNumber": order.purchase_order_number,
            "orderStatus": "CLOSED" if order.closed else "PENDING_FULFILLMENT",
            "charges": _charges(
                sum(line.priced.subtotal for line in order.lines),
                sum(line.priced.shipping for line in order.lines),
                sum(line.priced.tax for line in order.lines),
            ),
            "buyingCustomer": {"name": order.customer, "email": order.email},
            "buyerGroup": {"name": order.group or "ルートグループ"},
            "businessOrderInfo": {},
        }


def line_rows(orders: list[SupplierOrder]) -> Iterable[dict[str, Any]]:
    """One row per order line, of the accepted units."""
    for order in orders:
        for line in order.lines:
            seller = line.product.seller
            yield {
                "orderMetadata": _order_metadata(order),
                **_line_identity(order, line),
                "unitPrice": _money(line.priced.unit_price),
                "quantity": line.priced.quantity,
                "charges": _charges(line.priced.subtotal, line.priced.shipping, line.priced.tax),
                "seller": {
                    "name": seller.name,
                    "primaryAddress": {
                        "addressLine1": seller.city,
                        "city": seller.city,
                        "postalCode": seller.postal_code,
                        "countryCode": "JP",
                    },
                    "invoiceRegistrationNumber": seller.registration_number,
                },
            }


def shipment_rows(orders: list[SupplierOrder]) -> Iterable[dict[str, Any]]:
    """One row per parcel."""
    for order in orders:
        shipments: dict[str, list[Movement]] = defaultdict(list)
        for _, movement in _shipped(order):
            shipments[movement.shipment_id].append(movement)
        for movements in shipments.values():
            expected = movements[0].shipped_at + timedelta(days=1)
            streets = [*order.ship_to.get("streets", []), "", ""]
            yield {
                "orderMetadata": _order_metadata(order),
                "shipmentMetadata": _shipment_metadata(movements[0]),
                "purchaseOrderNumber": order.purchase_order_number,
                "shipmentStatus": "SHIPPED",
                "deliveryInfo": {
                    "expectedDeliveryDate": _date(expected),
                    "status": "NOT_DELIVERED",
                },
                "charges": _charges(
                    sum(movement.subtotal for movement in movements),
                    sum(movement.shipping for movement in movements),
                    sum(movement.tax + movement.shipping_tax for movement in movements),
                ),
                "shippingAddress": {
                    "fullName": order.ship_to.get("name", ""),
                    "addressLine1": streets[0],
                    "addressLine2": streets[1],
                    "city": order.ship_to.get("city", ""),
                    "stateOrRegion": order.ship_to.get("state", ""),
                    "postalCode": order.ship_to.get("postal_code", ""),
                    "countryCode": "JP",
                },
            }


def shipment_line_rows(orders: list[SupplierOrder]) -> Iterable[dict[str, Any]]:
    """One row per order line in a parcel."""
    for order in orders:
        for line, movement in _shipped(order):
            yield {
                "orderMetadata": _order_metadata(order),
                "shipmentMetadata": _shipment_metadata(movement),
                **_line_identity(order, line),
                "charges": _charges(
                    movement.subtotal, movement.shipping, movement.tax + movement.shipping_tax
                ),
                "quantity": movement.quantity,
                "carrierName": movement.carrier,
                "packages": [
                    {"trackingId": movement.tracking, "packageId": f"P{movement.shipment_id}"}
                ],
            }


def transaction_rows(
    orders: list[SupplierOrder], start: datetime, end: datetime
) -> Iterable[dict[str, Any]]:
    """Charges, one per shipment, and refunds between two instants, oldest first."""
    together: dict[str, list[tuple[SupplierOrder, Line, Movement]]] = defaultdict(list)
    for order in orders:
        for line in order.lines:
            for movement in line.movements:
                refunded = movement.quantity < 0
                key = movement.transaction_id if refunded else movement.shipment_id
                if start <= movement.at <= end:
                    together[key].append((order, line, movement))
    for parts in sorted(together.values(), key=lambda parts: parts[0][2].at):
        first = parts[0][2]
        yield {
            "transactionDate": _stamp(first.at),
            "feedDate": _stamp(first.at),
            "transactionType": "REFUND" if first.quantity < 0 else "CHARGE",
            "transactionId": first.transaction_id,
            "amount": _money_text(sum(movement.payable for _, _, movement in parts)),
            "transactionLineItems": [
                {
                    "totalAmount": _money_text(movement.payable),
                    "principalAmount": _money_text(movement.subtotal),
                    "shippingCharge": _money_text(movement.shipping),
                    "tax": _money_text(movement.tax + movement.shipping_tax),
                    "taxRate": f"{line.priced.rate}.00",
                    "shipTaxRate": f"{SHIPPING_RATE}.00",
                    "orderId": order.order_id,
                    "orderLineItemId": line.item_id,
                    "purchaseOrderNumber": order.purchase_order_number,
                    "asin": line.product.asin,
                    "productTitle": line.product.name,
                    "itemQuantity": abs(movement.quantity),
                    "shipmentId": movement.shipment_id,
                    "shipmentDate": _stamp(movement.shipped_at),
                    "merchantLegalName": line.product.seller.name,
                    "refundReason": movement.reason,
                }
                for order, line, movement in parts
            ],
        }


def _shipped(order: SupplierOrder) -> Iterable[tuple[Line, Movement]]:
    for line in order.lines:
        for movement in line.movements:
            if movement.quantity > 0:
                yield line, movement


def _order_metadata(order: SupplierOrder) -> dict[str, Any]:
    return {"orderDate": _date(order.placed_at), "orderId": order.order_id, "region": "JP"}


def _shipment_metadata(movement: Movement) -> dict[str, Any]:
    return {"shipmentDate": _date(movement.shipped_at), "shipmentId": movement.shipment_id}


def _line_identity(order: SupplierOrder, line: Line) -> dict[str, Any]:
    product = line.product
    return {
        "orderLineItemId": line.item_id,
        "purchaseOrderNumber": order.purchase_order_number,
        "purchaseOrderLineItemNumber": str(line.line_number),
        "taxRate": f"{line.priced.rate}.00",
        "productDetails": {
            "productCategory": product.category,
            "asin": product.asin,
            "title": product.full_description,
            "unspsc": {"code": product.unspsc},
            "productCondition": "New",
            "brandCode": product.model_number.split("-")[0],
            "brandName": product.maker,
            "manufacturerName": product.maker,
        },
    }


def _charges(subtotal: int, shipping: int, tax: int) -> list[dict[str, Any]]:
    amounts = {
        "SUBTOTAL": subtotal,
        "SHIPPING_AND_HANDLING": shipping,
        "PROMOTION": 0,
        "TAX": tax,
        "NET_TOTAL": subtotal + shipping + tax,
    }
    return [{"type": kind, "amount": _money(amount)} for kind, amount in amounts.items()]


def _money(amount: int) -> dict[str, Any]:
    return {"currencyCode": "JPY", "amount": amount}


def _money_text(amount: int) -> dict[str, str]:
    return {"currencyCode": "JPY", "amount": f"{amount}.00"}


def _date(instant: datetime) -> dict[str, str]:
    return {"date": _stamp(instant)}


def _stamp(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
