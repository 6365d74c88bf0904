"""A buyer for the tests of the sandbox: writes its documents by hand, shares nothing with us."""

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from lxml import etree

from punchout.sandbox.app import create_app
from punchout.sandbox.config import Config

IDENTITY = "midori-test-buyer"
SECRET = 'p<a>s&s"wörd'
CONTROL = {"X-Control-Token": "control-token"}
RETURN_URL = "http://127.0.0.1:9/punchout/return"

# (status, body) of a POST or GET: the same buyer drives the test client and a real server.
Call = Callable[..., tuple[int, bytes]]


def dtd(name: str) -> etree.DTD:
    """Load an official DTD; skip (in CI: fail) where the reference data is not at hand."""
    default = Path(__file__).resolve().parents[1].parent / "shared" / "cxml"
    folder = Path(os.environ.get("CXML_REFERENCE_DIR", default))
    path = folder / "dtd" / "1.2.071" / f"{name}.dtd"
    if not path.exists():
        reason = f"cXML DTDs not found in {folder}; set CXML_REFERENCE_DIR"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return etree.DTD(str(path))


def assert_valid(document: bytes, name: str = "cXML") -> etree._Element:
    """Check a document against the official DTD and return its root."""
    root = etree.fromstring(document)
    schema = dtd(name)
    assert schema.validate(root), schema.error_log
    return root


def envelope(
    content: str,
    *,
    payload_id: str,
    identity: str = IDENTITY,
    secret: str = SECRET,
    domain: str = "NetworkId",
) -> bytes:
    """Return a request with this content, the placeholders filled by the parser's own means."""
    root = etree.fromstring(
        '<cXML timestamp="2026-11-23T10:00:00+09:00"><Header>'
        "<From><Credential><Identity/></Credential></From>"
        '<To><Credential domain="NetworkId"><Identity>Amazon</Identity></Credential></To>'
        "<Sender><Credential><Identity/><SharedSecret/></Credential><UserAgent>T</UserAgent>"
        f'</Sender></Header><Request deploymentMode="test">{content}</Request></cXML>'
    )
    root.set("payloadID", payload_id)
    for role in ("From", "Sender"):
        credential = root.find(f"Header/{role}/Credential")
        assert credential is not None
        credential.set("domain", domain)
        credential[0].text = identity
    element = root.find("Header/Sender/Credential/SharedSecret")
    assert element is not None
    element.text = secret
    return etree.tostring(
        root,
        encoding="UTF-8",
        xml_declaration=True,
        doctype='<!DOCTYPE cXML SYSTEM "http://xml.cxml.org/schemas/cXML/1.2.071/cXML.dtd">',
    )


ADDRESS = (
    '<Address isoCountryCode="JP" addressID="HQ"><Name xml:lang="ja">本社</Name><PostalAddress>'
    "<DeliverTo>総務部 佐藤花子</DeliverTo><Street>下目黒1-8-1</Street><Street>楽々商事</Street>"
    "<City>目黒区</City><State>東京都</State><PostalCode>153-0064</PostalCode>"
    '<Country isoCountryCode="JP">日本</Country></PostalAddress></Address>'
)


def setup_document(*, email: str = "Hanako@Example.jp", operation: str = "create") -> str:
    """Return the content of a set-up request."""
    return (
        f'<PunchOutSetupRequest operation="{operation}"><BuyerCookie>cookie-1</BuyerCookie>'
        f'<Extrinsic name="UserEmail">{email}</Extrinsic>'
        '<Extrinsic name="FirstName">花子</Extrinsic><Extrinsic name="LastName">佐藤</Extrinsic>'
        '<Extrinsic name="UserBusinessUnit">総務</Extrinsic>'
        f"<BrowserFormPost><URL>{RETURN_URL}</URL></BrowserFormPost>"
        f"<ShipTo>{ADDRESS}</ShipTo></PunchOutSetupRequest>"
    )


@dataclass
class ReturnForm(HTMLParser):
    """The form of the page that posts the cart."""

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the form's target and its hidden fields."""
        values = dict(attrs)
        if tag == "form" and values.get("id") == "return":
            self.action = values["action"] or ""
        if tag == "input" and values.get("name"):
            self.fields[str(values["name"])] = values.get("value") or ""


