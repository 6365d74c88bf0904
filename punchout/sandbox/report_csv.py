"""The two report files an accountant downloads: 注文履歴レポート and 出荷レポート."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from punchout.sandbox.history import Line, Movement, SupplierOrder

_TOKYO = ZoneInfo("Asia/Tokyo")
_NONE = "該当無し"

ORDER_HEADINGS = (
    "注文日", "注文番号", "アカウントグループ", "発注番号", "注文の数量", "通貨",
    "注文の小計（税抜）", "注文の配送料および手数料（税抜）", "注文の消費税額",
    "注文の割引（税込）", "注文の合計（税込）", "注文状況", "アカウントユーザー",
    "ユーザーのEメール", "支払い確定日", "支払い金額", "支払認証ID/請求書番号",
    "クレジットカード番号（下4桁）", "配送業者の問い合わせ番号", "商品カテゴリー", "ASIN",
    "商品名", "商品の数量", "商品の価格（税込）", "商品の小計（税込）", "商品の小計（税抜）",
    "商品の小計（消費税）", "商品の小計（税率）", "商品の配送料および手数料（税込）",
    "商品および配送料の合計（税込）", "出品者名", "適格請求書発行事業者登録番号",
    "適格請求書（または支払い明細書）番号",
)  # fmt: skip
SHIPMENT_HEADINGS = (
    "出荷日", "出荷状況", "支払い方法", "注文番号", "商品名", "商品の数量",
    "発送商品の小計(税率)", "発送商品の合計 (税込)",
)  # fmt: skip


def orders_csv(orders: Iterable[SupplierOrder]) -> bytes:
    """Return 注文履歴レポート: a row per item and parcel, one for what has not left, refunds."""
    rows = []
    for order in orders:
        for line in order.lines:
            rows += [_order_row(order, line, movement) for movement in line.movements]
            if line.shipped < line.priced.quantity or not line.movements:
                rows.append(_order_row(order, line, None))
    return _file(ORDER_HEADINGS, rows)


def shipments_csv(orders: Iterable[SupplierOrder]) -> bytes:
    """Return 出荷レポート: a row per item and parcel; it knows neither ASIN nor tracking."""
    rows = [
        [
            _day(movement.shipped_at),
            "発送済み" if movement.quantity > 0 else "返金済み",
            "請求書払い",
            order.order_id,
            line.product.full_description,
            movement.quantity,
            f"{line.priced.rate}%",
            movement.payable,
        ]
        for order in orders
        for line in order.lines
        for movement in line.movements
    ]
    return _file(SHIPMENT_HEADINGS, rows)


def _order_row(order: SupplierOrder, line: Line, movement: Movement | None) -> list[object]:
    subtotal = sum(each.priced.subtotal for each in order.lines)
    shipping = sum(each.priced.shipping for each in order.lines)
    tax = sum(each.priced.tax for each in order.lines)
    quantity, goods, goods_tax, carriage = _share(line, movement)
    unit_price = line.priced.unit_price * (100 + line.priced.rate) // 100
    seller = line.product.seller
    return [
        _day(order.placed_at),
        order.order_id,
        order.group or _NONE,
        order.purchase_order_number,
        sum(each.priced.quantity for each in order.lines),
        "JPY",
        subtotal,
        shipping,
        tax,
        0,
        subtotal + shipping + tax,
        "注文完了" if order.closed else "出荷準備中",
        order.customer,
        order.email,
        _day(movement.at) if movement else _NONE,
        goods + goods_tax + carriage if movement else _NONE,
        f"INV-{movement.shipment_id}" if movement else _NONE,
        _NONE,
        f'="{movement.tracking}"' if movement else "",
        line.product.category,
        f'="{line.product.asin}"',
        line.product.full_description,
        quantity,
        unit_price,
        goods + goods_tax,
        goods,
        goods_tax,
        f"{line.priced.rate}%",
        carriage,
        goods + goods_tax + carriage,
        seller.name,
        seller.registration_number or _NONE,
        f"INV-{movement.shipment_id}" if movement else _NONE,
    ]


def _share(line: Line, movement: Movement | None) -> tuple[int, int, int, int]:
    """Return quantity, goods, tax on them and carriage incl. tax of one row of the file."""
    if movement:
        carriage = movement.shipping + movement.shipping_tax
        return movement.quantity, movement.subtotal, movement.tax, carriage
    left = [part for part in line.movements if part.quantity > 0]
    return (
        line.priced.quantity - line.shipped,
        line.priced.subtotal - sum(part.subtotal for part in left),
        line.priced.subtotal_tax - sum(part.tax for part in left),
        0 if left else line.priced.shipping + line.priced.shipping_tax,
    )


def _day(instant: datetime) -> str:
    return instant.astimezone(_TOKYO).strftime("%Y/%m/%d")


def _file(headings: Iterable[str], rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(headings)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")
