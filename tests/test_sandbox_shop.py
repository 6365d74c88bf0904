"""The sandbox supplier: set-up, the shop and the carts it hands out."""

import subprocess
import sys
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from lxml import etree
from sandbox_buyer import (
    CONTROL,
    Buyer,
    assert_valid,
    buyer_on,
    envelope,
    message,
    money,
    new_client,
    setup_document,
)

from punchout.sandbox.config import Config, ConfigError
from punchout.sandbox.pricing import tax_on
from punchout.sandbox.products import PRODUCTS

PEN, WATER, STAMPS, CARD, MONITOR = (
    "B0MDR00101",
    "B0MDR00401",
    "B0MDR00701",
    "B0MDR00702",
    "B0MDR00303",
)


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    """A browser and a buyer's server in one, on a sandbox of its own."""
    return new_client(tmp_path)


@pytest.fixture
def buyer(client: FlaskClient) -> Buyer:
    """The buyer on that sandbox."""
    return buyer_on(client)


def status_code(root: etree._Element) -> str:
    """Return the code of an answer."""
    status = root.find("Response/Status")
    assert status is not None
    return str(status.get("code"))


def test_importing_the_sandbox_imports_neither_django_nor_the_product() -> None:
    script = (
        "import sys, punchout.sandbox.app;"
        "rooms = {'django', 'rakuraku', 'masters', 'expenses'};"
        "ours = {m for m in sys.modules if m.startswith('punchout.')"
        " and not m.startswith('punchout.sandbox')};"
        "assert not rooms & set(sys.modules) and not ours, (rooms & set(sys.modules), ours)"
    )
    root = Path(__file__).resolve().parents[1]
    subprocess.run([sys.executable, "-c", script], check=True, cwd=root, timeout=60)


def test_missing_configuration_is_named() -> None:
    with pytest.raises(ConfigError, match="SANDBOX_SECRET"):
        Config.from_environment({"SANDBOX_STATE": "x", "SANDBOX_PUBLIC_URL": "http://localhost"})


def test_setup_answers_with_a_start_page_that_works_once(client: FlaskClient, buyer: Buyer) -> None:
    document = envelope(setup_document(), payload_id="p", domain="NETWORKID")
    answer = client.post("/cxml/setup", data=document)
    assert_valid(answer.data)
    start = buyer.setup()
    assert client.get(start).headers["Location"] == "/"
    assert client.get("/").status_code == 200
    assert client.get(start).status_code == 410


def test_start_page_expires(client: FlaskClient, buyer: Buyer) -> None:
    client.put("/_control/settings", json={"start_page_seconds": 0}, headers=CONTROL)
    assert client.get(buyer.setup()).status_code == 410


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (envelope(setup_document(), payload_id="p", secret="wrong"), "401"),
        (envelope(setup_document(), payload_id="p", identity="somebody"), "401"),
        (envelope(setup_document(), payload_id="p", domain="DUNS"), "401"),
        (envelope(setup_document(email=""), payload_id="p"), "400"),
        (envelope(setup_document(operation="edit"), payload_id="p"), "450"),
        (envelope("<ProfileRequest/>", payload_id="p"), "400"),
        (b"<cXML><Request/>", "406"),
        (b"not xml at all", "406"),
        (b'<!DOCTYPE cXML [<!ENTITY a "b">]><cXML><Request/></cXML>', "406"),
    ],
)
def test_setup_is_refused_inside_cxml(client: FlaskClient, document: bytes, code: str) -> None:
    answer = client.post("/cxml/setup", data=document)
    assert answer.status_code == 200
    assert status_code(assert_valid(answer.data)) == code


