"""From the cart to the order: one line each, nothing lost, always valid."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from punchout.cxml import (
    OrderItem,
    Unreadable,
    build_order_request,
)
from punchout.cxml.item import MODELS
from tests.cxml_documents import (
    CART_LINES,
    Line,
    cart,
    item_in,
    official_dtd,
    order,
    order_items,
    valid,
)

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def _flat(node: etree._Element | None) -> list[tuple[object, ...]]:
    assert node is not None
    return sorted((e.tag, sorted(e.attrib.items()), (e.text or "").strip()) for e in node.iter())


def test_each_line_of_the_cart_becomes_one_of_the_order_with_all_its_data():
    received = etree.fromstring(cart(CART_LINES)).findall(".//ItemIn")
    root = valid(build_order_request(order(order_items(cart(CART_LINES)))))
    sent = root.findall(".//ItemOut")
    assert [node.get("lineNumber") for node in sent] == ["1", "2", "3"]
    for item_in_node, item_out in zip(received, sent, strict=True):
        assert item_out.get("quantity") == item_in_node.get("quantity")
        for name in ("ItemID", "ItemDetail", "Tax"):
            before, after = _flat(item_in_node.find(name)), _flat(item_out.find(name))
            assert before == after
    description = sent[0].findtext("ItemDetail/Description")
    assert description == "コクヨ  キャンパスノート  A4 B罫 40枚 10冊パック"


def test_the_header_of_the_order():
    root = valid(
        build_order_request(
            order(order_items(cart(CART_LINES)), comments="至急", business_unit="x")
        ),
    )
    header = root.find(".//OrderRequestHeader")
    assert header is not None
    assert dict(header.attrib) == {
        "orderID": "PO-1",
        "orderDate": "2026-04-01T12:00:00+09:00",
        "type": "new",
    }
    assert header.findtext("Total/Money") == "3300"
    assert header.findtext("Shipping/Money") == "500"
    assert header.findtext("Tax/Money") == "300"
    assert [node.text for node in header.findall("Tax/TaxDetail/TaxAmount/Money")] == ["250", "50"]
    assert header.find("Payment") is None
    assert [node.get("name") for node in header.findall("Extrinsic")] == [
        "email",
        "UserBusinessUnit",
    ]
    for name in ("ShipTo", "BillTo"):
        postal = header.find(f"{name}/Address/PostalAddress")
        assert postal is not None
        streets = [node.text for node in postal.findall("Street")]
        assert streets == ["下目黒1-8-1 アルコタワー", "楽々商事 経理部"]
        assert postal.findtext("State") == "東京都"
        assert postal.findtext("PostalCode") == "153-0064"
    assert root.find(".//ItemOut/Shipping") is None


def test_a_broken_item_is_mended():
    broken = """<ItemIn quantity="x" bogus="1">
      <Extrinsic name="onItem">kept too</Extrinsic><Unknown>gone</Unknown>
      <Tax><Description>no lang</Description><Money currency=" jpy">1</Money>
        <TaxDetail taxedElement="nowhere" isIncludedInPrice="perhaps"><Note/>
        <TaxAmount><Money>1</Money></TaxAmount></TaxDetail></Tax>
      <ItemDetail><Extrinsic name="soldBy">店 <b>太字</b> &amp; 他</Extrinsic>
        <Classification>1</Classification><ShinyNewThing>gone</ShinyNewThing>
        <Dimension quantity="1" type="mood"><UnitOfMeasure>CM</UnitOfMeasure></Dimension>
        <Description>品 <i>名</i><ShortName>短</ShortName></Description>
        <UnitPrice><Money>\n100.0\u200b</Money></UnitPrice><LeadTime>2</LeadTime></ItemDetail>
      <ShipTo><Address/></ShipTo><Contact/><Shipping/>
      <ItemID><SupplierPartAuxiliaryID>358-1,1 <x>y</x></SupplierPartAuxiliaryID>
        <SupplierPartID>P</SupplierPartID></ItemID></ItemIn>"""
    root = valid(build_order_request(order([OrderItem(1, 3, broken, 100)])))
    out = root.find(".//ItemOut")
    assert out is not None
    assert [node.tag for node in out] == ["ItemID", "ItemDetail", "Tax"]
    assert out.get("quantity") == "3"
    detail = out[1]
    assert [node.tag for node in detail] == [
        *("UnitPrice", "Description", "UnitOfMeasure", "Classification", "LeadTime"),
        *("Extrinsic", "Extrinsic"),
    ]
    assert [node.text for node in detail.findall("Extrinsic")] == ["店 太字 & 他", "kept too"]
    money = detail.find("UnitPrice/Money")
    assert money is not None and (money.text, money.get("currency")) == ("100.0", "JPY")
    assert detail[1].text == "品 名" and detail[1][0].text == "短"
    assert out.findtext("ItemID/SupplierPartAuxiliaryID") == "358-1,1 y"
    assert out.find("Tax/TaxDetail[@category='vat']") is not None


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            OrderItem(
                1, 1, "<ItemIn><ItemID><SupplierPartID>P</SupplierPartID></ItemID></ItemIn>", 5
            ),
            "5",
        ),
        (OrderItem(1, 1, item_in(Line()), 1280), "1280.00"),
        (OrderItem(1, 1, item_in(Line()), 1300), "1300"),
        (OrderItem(1, 1, item_in(Line()).replace("1280.00", "1,280"), Decimal("1280")), "1280"),
    ],
)
def test_the_price_is_the_cart_s_own_as_long_as_it_is_meant(item, expected):
    root = valid(build_order_request(order([item])))
    assert root.findtext(".//ItemOut/ItemDetail/UnitPrice/Money") == expected


@pytest.mark.parametrize("before", ["", '<SupplierID domain="a">b</SupplierID>'])
def test_a_line_without_tax_gets_what_the_order_says(before):
    bare = f"<ItemIn><ItemID><SupplierPartID>P</SupplierPartID></ItemID>{before}</ItemIn>"
    item = OrderItem(1, 1, bare, 100, tax_yen=8, tax_rate=Decimal(8))
    root = valid(build_order_request(order([item])))
    detail = root.find(".//ItemOut/Tax/TaxDetail")
    assert detail is not None and detail.get("percentageRate") == "8"
    assert detail.findtext("TaxAmount/Money") == "8"


@pytest.mark.parametrize("item", ["", "<ItemIn", "<ItemOut/>", "<ItemIn/>", "<a>&b;</a>", "\ud800"])
def test_a_damaged_item_is_refused(item):
    with pytest.raises(Unreadable):
        build_order_request(order([OrderItem(1, 1, item, 1)]))


def test_deep_extrinsics_end_somewhere():
    nested = '<Extrinsic name="n">' * 200 + "core" + "</Extrinsic>" * 200
    item = item_in(Line()).replace("</ItemDetail>", f"{nested}</ItemDetail>")
    document = build_order_request(order([OrderItem(1, 2, item, 1280)]))
    assert "core" in "".join(str(part) for part in valid(document).itertext())


def _names(content) -> list[str]:
    if content is None:
        return []
    if content.type == "element":
        return [content.name]
    return _names(content.left) + _names(content.right)


def test_the_models_agree_with_the_dtd():
    """Order, names and attributes of every element that an ItemOut may hold."""
    declared = {e.name: e for e in official_dtd().iterelements() if e.prefix is None}
    for name, model in MODELS.items():
        attributes = {
            (XML_LANG if a.name == "lang" else a.name): a for a in declared[name].iterattributes()
        }
        for attribute in model.attributes:
            official = attributes.pop(attribute.name)
            assert attribute.required == (official.default == "required"), (name, attribute.name)
            assert attribute.allowed == frozenset(official.values()), (name, attribute.name)
        assert set(attributes) <= {"taxedElement"}, name
        ours = [part for parts in model.parts for part in parts.names]
        if model.kind != "#any":
            assert ours == _names(declared[name].content), name


@st.composite
def _random_elements(draw, name="ItemIn", depth=0):
    node = etree.Element(name)
    attributes = ("currency", "domain", "name", "type", "quantity", "percentageRate", "category")
    for attribute in draw(st.lists(st.sampled_from(attributes), max_size=2, unique=True)):
        node.set(attribute, draw(st.sampled_from(["", "JPY", "1", "length", "x"])))
    node.text = draw(st.sampled_from([None, "1", "text", " "]))
    model = MODELS.get(name)
    usual = [child for part in model.parts for child in part.names] if model else []
    if name == "ItemIn":
        usual = ["ItemID", "ItemDetail", "Tax", "SupplierID", "Comments", "Extrinsic", "ShipTo"]
    if depth < 4:
        choices = st.sampled_from(usual or [*MODELS]) | st.sampled_from([*MODELS, "Odd"])
        for child in draw(st.lists(choices, max_size=4)):
            node.append(draw(_random_elements(child, depth + 1)))
    return node


@settings(max_examples=80, deadline=None)
@given(_random_elements())
def test_an_order_is_valid_whatever_the_cart_s_lines_look_like(node):
    item_id = etree.fromstring("<ItemID><SupplierPartID>P</SupplierPartID></ItemID>")
    node.insert(0, item_id)
    item = OrderItem(1, 1, etree.tostring(node, encoding="unicode"), 100)
    valid(build_order_request(order([item])))