class Buyer:
    """Sets up, shops and orders, over any transport."""

    def __init__(self, post: Call, get: Call) -> None:
        self._post, self._get = post, get

    def setup(self, **changes: str) -> str:
        """Return the path and query of a fresh start page."""
        content = setup_document(**changes)
        root = self.send("/cxml/setup", envelope(content, payload_id="setup-1"))
        url = root.findtext("Response/PunchOutSetupResponse/StartPage/URL")
        assert url, etree.tostring(root)
        parts = urlsplit(url)
        return f"{parts.path}?{parts.query}"

    def send(self, path: str, document: bytes) -> etree._Element:
        """Post a document and return the root of the answer."""
        status, body = self._post(path, document, {"Content-Type": "text/xml; charset=UTF-8"})
        assert status == 200, (status, body)
        return etree.fromstring(body)

    def shop(self, *items: tuple[str, int]) -> bytes:
        """Put items (ASIN, quantity) into the cart, check out and return the cart message."""
        status, _ = self._get(self.setup())
        assert status == 302
        for asin, quantity in items:
            status, _ = self._post("/cart/add", {"asin": asin, "quantity": str(quantity)})
            assert status == 303
        status, page = self._post("/checkout/request-approval", {})
        assert status == 200, page
        return message(page)

    def order(
        self,
        cart: bytes,
        *,
        number: str = "RK-1001",
        payload_id: str = "order-1@rakuraku.example",
        kind: str = "new",
        quantities: dict[int, int] | None = None,
        prices: dict[int, str] | None = None,
        secret: str = SECRET,
    ) -> etree._Element:
        """Send the order a cart leads to; return the Status of the answer."""
        document = order_document(cart, number, kind, quantities or {}, prices or {})
        answer = self.send("/cxml/orders", envelope(document, payload_id=payload_id, secret=secret))
        status = answer.find("Response/Status")
        assert status is not None
        return status


def new_client(folder: Path) -> FlaskClient:
    """Return a client on a sandbox of its own that does nothing by itself."""
    config = Config(
        state=folder / "state.sqlite3",
        public_url="http://localhost:8802",
        identity=IDENTITY,
        secret=SECRET,
        control_token=CONTROL["X-Control-Token"],
        lwa_client_id="client",
        lwa_client_secret="client-secret",
        lwa_refresh_token="Atzr|refresh",
        background=False,
    )
    client = create_app(config).test_client()
    changes = {"auto_fulfil": False, "rate_burst": 1000}
    assert client.put("/_control/settings", json=changes, headers=CONTROL).status_code == 200
    return client


def buyer_on(client: FlaskClient) -> Buyer:
    """Return the buyer of that sandbox."""

    def post(path: str, data: Any, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        response = client.post(path, data=data, headers=headers)
        return response.status_code, response.data

    def get(path: str) -> tuple[int, bytes]:
        response = client.get(path)
        return response.status_code, response.data

    return Buyer(post, get)


def message(page: bytes) -> bytes:
    """Return the cart message out of the page that posts it."""
    form = ReturnForm()
    form.feed(page.decode())
    assert form.action == RETURN_URL
    if "cXML-base64" in form.fields:
        return base64.b64decode(form.fields["cXML-base64"])
    return form.fields["cXML-urlencoded"].encode()


def order_document(
    cart: bytes, number: str, kind: str, quantities: dict[int, int], prices: dict[int, str]
) -> str:
    """Return the content of the order for a cart; a quantity of 0 leaves the line out."""
    lines = []
    for position, item in enumerate(etree.fromstring(cart).iter("ItemIn"), start=1):
        quantity = quantities.get(position, int(item.get("quantity", "0")))
        parts = {tag: item.find(tag) for tag in ("ItemID", "ItemDetail")}
        assert parts["ItemID"] is not None
        assert parts["ItemDetail"] is not None
        price = parts["ItemDetail"].find("UnitPrice/Money")
        assert price is not None
        price.text = prices.get(position, price.text)
        if quantity:
            content = "".join(etree.tostring(part, encoding="unicode") for part in parts.values())
            lines.append(
                f'<ItemOut quantity="{quantity}" lineNumber="{position}">{content}</ItemOut>'
            )
    return (
        f'<OrderRequest><OrderRequestHeader orderID="{number}" type="{kind}"'
        ' orderDate="2026-11-23T10:00:00+09:00"><Total><Money currency="JPY">1</Money></Total>'
        f"<ShipTo>{ADDRESS}</ShipTo>"
        f'<BillTo>{ADDRESS}</BillTo><Extrinsic name="email">hanako@example.jp</Extrinsic>'
        f"</OrderRequestHeader>{''.join(lines)}</OrderRequest>"
    )


def money(element: etree._Element, path: str) -> str:
    """Return the text of the Money under a path."""
    text = element.findtext(f"{path}/Money")
    assert text is not None, path
    return text


def charges(row: dict[str, Any]) -> dict[str, int]:
    """Return a report row's charges by type."""
    return {charge["type"]: charge["amount"]["amount"] for charge in row["charges"]}
