"""From rows to documents: the parties, addresses and identities that a connection stands for."""

from importlib.metadata import PackageNotFoundError, version

from masters.models import DeliveryAddress
from punchout import cxml
from punchout.models import CatalogConnection

try:
    _VERSION = version("rakuraku")
except PackageNotFoundError:
    _VERSION = "dev"

USER_AGENT = f"Rakuraku {_VERSION}"


def parties(connection: CatalogConnection) -> cxml.Parties:
    """From and Sender are the システムログイン; To is the supplier."""
    own = cxml.Credential(connection.credential_domain, connection.from_identity)
    supplier = cxml.Credential(connection.credential_domain, connection.to_identity)
    return cxml.Parties(from_=own, to=supplier, sender=own, user_agent=USER_AGENT)


def address(place: DeliveryAddress, *, email: str) -> cxml.Address:
    """配送先 as seen at Amazon: 番地と建物, then 会社・部署 as streets, kanji prefecture."""
    street = " ".join(part for part in (place.street, place.building) if part)
    office = " ".join(part for part in (place.company, place.attention) if part)
    return cxml.Address(
        name=place.company,
        deliver_to=(place.attention or place.company,),
        street=(street, office),
        city=place.city,
        state=place.prefecture,
        postal_code=place.postal_code,
        country_code="JP",
        email=place.email or email,
        phone=place.phone,
        address_id=place.amazon_address_id,
    )


def deployment_mode(mode: str) -> cxml.DeploymentMode:
    """The connection's or an order's mode, as documents state it."""
    return "test" if mode == CatalogConnection.Mode.TEST else "production"
