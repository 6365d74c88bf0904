"""Addresses and contacts in documents that leave."""

import re
import unicodedata
from typing import Final

from lxml import etree

from .values import Address
from .xml import XML_LANG, element

JAPANESE: Final = {XML_LANG: "ja"}

_DIAL_CODES: Final = {"JP": "81"}
_COUNTRY_NAMES: Final = {"JP": "Japan"}


def add_address(parent: etree._Element, name: str, address: Address) -> None:
    """ShipTo or BillTo with one Address in the order the DTD wants."""
    attributes = {"isoCountryCode": address.country_code}
    if address.address_id:
        attributes["addressID"] = address.address_id
    node = element(element(parent, name), "Address", attributes=attributes)
    element(node, "Name", address.name, JAPANESE)
    postal = element(node, "PostalAddress", attributes={"name": "default"})
    for line in address.deliver_to:
        element(postal, "DeliverTo", line)
    for line in address.street or ("",):
        element(postal, "Street", line)
    element(postal, "City", address.city)
    if address.state:
        element(postal, "State", address.state)
    if address.postal_code:
        element(postal, "PostalCode", address.postal_code)
    country = _COUNTRY_NAMES.get(address.country_code, address.country_code)
    element(postal, "Country", country, {"isoCountryCode": address.country_code})
    if address.email:
        element(node, "Email", address.email, {"name": "default"})
    if address.phone:
        _add_phone(node, address.phone, address.country_code)


def _add_phone(parent: etree._Element, phone: str, country_code: str) -> None:
    """The area code keeps its leading 0: carriers in Japan dial it, and none can add it back."""
    dial = _DIAL_CODES.get(country_code, "")
    number = unicodedata.normalize("NFKC", phone).strip()
    if dial and number.startswith(f"+{dial}"):
        number = "0" + number.removeprefix(f"+{dial}").lstrip("-( )0")
    parts = [part for part in re.split(r"[^0-9+]+", number) if part]
    area, rest = ("", "".join(parts)) if len(parts) < 2 else (parts[0], "-".join(parts[1:]))
    node = element(element(parent, "Phone", attributes={"name": "work"}), "TelephoneNumber")
    element(node, "CountryCode", dial, {"isoCountryCode": country_code})
    element(node, "AreaOrCityCode", area)
    element(node, "Number", rest)


def add_contact(parent: etree._Element, name: str, email: str) -> None:
    """The person who shops or orders."""
    contact = element(parent, "Contact", attributes={"role": "endUser"})
    element(contact, "Name", name, JAPANESE)
    if email:
        element(contact, "Email", email, {"name": "default"})


def add_extrinsic(parent: etree._Element, name: str, value: str) -> None:
    """One named value of the supplier's own."""
    element(parent, "Extrinsic", value, {"name": name})
