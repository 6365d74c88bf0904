"""cXML documents the supplier reads, from a buyer who may send anything."""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree

_LARGEST = 10 * 1024 * 1024  # bytes


class Refused(Exception):
    """The document can't be taken: a cXML status code and a text for the sender."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every request has. `body` and `hash` are without the shared secret."""

    root: etree._Element = field(repr=False)
    payload_id: str
    buyer_identity: str
    test_mode: bool
    body: bytes = field(repr=False)
    hash: str


@dataclass(frozen=True, slots=True)
class Setup:
    """A PunchOutSetupRequest."""

    envelope: Envelope
    buyer_cookie: str
    return_url: str
    email: str
    name: str
    business_unit: str
    ship_to: str  # JSON, see `_address`


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One ItemOut, as the buyer states it."""

    line_number: int
    asin: str
    auxiliary_id: str
    quantity: Decimal
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class Order:
    """An OrderRequest."""

    envelope: Envelope
    order_number: str
    kind: str
    total: Decimal
    email: str
    ship_to: str
    lines: tuple[OrderLine, ...]


def open_envelope(body: bytes, *, identity: str, secret: str) -> Envelope:
    """Parse and authenticate a request; raise Refused (406 not cXML, 401 not known)."""
    root = _parse(body)
    if root.tag != "cXML" or root.find("Request") is None:
        raise Refused(406, "Not a cXML Request")
    if not _is_buyer(root, "From", identity) or not _is_buyer(root, "Sender", identity):
        raise Refused(401, "Unknown identity")
    given = [
        (element.text or "").strip()
        for element in root.iterfind("Header/Sender/Credential/SharedSecret")
    ]
    if not any(hmac.compare_digest(text.encode(), secret.encode()) for text in given):
        raise Refused(401, "Wrong shared secret")
    payload_id = (root.get("payloadID") or "").strip()
    if not payload_id:
        raise Refused(400, "payloadID is missing")
    for element in root.iter("SharedSecret"):
        element.text = None
    redacted = etree.tostring(root.getroottree(), encoding="UTF-8", xml_declaration=True)
    request = root.find("Request")
    assert request is not None  # looked at above
    return Envelope(
        root=request,
        payload_id=payload_id,
        buyer_identity=identity,
        test_mode=request.get("deploymentMode") == "test",
        body=redacted,
        hash=hashlib.sha256(redacted).hexdigest(),
    )


def read_setup(envelope: Envelope) -> Setup:
    """Read a PunchOutSetupRequest; raise Refused when it lacks what the shop needs."""
    request = envelope.root.find("PunchOutSetupRequest")
    if request is None:
        raise Refused(400, "Expected a PunchOutSetupRequest")
    if request.get("operation") != "create":
        raise Refused(450, "Only operation create is supported")
    extrinsics = _extrinsics(request)
    setup = Setup(
        envelope=envelope,
        buyer_cookie=_text(request, "BuyerCookie"),
        return_url=_text(request, "BrowserFormPost/URL"),
        email=(extrinsics.get("UserEmail") or _text(request, "Contact/Email")).lower(),
        name=_name(request, extrinsics),
        business_unit=extrinsics.get("UserBusinessUnit", ""),
        ship_to=_address(request.find("ShipTo/Address")),
    )
    if not setup.buyer_cookie:
        raise Refused(400, "BuyerCookie is missing")
    if "@" not in setup.email:
        raise Refused(400, "UserEmail is missing")
    if not setup.return_url.startswith(("http://", "https://")):
        raise Refused(400, "BrowserFormPost is missing")
    return setup


def read_order(envelope: Envelope) -> Order:
    """Read an OrderRequest; raise Refused when it is not one a supplier could act on."""
    request = envelope.root.find("OrderRequest")
    header = request.find("OrderRequestHeader") if request is not None else None
    if request is None or header is None:
        raise Refused(400, "Expected an OrderRequest")
    order_number = (header.get("orderID") or "").strip()
    if not order_number:
        raise Refused(400, "orderID is missing")
    if header.find("ShipTo/Address") is None or header.find("BillTo/Address") is None:
        raise Refused(400, "ShipTo and BillTo are required")
    email = _extrinsics(header).get("email") or _text(header, "Contact/Email")
    if "@" not in email:
        raise Refused(400, "Extrinsic email is missing")
    lines = tuple(_order_line(item) for item in request.iterfind("ItemOut"))
    if not lines:
        raise Refused(400, "An order needs an ItemOut")
    if len({line.line_number for line in lines}) != len(lines):
        raise Refused(400, "lineNumber is not unique")
    return Order(
        envelope=envelope,
        order_number=order_number,
        kind=header.get("type") or "new",
        total=_decimal(_text(header, "Total/Money"), "Total"),
        email=email.lower(),
        ship_to=_address(header.find("ShipTo/Address")),
        lines=lines,
    )


def _parse(body: bytes) -> etree._Element:
    if len(body) > _LARGEST:
        raise Refused(406, "Document too large")
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, recover=False
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Refused(406, "Not well-formed XML") from None
    subset: Any = root.getroottree().docinfo.internalDTD  # the stubs lack iterentities
    if subset is not None and any(True for _ in subset.iterentities()):
        raise Refused(406, "Entities are not allowed")
    return root


def _is_buyer(root: etree._Element, role: str, identity: str) -> bool:
    return any(
        (credential.get("domain") or "").lower() == "networkid"
        and _text(credential, "Identity") == identity
        for credential in root.iterfind(f"Header/{role}/Credential")
    )


def _order_line(item: etree._Element) -> OrderLine:
    number = (item.get("lineNumber") or "").strip()
    if not number.isascii() or not number.isdigit():
        raise Refused(400, "ItemOut without a lineNumber")
    return OrderLine(
        line_number=int(number),
        asin=_text(item, "ItemID/SupplierPartID"),
        auxiliary_id=_text(item, "ItemID/SupplierPartAuxiliaryID"),
        quantity=_decimal(item.get("quantity") or "", "quantity"),
        unit_price=_decimal(_text(item, "ItemDetail/UnitPrice/Money"), "UnitPrice"),
    )


def _decimal(text: str, what: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise Refused(400, f"{what} is not a number") from None
    if not number.is_finite() or number < 0:
        raise Refused(400, f"{what} is not a number")
    return number


def _extrinsics(parent: etree._Element) -> dict[str, str]:
    return {
        element.get("name", ""): "".join(map(str, element.itertext())).strip()
        for element in parent.iterfind("Extrinsic")
    }


def _name(request: etree._Element, extrinsics: dict[str, str]) -> str:
    parts = (extrinsics.get("LastName", ""), extrinsics.get("FirstName", ""))
    return " ".join(part for part in parts if part) or _text(request, "Contact/Name")


def _address(address: etree._Element | None) -> str:
    if address is None:
        return "{}"
    postal = "PostalAddress/"
    fields = {
        "name": _text(address, "Name"),
        "deliver_to": " ".join(
            (element.text or "").strip() for element in address.iterfind(f"{postal}DeliverTo")
        ),
        "postal_code": _text(address, f"{postal}PostalCode"),
        "state": _text(address, f"{postal}State"),
        "city": _text(address, f"{postal}City"),
        "streets": [
            (element.text or "").strip() for element in address.iterfind(f"{postal}Street")
        ],
    }
    return json.dumps(fields, ensure_ascii=False)


def _text(parent: etree._Element, path: str) -> str:
    return (parent.findtext(path) or "").strip()
