"""The cart: its form field, its lines, its amounts."""

import base64
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from lxml import etree

from punchout.cxml import (
    Credential,
    Money,
    Unreadable,
    cart_from_form,
    read_cart,
)
from tests.cxml_documents import (
    Line,
    cart,
    message,
    refusal,
    valid,
)


def test_an_amazon_cart_is_read_completely():
    read = read_cart(
        cart(
            [
                Line(shipping=500),
                Line(part_id="B000FOOD01", auxiliary_id="358-1,2", rate="8.00", unit_price=333),
                Line(part_id="B000BOOK00", auxiliary_id="358-1,3", rate="0.00", quantity=1),
            ]
        )
    )
    assert read.payload_id == "cart-1@amazon.co.jp"
    assert read.timestamp == datetime(2026, 4, 1, 3, 0, 0, 123_000, tzinfo=UTC)
    assert read.identities == (Credential("DUNS", "1234"), Credential("NetworkID", "Amazon"))
    assert read.buyer_cookie == "cookie-1"
    assert read.status is None
    assert read.deployment_mode == "production"
    assert [item.line_number for item in read.items] == [1, 2, 3]
    assert [item.tax_rate for item in read.items] == [10, 8, 0]
    assert read.total.yen() == sum(i.unit_price.yen() * int(i.quantity) for i in read.items)
    assert read.shipping is not None and read.shipping.yen() == 500
    first = read.items[0]
    assert (first.part_id, first.auxiliary_id) == ("B08N5WRWNW", "358-1234567-1234567,1")
    assert first.unit_price == Money(Decimal("1280.00"), "JPY")
    assert first.description == "コクヨ  キャンパスノート  A4 B罫 40枚 10冊パック"
    assert (first.unit_of_measure, first.classification) == ("EA", "14111514")
    assert (first.manufacturer_part_id, first.manufacturer_name) == ("ﾉ-836BN", "コクヨ")
    assert first.url == "https://www.amazon.co.jp/dp/B08N5WRWNW?a=1&b=2"
    assert first.extrinsics["soldBy"] == "アマゾンジャパン合同会社"
    assert first.tax is not None and first.tax.yen() == 256
    assert first.shipping is not None and first.shipping.yen() == 500
    assert first.shipping_tax is not None and first.shipping_tax.yen() == 50
    assert first.shipping_tax_rate == 10
    assert (read.items[1].shipping, read.items[1].shipping_tax) == (None, None)
    assert first.price_basis == 1
    assert etree.fromstring(first.xml).tag == "ItemIn"


def test_the_cart_of_these_tests_is_valid():
    valid(cart([Line(shipping=500)]))


def test_signing_out_posts_an_empty_cart():
    read = read_cart(cart([]))
    assert (read.items, read.total.yen(), read.shipping, read.tax) == ((), 0, None, None)


def test_a_cart_can_be_a_status_alone():
    read = read_cart(message('<Status code="204"/>'))
    assert read.status is not None and read.status.code == 204
    assert (read.items, read.buyer_cookie) == ((), "")


def _changed(old: str, new: str, **line: object) -> bytes:
    document = cart([Line(**line)]).decode()  # type: ignore[arg-type]
    assert old in document
    return document.replace(old, new).encode()


def test_a_cart_in_any_order_of_elements_is_the_same():
    document = etree.fromstring(cart([Line(shipping=300)]))
    for name in ("ItemIn", "ItemDetail", "ItemID", "PunchOutOrderMessage", "Header", "Tax"):
        for node in document.iter(name):
            node[:] = list(reversed(node))
    shuffled = read_cart(etree.tostring(document)).items[0]
    original = read_cart(cart([Line(shipping=300)])).items[0]
    for name in ("part_id", "unit_price", "tax", "tax_rate", "shipping_tax", "extrinsics"):
        assert getattr(shuffled, name) == getattr(original, name)


@pytest.mark.parametrize(
    ("stated", "amount"),
    [
        ("1280", 1280),
        ("\n 1280.0000 ", 1280),
        ("\u200b1280\ufeff", 1280),
        (".5", Decimal("0.5")),
        ("-3", -3),
        ("0", 0),
    ],
)
def test_money_is_read_as_suppliers_write_it(stated, amount):
    assert read_cart(_changed(">1280.00<", f">{stated}<", quantity=1)).items[0].unit_price == Money(
        Decimal(amount), "JPY"
    )


@pytest.mark.parametrize(
    "stated",
    ["１２８０", "1,280", "1280円", "NaN", "Infinity", "1E3", "1280 0", "¥1280", "9" * 400],
)
def test_numbers_are_not_guessed(stated):
    caught = refusal(_changed(">1280.00<", f">{stated}<"), read_cart)
    assert caught.status == 400
    assert stated not in caught.reason
    refusal(_changed('quantity="2"', f'quantity="{stated}"'), read_cart)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (">1280.00<", "><"),
        ('quantity="2"', 'quantity=""'),
        ("<SupplierPartID>B08N5WRWNW</SupplierPartID>", ""),
        ("<Total>", "<Whole>"),
        ("PunchOutOrderMessage", "SomethingElse"),
        ("Message", "Massage"),
    ],
)
def test_a_cart_without_the_essentials_is_refused(old, new):
    document = cart([Line()]).decode()
    changed = document.replace(old, new).replace(
        "</Total>", "</Whole>" if "Who" in new else "</Total>"
    )
    assert refusal(changed.encode(), read_cart).status == 400


