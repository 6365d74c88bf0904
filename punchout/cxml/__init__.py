"""cXML in and out, as plain frozen dataclasses.

Knows lxml and the standard library only: no Django, no models, no network, no settings. Documents
that leave are valid against cXML 1.2.071; documents that arrive are read leniently, and what can't
be read raises :class:`Unreadable` with a cXML status and a Japanese reason, and nothing else.
"""

from .cart import Cart, CartItem, cart_from_form, read_cart
from .envelope import DeploymentMode, Envelope, Parties
from .inbound import (
    Confirmation,
    ConfirmationItem,
    ConfirmationStatus,
    Inbound,
    Profile,
    ShipNotice,
    ShipNoticeItem,
    ShipNoticePortion,
    StatusUpdate,
    read_inbound,
)
from .invoice import Invoice, InvoiceLine, InvoiceTotals
from .order import Order, OrderItem, build_order_request
from .response import (
    SetupResponse,
    Status,
    build_profile_response,
    build_response,
    read_response,
    read_setup_response,
)
from .secret import redact, with_secret
from .setup import SetupRequest, build_setup_request
from .values import Address, Credential, Money
from .xml import MAX_BYTES, Unreadable, parse

__all__ = [
    "MAX_BYTES",
    "Address",
    "Cart",
    "CartItem",
    "Confirmation",
    "ConfirmationItem",
    "ConfirmationStatus",
    "Credential",
    "DeploymentMode",
    "Envelope",
    "Inbound",
    "Invoice",
    "InvoiceLine",
    "InvoiceTotals",
    "Money",
    "Order",
    "OrderItem",
    "Parties",
    "Profile",
    "SetupRequest",
    "SetupResponse",
    "ShipNotice",
    "ShipNoticeItem",
    "ShipNoticePortion",
    "Status",
    "StatusUpdate",
    "Unreadable",
    "build_order_request",
    "build_profile_response",
    "build_response",
    "build_setup_request",
    "cart_from_form",
    "parse",
    "read_cart",
    "read_inbound",
    "read_response",
    "read_setup_response",
    "redact",
    "with_secret",
]
