"""Response: the supplier's answers to us, and ours to the supplier."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from .envelope import start_document
from .values import read_number, stated_date
from .xml import XML_LANG, Unreadable, attribute, element, parse, serialise, text_of


@dataclass(frozen=True, slots=True)
class Status:
    """A cXML status: ``text`` is its short name, ``message`` what stands inside the element."""

    code: int
    text: str
    message: str


@dataclass(frozen=True, slots=True)
class SetupResponse:
    """``start_url`` is where the browser goes; '' when the answer has none (look at the status)."""

    status: Status
    start_url: str


def read_status(node: etree._Element | None) -> Status:
    """Raises Unreadable when the element or its three-digit code is missing."""
    code = read_number(attribute(node, "code"), "ステータスコード")
    if code is None or code != code.to_integral_value() or not 100 <= code <= 999:
        raise Unreadable(400, "応答にcXMLのステータスがありません。")
    return Status(int(code), attribute(node, "text"), text_of(node))


def _status_of(root: etree._Element) -> Status:
    response = root.find("Response")
    return read_status(None if response is None else response.find("Status"))


def read_response(data: bytes) -> Status:
    """What the other side says of our message.

    Raises Unreadable when the body is not cXML or has no status: that is a failure of transport,
    whatever the HTTP code said.
    """
    return _status_of(parse(data))


def read_setup_response(data: bytes) -> SetupResponse:
    """The answer to a setup request; raises Unreadable as ``read_response`` does.

    Also refused: a start page that is no http(s) address, since a browser is sent there.
    """
    root = parse(data)
    status = _status_of(root)
    page = root.find("Response/PunchOutSetupResponse/StartPage/URL")
    url = "".join(text_of(page).split())
    if url and not url.lower().startswith(("https://", "http://")):
        raise Unreadable(400, "応答の開始ページのURLが http または https ではありません。")
    return SetupResponse(status, url)


def build_response(
    *, code: int, text: str, message: str = "", payload_id: str, timestamp: datetime
) -> bytes:
    """Our answer to a message from the supplier; sent with HTTP 200 whatever the code says."""
    root = start_document(payload_id, timestamp)
    _add_status(element(root, "Response"), code, text, message)
    return serialise(root)


def build_profile_response(
    *, payload_id: str, timestamp: datetime, transactions: Mapping[str, str]
) -> bytes:
    """The answer to a ProfileRequest: for each request name the URL that takes it.

    Raises ValueError without any transaction: the DTD wants one at least.
    """
    if not transactions:
        raise ValueError("a profile names at least one transaction")
    root = start_document(payload_id, timestamp)
    response = element(root, "Response")
    _add_status(response, 200, "OK", "")
    profile = element(
        response, "ProfileResponse", attributes={"effectiveDate": stated_date(timestamp)}
    )
    for name, url in transactions.items():
        element(element(profile, "Transaction", attributes={"requestName": name}), "URL", url)
    return serialise(root)


def _add_status(response: etree._Element, code: int, text: str, message: str) -> None:
    attributes = {"code": str(code), "text": text, XML_LANG: "ja" if message else "en"}
    element(response, "Status", message, attributes)
