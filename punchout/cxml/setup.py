"""PunchOutSetupRequest: the message that opens the supplier's shop for one person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .address import add_address, add_contact, add_extrinsic
from .envelope import DeploymentMode, Parties, start_request
from .values import Address
from .xml import element, serialise


@dataclass(frozen=True, slots=True)
class SetupRequest:
    """Who shops, for which session, and where the cart comes back to.

    ``user_email`` decides the account at the supplier. ``business_unit`` is the group there ('' is
    the root group). ``extrinsics`` are further named values of the connection; one that bears a
    standard name replaces it.
    """

    parties: Parties
    payload_id: str
    timestamp: datetime
    deployment_mode: DeploymentMode
    buyer_cookie: str
    return_url: str
    user_email: str
    first_name: str
    last_name: str
    unique_name: str
    business_unit: str = ""
    ship_to: Address | None = None
    extrinsics: Mapping[str, str] = field(default_factory=dict)


def build_setup_request(request: SetupRequest) -> bytes:
    """The document without the shared secret (see ``with_secret``).

    Raises ValueError for a naive timestamp or an unknown deployment mode.
    """
    root, body = start_request(
        request.parties, request.payload_id, request.timestamp, request.deployment_mode
    )
    setup = element(body, "PunchOutSetupRequest", attributes={"operation": "create"})
    element(setup, "BuyerCookie", request.buyer_cookie)
    extrinsics = {
        "UserEmail": request.user_email,
        "UniqueName": request.unique_name,
        "FirstName": request.first_name,
        "LastName": request.last_name,
        "UserBusinessUnit": request.business_unit,
    } | dict(request.extrinsics)
    for name, value in extrinsics.items():
        if value:
            add_extrinsic(setup, name, value)
    element(element(setup, "BrowserFormPost"), "URL", request.return_url)
    add_contact(setup, f"{request.last_name} {request.first_name}".strip(), request.user_email)
    if request.ship_to is not None:
        add_address(setup, "ShipTo", request.ship_to)
    return serialise(root)
