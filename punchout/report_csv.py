"""The report files an accountant downloads: 注文履歴レポート and 出荷レポート.

People choose the columns, so they are found by heading; brackets and widths differ between files.
"""

import csv
import datetime
import io
import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from punchout.facts import Fact, Row


class NotAReport(Exception):
    """The file is not one of the two reports; ``str()`` says what is missing."""


_NOTHING = {"", "該当無し", "該当なし", "N/A", "-"}
_SPREADSHEET_TEXT = re.compile(r'^="(.*)"$')
_CANCELLED = ("キャンセル", "取消")
_NOT_SHIPPED = ("未出荷", "出荷準備", "保留")


def read(data: bytes) -> list[Row]:
    """The rows of a report file. Bad rows carry their reason; the good ones are not lost.

    Raises ``NotAReport`` for a file without the headings that name an order, an item, a quantity
    and an amount, or in no readable encoding.
    """
    reader = csv.reader(io.StringIO(_text(data)))
    headings = [_plain(cell) for cell in next(reader, [])]
    layout = _layout(headings)
    rows = []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        raw = dict(zip(headings, cells, strict=False))
        rows.append(_row(reader.line_num, raw, layout))
    return rows


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise NotAReport("文字コードを判別できません。UTF-8 か Shift_JIS の CSV を選んでください。")


def _plain(heading: str) -> str:
    return "".join(unicodedata.normalize("NFKC", heading).split())


def _heading(name: str) -> str:
    return _plain(name)


_ORDERS = {
    "order": _heading("注文番号"),
    "title": _heading("商品名"),
    "quantity": _heading("商品の数量"),
    "amount": _heading("商品の小計（税込）"),
    "tax": _heading("商品の小計（消費税）"),
    "rate": _heading("商品の小計（税率）"),
    "carriage": _heading("商品の配送料および手数料（税込）"),
    "purchase_order": _heading("発注番号"),
    "part": "ASIN",
    "status": _heading("注文状況"),
    "ordered_on": _heading("注文日"),
    "charged_on": _heading("支払い確定日"),
    "tracking": _heading("配送業者の問い合わせ番号"),
    "seller": _heading("出品者名"),
    "registration": _heading("適格請求書発行事業者登録番号"),
}
_SHIPMENTS = {
    "order": _heading("注文番号"),
    "title": _heading("商品名"),
    "quantity": _heading("商品の数量"),
    "amount": _heading("発送商品の合計（税込）"),
    "rate": _heading("発送商品の小計（税率）"),
    "shipped_on": _heading("出荷日"),
    "status": _heading("出荷状況"),
    "purchase_order": _heading("発注番号"),
    "part": "ASIN",
}


def read_row(number: int, raw: dict[str, str]) -> Row:
    """A kept row read again."""
    return _row(number, raw, _layout(list(raw)))


def _layout(headings: list[str]) -> dict[str, str]:
    best: list[str] = []
    for layout in (_ORDERS, _SHIPMENTS):
        needed = [layout[name] for name in ("order", "title", "quantity", "amount")]
        missing = [name for name in needed if name not in headings]
        if not missing:
            return layout
        best = missing if not best or len(missing) < len(best) else best
    raise NotAReport(
        "Amazon ビジネスの注文履歴・出荷レポートではないようです。"
        f"見出しがありません: {'、'.join(best)}"
    )


def _row(number: int, raw: dict[str, str], layout: dict[str, str]) -> Row:
    values = {name: _cell(raw.get(heading, "")) for name, heading in layout.items()}
    try:
        if any(word in values.get("status", "") for word in _CANCELLED):
            return Row(number, raw, not_yet=True)
        if not _was_supplied(values, layout):
            return Row(number, raw, not_yet=True)
        return Row(number, raw, tuple(_facts(values, layout)))
    except ValueError as error:
        return Row(number, raw, problem=str(error))


def _was_supplied(values: dict[str, str], layout: dict[str, str]) -> bool:
    """Whether the row is about goods that have left or were charged."""
    if any(word in values.get("status", "") for word in _NOT_SHIPPED):
        return bool(values.get("charged_on") or values.get("tracking"))
    if layout is _SHIPMENTS:
        return bool(values["shipped_on"])
    # Without the column nothing says that it was not charged.
    return bool(values["charged_on"] or values["tracking"])


def _facts(values: dict[str, str], layout: dict[str, str]) -> Iterator[Fact]:
    order = values["order"]
    if not order:
        raise ValueError("注文番号がありません。")
    if not values["title"]:
        raise ValueError("商品名がありません。")
    quantity = _whole(values["quantity"], "商品の数量")
    amount = _whole(values["amount"], "金額")
    if amount < 0 < quantity:
        quantity = -quantity
    common: dict[str, Any] = {
        "supplier_order": order,
        "purchase_order_number": values.get("purchase_order", ""),
        "seller": values.get("seller", "")[:120],
        "registration_number": values.get("registration", "")[:14],
        "ordered_on": _day(values.get("ordered_on", ""), "注文日"),
        "shipped_on": _day(values.get("shipped_on", ""), "出荷日"),
        "charged_on": _day(values.get("charged_on", ""), "支払い確定日"),
        "tracking": values.get("tracking", "")[:120],
    }
    yield Fact(
        title=values["title"],
        quantity=quantity,
        amount=amount,
        tax=_optional(values.get("tax", ""), "消費税"),
        rate=_rate(values.get("rate", "")),
        part_id=values.get("part", ""),
        may_include_carriage=layout is _SHIPMENTS,
        **common,
    )
    carriage = _optional(values.get("carriage", ""), "配送料")
    if carriage:
        yield Fact(
            title="配送料・手数料",
            quantity=1 if carriage > 0 else -1,
            amount=carriage,
            is_shipping_charge=True,
            **common,
        )


def _cell(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).strip()
    quoted = _SPREADSHEET_TEXT.match(text)
    text = quoted[1].strip() if quoted else text
    return "" if text in _NOTHING else text


def _optional(text: str, what: str) -> int | None:
    return _whole(text, what) if text else None


def _whole(text: str, what: str) -> int:
    cleaned = text.replace(",", "").replace("¥", "").replace("円", "").replace("▲", "-")
    try:
        value = Decimal(cleaned)
    except InvalidOperation:
        raise ValueError(f"{what}「{text}」を数値として読み取れません。") from None
    if not value.is_finite() or value != value.to_integral_value():
        raise ValueError(f"{what}「{text}」が整数ではありません。")
    if abs(value) > 10**12:
        raise ValueError(f"{what}「{text}」が大きすぎます。")
    return int(value)


def _rate(text: str) -> Decimal | None:
    if not text:
        return None
    try:
        rate = Decimal(text.rstrip("%"))
    except InvalidOperation:
        raise ValueError(f"税率「{text}」を読み取れません。") from None
    if not rate.is_finite() or not 0 <= rate <= 100:
        raise ValueError(f"税率「{text}」が 0 から 100 の間ではありません。")
    return rate


def _day(text: str, what: str) -> datetime.date | None:
    if not text:
        return None
    for form in ("%Y/%m/%d", "%Y-%m-%d"):
        try:
            return datetime.datetime.strptime(text[:10], form).date()
        except ValueError:
            continue
    raise ValueError(f"{what}「{text}」を日付として読み取れません。")