def test_money_without_currency_counts_as_yen():
    read = read_cart(_changed(' currency="JPY"', ""))
    assert read.items[0].unit_price.currency == ""
    assert read.items[0].unit_price.yen() == 1280


@pytest.mark.parametrize(
    ("tax", "expected"),
    [
        ("<Tax><Money>0</Money></Tax>", (0, 0, None)),
        ("<Tax><Money>12</Money></Tax>", (12, None, None)),
        ("", (None, None, None)),
        (
            '<Tax><Money>30</Money><TaxDetail purpose="shippingTax" percentageRate="0.1">'
            "<TaxAmount><Money>10</Money></TaxAmount></TaxDetail></Tax>",
            (20, None, 10),
        ),
        (
            "<Tax><Money/><TaxDetail percentageRate='8'><TaxAmount><Money>3</Money></TaxAmount>"
            "</TaxDetail><TaxDetail percentageRate='10'><TaxAmount><Money>4</Money></TaxAmount>"
            "</TaxDetail></Tax>",
            (7, None, None),
        ),
    ],
)
def test_tax_is_as_stated_and_never_computed(tax, expected):
    document = cart([Line()]).decode()
    start, end = document.rindex("<Tax>"), document.rindex("</Tax>") + len("</Tax>")
    item = read_cart((document[:start] + tax + document[end:]).encode()).items[0]
    amounts = [None if m is None else int(m.amount) for m in (item.tax, item.shipping_tax)]
    assert (amounts[0], item.tax_rate, amounts[1]) == expected


@pytest.mark.parametrize(
    ("numbers", "read"),
    [(("5", "7"), [5, 7]), (("5", "5"), [1, 2]), (("", "7"), [1, 2]), (("0", "1"), [1, 2])],
)
def test_line_numbers_are_the_suppliers_when_they_serve(numbers, read):
    document = cart([Line(), Line()]).decode()
    for number in numbers:
        document = document.replace(
            "<ItemIn quantity", f'<ItemIn lineNumber="{number}" quantity', 1
        )
        document = document.replace("<ItemIn line", "<ItemDone line", 1)
    document = document.replace("<ItemDone", "<ItemIn")
    assert [item.line_number for item in read_cart(document.encode()).items] == read


def test_a_price_for_several_pieces_is_told():
    basis = '<PriceBasisQuantity quantity="2" conversionFactor="0.5"/><UnitOfMeasure>'
    item = read_cart(_changed("<UnitOfMeasure>", basis)).items[0]
    assert item.price_basis == 4


def test_links_are_http_only():
    item = read_cart(_changed("https://www.amazon.co.jp/dp", "javascript:alert(1)//dp")).items[0]
    assert item.url == ""


def test_too_many_lines_are_refused():
    document = cart([Line()]).decode()
    start, end = document.index("<ItemIn"), document.index("</ItemIn>") + len("</ItemIn>")
    many = document[:start] + '<ItemIn quantity="1"/>' * 5_001 + document[end:]
    assert refusal(many.encode(), read_cart).status == 413


CART = cart([Line()])


@pytest.mark.parametrize(
    "fields",
    [
        {"cXML-urlencoded": CART.decode()},
        {"CXML-URLENCODED": "\ufeff" + CART.decode().replace("UTF-8", "Shift_JIS")},
        {"cxml-urlencoded": CART.decode().replace("\n", "\r\n")},
        {"cXML-base64": base64.b64encode(CART).decode()},
        {"cxml-BASE64": base64.encodebytes(CART).decode().replace("\n", "\r\n")},
        {"cXML-base64": base64.b64encode(CART).decode().replace("+", " ").rstrip("=")},
        {"cXML-base64": base64.b64encode(CART).decode(), "cXML-urlencoded": "<cXML/>"},
        {"cXML-base64": " ", "cXML-urlencoded": CART.decode()},
        {"cXML-base64": "###", "cXML-urlencoded": CART.decode()},
        {
            "cXML-base64": base64.b64encode(
                CART.decode().replace("UTF-8", "Shift_JIS").replace("\u200b", "").encode("cp932")
            ).decode()
        },
    ],
)
def test_the_cart_is_found_in_the_form(fields):
    read = read_cart(cart_from_form(fields))
    assert read.items[0].description.startswith("コクヨ  キャンパスノート")
    assert read.items[0].extrinsics == read_cart(CART).items[0].extrinsics


def test_base64_survives_the_plus_sign():
    document = "<cXML>" + "髙>>>???~~~" * 7 + "</cXML>"
    encoded = base64.b64encode(document.encode()).decode()
    assert "+" in encoded
    for folded in (encoded, "\r\n".join(encoded[i : i + 7] for i in range(0, len(encoded), 7))):
        assert cart_from_form({"cXML-base64": folded.replace("+", " ")}) == document.encode()


@pytest.mark.parametrize(
    "fields", [{}, {"cXML": "<cXML/>"}, {"cXML-base64": "あ"}, {"cXML-urlencoded": "  "}]
)
def test_a_form_without_a_cart_is_refused(fields):
    with pytest.raises(Unreadable):
        cart_from_form(fields)