def test_strangers_and_frames_are_kept_out(client: FlaskClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 403
    assert "購買システムから開いてください" in answer.text
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_cart_message_has_the_facts_of_real_carts(buyer: Buyer) -> None:
    document = buyer.shop((MONITOR, 2), (WATER, 3), (STAMPS, 1), (CARD, 1))
    assert b'SYSTEM "http://xml.cxml.org/schemas/cXML/1.2.024/cXML.dtd"' in document
    root = assert_valid(document)
    assert root.get("timestamp", "").endswith("Z")
    assert "." in root.get("timestamp", "")
    assert root.findtext("Message/PunchOutOrderMessage/BuyerCookie") == "cookie-1"
    assert root.find("Header/Sender/Credential/SharedSecret") is None
    monitor, water, stamps, card = root.iter("ItemIn")

    assert monitor.get("lineNumber") is None
    assert monitor.findtext("ItemID/SupplierPartID") == MONITOR
    ids = [item.findtext("ItemID/SupplierPartAuxiliaryID", "") for item in root.iter("ItemIn")]
    assert [text.split(",")[1] for text in ids] == ["1", "2", "3", "4"]
    assert len({text.split(",")[0] for text in ids}) == 1
    assert ids[0].startswith("358-")
    assert money(monitor, "ItemDetail/UnitPrice") == "24800.00"
    assert "  " in monitor.findtext("ItemDetail/Description", "")
    assert card.findtext("ItemDetail/Classification") == ""
    names = {extrinsic.get("name") for extrinsic in monitor.iter("Extrinsic")}
    assert names >= {"soldBy", "fulfilledBy", "category", "itemCondition", "detailPageURL"}

    details = [
        (part.get("percentageRate"), part.get("purpose"), money(part, "TaxAmount"))
        for part in monitor.iter("TaxDetail")
    ]
    assert details == [("10.00", "subtotalTax", "4960.00"), ("10.00", "shippingTax", "120.00")]
    assert money(monitor, "Tax") == "5080.00"
    assert [part.get("percentageRate") for part in water.iter("TaxDetail")] == ["8.00"]
    assert money(water, "Tax") == "475.00"  # 5,940 × 8 % = 475.2
    assert list(stamps.iter("TaxDetail")) == []
    assert money(stamps, "Tax") == "0.00"
    assert [part.get("percentageRate") for part in card.iter("TaxDetail")] == ["0.00", "10.00"]

    header = root.find("Message/PunchOutOrderMessage/PunchOutOrderMessageHeader")
    assert header is not None
    assert money(header, "Total") == f"{24800 * 2 + 1980 * 3 + 1100 + 5000}.00"
    assert money(header, "Shipping") == "1500.00"
    assert money(header, "Tax") == f"{5080 + 475 + 0 + 30}.00"


@pytest.mark.parametrize(
    ("amount", "rate", "tax"),
    [(98, 10, 10), (94, 10, 9), (95, 10, 10), (1, 8, 0), (6, 8, 0), (7, 8, 1)],
)
def test_tax_is_rounded_to_the_nearest_yen(amount: int, rate: int, tax: int) -> None:
    assert tax_on(amount, rate) == tax


def test_same_message_when_the_approval_is_requested_again(
    client: FlaskClient, buyer: Buyer
) -> None:
    document = buyer.shop((PEN, 1))
    again = client.post("/checkout/request-approval")
    assert message(again.data) == document
    assert client.get("/cart").status_code == 410


def test_sign_out_posts_an_empty_cart(client: FlaskClient, buyer: Buyer) -> None:
    client.get(buyer.setup())
    client.post("/cart/add", data={"asin": PEN, "quantity": "2"})
    page = client.post("/sign-out")
    root = assert_valid(message(page.data))
    assert list(root.iter("ItemIn")) == []
    assert money(root, "Message/PunchOutOrderMessage/PunchOutOrderMessageHeader/Total") == "0.00"


def test_shopping(client: FlaskClient, buyer: Buyer) -> None:
    client.get(buyer.setup())
    home = client.get("/").text
    assert home.count('data-test="product"') == len(PRODUCTS) == 30
    assert "佐藤 花子 様" in home
    assert client.get("/?q=コーヒー").text.count('data-test="product"') == 1
    assert client.get("/?category=切手・ギフト").text.count('data-test="product"') == 2
    assert "該当する商品が見つかりません" in client.get("/?q=ロケット").text
    assert client.get(f"/products/{PEN}").status_code == 200
    assert client.get("/products/B0NOTHING0").status_code == 404
    client.post("/cart/add", data={"asin": PEN, "quantity": "2"})
    client.post("/cart/add", data={"asin": PEN, "quantity": "3"})
    client.post("/cart/add", data={"asin": WATER, "quantity": "1"})
    assert 'value="5"' in client.get("/cart").text
    client.post("/cart/update", data={"asin": PEN, "quantity": "4"})
    client.post("/cart/update", data={"asin": WATER, "quantity": "0"})
    checkout = client.get("/checkout").text
    assert "¥4,312" in checkout  # 980 × 4 and 10 %
    assert "目黒区" in checkout
    for bad in ("-1", "1000", "２", "x"):
        assert client.post("/cart/add", data={"asin": PEN, "quantity": bad}).status_code == 400


def test_nothing_to_approve_in_an_empty_cart(client: FlaskClient, buyer: Buyer) -> None:
    client.get(buyer.setup())
    assert client.post("/checkout/request-approval").headers["Location"] == "/cart"


def test_base64_field(client: FlaskClient, buyer: Buyer) -> None:
    client.put("/_control/settings", json={"cart_field": "cXML-base64"}, headers=CONTROL)
    assert_valid(buyer.shop((PEN, 1)))


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("foreign_currency", 'currency="USD"'),
        ("fractional_yen", "980.50"),
        ("header_mismatch", '<Total><Money currency="JPY">981.00'),
        ("unknown_rate", 'percentageRate="7.00"'),
        ("full_width", "９８０.00".replace("0", "０")),
    ],
)
def test_cart_faults(client: FlaskClient, buyer: Buyer, fault: str, text: str) -> None:
    assert text not in buyer.shop((PEN, 1)).decode()
    client.put("/_control/settings", json={"cart_fault": fault}, headers=CONTROL)
    assert text in buyer.shop((PEN, 1)).decode()


def test_registration_numbers_have_their_check_digit() -> None:
    numbers = {product.seller.registration_number for product in PRODUCTS.values()}
    assert "" in numbers
    for number in numbers - {""}:
        digits = [int(digit) for digit in number[2:]][::-1]
        total = sum(digit * (1 if place % 2 == 0 else 2) for place, digit in enumerate(digits))
        assert number[1] == str(9 - total % 9)
        assert len(number) == 14
