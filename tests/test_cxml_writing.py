"""Documents that leave: valid whatever is in them, complete, and without the secret."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from punchout.cxml import (
    Address,
    Credential,
    Order,
    Parties,
    SetupRequest,
    Unreadable,
    build_order_request,
    build_profile_response,
    build_response,
    build_setup_request,
    read_cart,
    read_inbound,
    read_response,
    with_secret,
)
from tests.cxml_documents import (
    CART_LINES,
    NOON,
    PARTIES,
    Line,
    address,
    cart,
    order,
    order_items,
    setup_request,
    valid,
)

SECRET = """p&a<s>s"'ド😀 ]]>"""
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


# Anything that a person or a supplier may have typed, the forbidden characters included.
texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["\"'&<>", "]]>", "😀𠮷", "株式会社" * 40, "a\x00\x0bb", "\r\n\t", "\ufffe", "\ud800"]
    ),
)
addresses = st.builds(
    Address,
    name=texts,
    deliver_to=st.lists(texts, max_size=3).map(tuple),
    street=st.lists(texts, max_size=3).map(tuple),
    city=texts,
    state=texts,
    postal_code=texts,
    country_code=st.sampled_from(["JP", "US"]),
    email=texts,
    phone=st.one_of(texts, st.from_regex(r"\+?[0-9-]{1,15}", fullmatch=True)),
    address_id=texts,
)
credentials = st.builds(Credential, texts, texts)
parties = st.builds(Parties, credentials, credentials, credentials, texts)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(NOON.tzinfo))
envelopes = {
    "parties": parties,
    "payload_id": texts,
    "timestamp": moments,
    "deployment_mode": st.sampled_from(["production", "test"]),
}
lines = st.builds(
    Line,
    part_id=st.from_regex(r"[A-Z0-9]{10}", fullmatch=True),
    auxiliary_id=st.from_regex(r"[0-9&<'\"-]{1,20},[0-9]{1,3}", fullmatch=True),
    quantity=st.integers(1, 99),
    unit_price=st.integers(0, 10**7),
    rate=st.sampled_from(["0.00", "8.00", "10.00"]),
    shipping=st.integers(0, 5_000),
    description=st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40
    ).map(lambda text: text.replace("\ufffe", "").replace("\uffff", "")),
)


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        SetupRequest,
        **envelopes,
        buyer_cookie=texts,
        return_url=texts,
        user_email=texts,
        first_name=texts,
        last_name=texts,
        unique_name=texts,
        business_unit=texts,
        ship_to=st.none() | addresses,
        extrinsics=st.dictionaries(texts, texts, max_size=3),
    )
)
def test_setup_requests_are_valid_whatever_is_in_them(setup):
    valid(build_setup_request(setup))
    valid(with_secret(build_setup_request(setup), SECRET))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(lines, min_size=1, max_size=4),
    st.fixed_dictionaries(
        envelopes
        | {
            "order_id": texts,
            "order_date": moments,
            "total_yen": st.integers(0, 10**9),
            "tax_yen": st.integers(0, 10**8),
            "shipping_yen": st.integers(0, 10**5),
            "shipping_tax_yen": st.none() | st.integers(0, 10**4),
            "ship_to": addresses,
            "bill_to": addresses,
            "contact_name": texts,
            "contact_email": texts,
            "business_unit": texts,
            "comments": texts,
        }
    ),
)
def test_orders_are_valid_whatever_is_in_them(cart_lines, fields):
    document = build_order_request(Order(items=order_items(cart(cart_lines)), **fields))
    root = valid(with_secret(document, SECRET))
    found = [node.text for node in root.iter("SupplierPartAuxiliaryID")]
    assert found == [line.auxiliary_id for line in cart_lines]


@settings(max_examples=60, deadline=None)
@given(st.integers(100, 999), texts, texts, texts, st.dictionaries(texts, texts, min_size=1))
def test_answers_are_valid_and_read_back(code, text, message, payload_id, transactions):
    answer = build_response(
        code=code, text=text, message=message, payload_id=payload_id, timestamp=NOON
    )
    valid(answer)
    assert read_response(answer).code == code
    profile = build_profile_response(
        payload_id=payload_id, timestamp=NOON, transactions=transactions
    )
    assert len(valid(profile).findall(".//Transaction")) == len(transactions)


def test_the_setup_request_says_who_shops():
    root = etree.fromstring(build_setup_request(setup_request(business_unit="総務")))
    assert root.get("timestamp") == "2026-04-01T12:00:00+09:00"
    setup = root.find("Request/PunchOutSetupRequest")
    assert setup is not None and setup.get("operation") == "create"
    assert {node.get("name"): node.text for node in setup.findall("Extrinsic")} == {
        "UserEmail": "hanako@example.jp",
        "UniqueName": "E0001",
        "FirstName": "花子",
        "LastName": "山田",
        "UserBusinessUnit": "総務",
    }
    assert setup.findtext("BrowserFormPost/URL") == "https://example.jp/punchout/return?a=1&b=2"
    assert setup.findtext("Contact/Email") == "hanako@example.jp"
    assert root.find("Header/Sender/Credential/SharedSecret") is None


def test_a_setting_of_the_connection_replaces_a_standard_extrinsic():
    root = etree.fromstring(
        build_setup_request(setup_request(extrinsics={"UniqueName": "X", "a": "b"}))
    )
    named = {node.get("name"): node.text for node in root.iter("Extrinsic")}
    assert (named["UniqueName"], named["a"]) == ("X", "b")


@pytest.mark.parametrize(
    ("phone", "expected"),
    [
        ("03-1234-5678", ("81", "03", "1234-5678")),
        ("０３（１２３４）５６７８", ("81", "03", "1234-5678")),
        ("+81-3-1234-5678", ("81", "03", "1234-5678")),
        ("+81 (0)90 1234 5678", ("81", "090", "1234-5678")),
        ("0312345678", ("81", None, "0312345678")),
    ],
)
def test_phone_numbers_are_taken_apart(phone, expected):
    to = Address("a", (), ("b",), "c", "", "", phone=phone)
    root = etree.fromstring(build_setup_request(setup_request(ship_to=to)))
    number = root.find(".//TelephoneNumber")
    assert number is not None
    assert tuple(node.text for node in number) == expected


def test_naive_dates_and_unknown_modes_are_programming_errors():
    for changes in ({"timestamp": datetime(2026, 4, 1)}, {"deployment_mode": "live"}):
        with pytest.raises(ValueError):
            build_setup_request(setup_request(**changes))
    with pytest.raises(ValueError):
        build_order_request(order([]))
    with pytest.raises(ValueError):
        build_profile_response(payload_id="p", timestamp=NOON, transactions={})


def test_overlong_address_fields_are_named():
    assert address().overlong() == ()
    assert address(name="あ" * 61, city="い" * 60).overlong() == ("name",)


def test_our_own_messages_can_be_read_by_our_own_reader():
    with pytest.raises(Unreadable) as caught:
        read_inbound(build_setup_request(setup_request()))
    assert caught.value.status == 450
    assert read_cart(cart(CART_LINES)).items[2].auxiliary_id == 'a&b<c>"d'
    assert PARTIES.from_.matches(Credential("networkid", "Rakuraku1234567"))
