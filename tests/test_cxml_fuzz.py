"""Whatever comes in, nothing but Unreadable comes out."""

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from punchout.cxml import (
    Unreadable,
    cart_from_form,
    parse,
    read_cart,
    read_inbound,
    read_response,
    read_setup_response,
)
from tests.cxml_documents import (
    Line,
    cart,
    confirmation,
    setup_response,
)

READERS = (parse, read_cart, read_inbound, read_response, read_setup_response)


SEEDS = (
    cart([Line(shipping=300), Line(rate="8.00")]),
    confirmation(
        '<ConfirmationItem quantity="1" lineNumber="1"><ConfirmationStatus quantity="1"'
        ' type="detail"><UnitPrice><Money currency="JPY">1</Money></UnitPrice></ConfirmationStatus>'
        "</ConfirmationItem>"
    ),
    setup_response("https://a.example/"),
)
SNIPPETS = (
    (b"", b"<", b">", b"&foo;", b"\x00", b"\xff", b"\xef\xbb\xbf", b"<![CDATA[", b"]]>", b"9" * 30)
    + ("１".encode(), b"-", b"NaN", b"1e999", b"</Money>", b"<Money/>", b"<Tax/>", b'quantity=""')
    + (b'<?xml version="1.0" encoding="UTF-16"?>', b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"<!-- -->")
)


def _read_with_everything(data: bytes) -> None:
    for reader in READERS:
        try:
            reader(data)
        except Unreadable as caught:
            assert 400 <= caught.status <= 450
            assert caught.reason


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_mutated_messages_raise_nothing_but_unreadable(data):
    document = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(document)))
        length = data.draw(st.integers(0, 40))
        document[start : start + length] = data.draw(st.sampled_from(SNIPPETS))
    _read_with_everything(bytes(document))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_elements_and_attributes_at_random_raise_nothing_but_unreadable(data):
    root = etree.fromstring(data.draw(st.sampled_from(SEEDS)))
    nodes = [node for node in root.iter(etree.Element) if node.getparent() is not None]
    for _ in range(data.draw(st.integers(1, 8))):
        node = data.draw(st.sampled_from(nodes))
        parent = node.getparent()
        what = data.draw(st.sampled_from(("text", "attributes", "drop", "double")))
        if what == "text":
            node.text = data.draw(st.sampled_from(("", "x", "-1", "１", "1e5", "9" * 50, " \n")))
        elif what == "attributes":
            for name in list(node.keys()):
                node.set(name, data.draw(st.sampled_from(("", "0", "x", "1.5", "２"))))
        elif parent is not None and what == "drop":
            parent.remove(node)
        elif parent is not None:
            parent.append(etree.fromstring(etree.tostring(node, with_tail=False)))
    _read_with_everything(etree.tostring(root))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_unreadable(data):
    _read_with_everything(data)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(("cXML-base64", "cxml-urlencoded")), st.text(st.characters(), max_size=80)
    )
)
def test_any_form_raises_nothing_but_unreadable(fields):
    try:
        data = cart_from_form(fields)
    except Unreadable:
        return
    _read_with_everything(data)
