"""Small values that cXML messages share, with lenient readers.

Readers return None for what is not stated. What is stated but can't be read as a number is refused
with :class:`~punchout.cxml.xml.Unreadable`: a price is never guessed.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

from lxml import etree

from .xml import Unreadable, attribute, text_of, visible

JST: Final = timezone(timedelta(hours=9))
MAX_FIELD: Final = 60
"""Characters of one address field that suppliers are expected to accept (their limits differ)."""

# ASCII digits only: full-width digits, separators, exponents and NaN are not guessed at.
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,10})?|\.[0-9]{1,10})")
_DATE: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,12}))?)?)?"
    r"\s*(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2})?)?"
)


@dataclass(frozen=True, slots=True)
class Credential:
    """Who a party is, within a domain such as NetworkId or DUNS."""

    domain: str
    identity: str

    def matches(self, other: "Credential") -> bool:
        """Same identity in the same domain; domains compare without regard to case."""
        return self.identity == other.identity and self.domain.casefold() == other.domain.casefold()


@dataclass(frozen=True, slots=True)
class Money:
    """An amount as stated, in units of ``currency`` ('' when none was stated)."""

    amount: Decimal
    currency: str

    def yen(self) -> int:
        """The amount in whole yen; a missing currency counts as yen.

        Raises Unreadable for another currency and for a fraction of a yen.
        """
        if self.currency not in ("", "JPY"):
            raise Unreadable(400, "日本円(JPY)以外の通貨の金額は扱えません。")
        if self.amount != self.amount.to_integral_value():
            raise Unreadable(400, "円未満の端数がある金額は扱えません。")
        return int(self.amount)


@dataclass(frozen=True, slots=True)
class Address:
    """Where goods or invoices go. ``country_code`` is ISO 3166 alpha-2."""

    name: str
    deliver_to: tuple[str, ...]
    street: tuple[str, ...]
    city: str
    state: str
    postal_code: str
    country_code: str = "JP"
    email: str = ""
    phone: str = ""
    address_id: str = ""

    def overlong(self) -> tuple[str, ...]:
        """The fields, not the ids and mail addresses, above :data:`MAX_FIELD` characters."""
        fields = [("name", self.name), ("city", self.city), ("state", self.state)]
        fields += [("deliver_to", part) for part in self.deliver_to]
        fields += [("street", part) for part in self.street]
        return tuple(dict.fromkeys(name for name, value in fields if len(value) > MAX_FIELD))


def read_number(text: str | None, what: str) -> Decimal | None:
    """A decimal number; None when blank. ``what`` names the field in the reason of a refusal."""
    if not text:
        return None
    stated = text if _NUMBER.fullmatch(text) else visible(text)
    if not stated:
        return None
    if _NUMBER.fullmatch(stated) is None:
        raise Unreadable(
            400, f"{what}を数値として読み取れませんでした(半角数字だけを受け付けます)。"
        )
    return Decimal(stated)


def read_money(holder: etree._Element | None, what: str) -> Money | None:
    """The Money inside an element such as UnitPrice; None when missing or empty."""
    if holder is None:
        return None
    return read_amount(holder if holder.tag == "Money" else holder.find("Money"), what)


def read_amount(money: etree._Element | None, what: str) -> Money | None:
    """A Money element itself; None when missing or empty."""
    if money is None:
        return None
    amount = read_number(money.text, what)
    if amount is None:
        return None
    return Money(amount, visible(money.get("currency")).upper())


def read_rate(text: str | None, what: str) -> Decimal | None:
    """A tax rate in percent: '8.00' and the fraction '0.080' both are 8. None when blank.

    No consumption tax lies above 0 and below 1 %, so such a number is a fraction.
    """
    rate = read_number(visible(text).removesuffix("%"), what)
    if rate is None:
        return None
    if 0 < rate < 1:
        rate *= 100
    whole = rate.to_integral_value()
    return Decimal(int(whole)) if rate == whole else rate.normalize()


def read_line_number(text: str | None) -> int | None:
    """A line number as suppliers write them ('1', '1.0'); None when missing or not above 0."""
    number = read_number(text, "明細の行番号")
    if number is None or number < 1 or number != number.to_integral_value():
        return None
    return int(number)


def read_date(text: str | None) -> datetime | None:
    """An instant in UTC; None when missing or no date at all, for a date is no reason to refuse.

    Reads ``Z``, ``+0000``, fractions of a second and offsets that no country has. Without an
    offset Japan's is meant.
    """
    match = _DATE.fullmatch(visible(text))
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, utc, sign, off_hours, off_minutes = (
        match.groups()
    )
    try:
        zone = JST
        if utc:
            zone = UTC
        elif sign:
            offset = timedelta(hours=int(off_hours), minutes=int(off_minutes or 0))
            zone = timezone(-offset if sign == "-" else offset)
        return datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            min(int(second or 0), 59),
            int((fraction or "0")[:6].ljust(6, "0")),
            tzinfo=zone,
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def stated_date(moment: datetime) -> str:
    """``YYYY-MM-DDThh:mm:ss+09:00``; raises ValueError for a naive datetime."""
    if moment.tzinfo is None:
        raise ValueError("cXML dates need an aware datetime")
    return moment.astimezone(JST).isoformat(timespec="seconds")


def stated_number(number: Decimal | int) -> str:
    """Plain digits, never an exponent."""
    return format(number, "f") if isinstance(number, Decimal) else str(number)


def read_credentials(party: etree._Element | None) -> tuple[Credential, ...]:
    """Every Credential of From, To or Sender that has an identity."""
    if party is None:
        return ()
    found = (
        Credential(attribute(node, "domain"), text_of(node.find("Identity")))
        for node in party.iterchildren("Credential")
    )
    return tuple(credential for credential in found if credential.identity)


def read_order_reference(holder: etree._Element | None) -> tuple[str, str]:
    """Our order number and our order's payload id as far as stated, '' otherwise.

    ``holder`` is what contains an OrderReference or an OrderIDInfo.
    """
    if holder is None:
        return "", ""
    reference = holder.find("OrderReference")
    order_id = attribute(reference, "orderID") or attribute(holder.find("OrderIDInfo"), "orderID")
    document = None if reference is None else reference.find("DocumentReference")
    return order_id, attribute(document, "payloadID")
