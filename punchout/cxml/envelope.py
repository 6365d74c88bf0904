"""What surrounds every message: parties, payload id, timestamp, deployment mode."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypedDict

from lxml import etree

from .values import Credential, read_credentials, read_date, stated_date
from .xml import XML_LANG, attribute, element, printable

DeploymentMode = Literal["production", "test"]


@dataclass(frozen=True, slots=True)
class Parties:
    """From, To and Sender of a document that leaves; without the shared secret."""

    from_: Credential
    to: Credential
    sender: Credential
    user_agent: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """The header of a message that arrived. ``timestamp`` is UTC, None when unreadable."""

    payload_id: str
    timestamp: datetime | None
    from_: tuple[Credential, ...]
    to: tuple[Credential, ...]
    sender: tuple[Credential, ...]
    deployment_mode: DeploymentMode


class EnvelopeFields(TypedDict):
    """The arguments that every message class takes from :class:`Envelope`."""

    payload_id: str
    timestamp: datetime | None
    from_: tuple[Credential, ...]
    to: tuple[Credential, ...]
    sender: tuple[Credential, ...]
    deployment_mode: DeploymentMode


def read_envelope(root: etree._Element, body: etree._Element | None) -> EnvelopeFields:
    """``body`` is the Request or Message: it carries the deployment mode."""
    return {
        "payload_id": attribute(root, "payloadID"),
        "timestamp": read_date(root.get("timestamp")),
        "from_": read_credentials(root.find("Header/From")),
        "to": read_credentials(root.find("Header/To")),
        "sender": read_credentials(root.find("Header/Sender")),
        "deployment_mode": "test" if attribute(body, "deploymentMode") == "test" else "production",
    }


def start_document(payload_id: str, timestamp: datetime) -> etree._Element:
    """A cXML root in Japanese; raises ValueError for a naive timestamp."""
    root = etree.Element("cXML")
    root.set("payloadID", printable(payload_id))
    root.set("timestamp", stated_date(timestamp))
    root.set(XML_LANG, "ja")
    return root


def start_request(
    parties: Parties, payload_id: str, timestamp: datetime, deployment_mode: DeploymentMode
) -> tuple[etree._Element, etree._Element]:
    """The root and its Request, to be filled by the caller."""
    root = start_document(payload_id, timestamp)
    header = element(root, "Header")
    for name, credential in (
        ("From", parties.from_),
        ("To", parties.to),
        ("Sender", parties.sender),
    ):
        party = element(header, name)
        holder = element(party, "Credential", attributes={"domain": credential.domain})
        element(holder, "Identity", credential.identity)
    element(header[2], "UserAgent", parties.user_agent)
    if deployment_mode not in ("production", "test"):
        raise ValueError(f"no such deployment mode: {deployment_mode}")
    return root, element(root, "Request", attributes={"deploymentMode": deployment_mode})
