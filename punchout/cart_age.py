"""How old the cart of a slip is (DOMAIN §6.6): suppliers hold prices for days, not for ever."""

import datetime

from django.utils import timezone

from expenses.models import Origin, Voucher
from expenses.signals import Blocked
from punchout.models import CatalogConnection, ReceivedCart


def cart_of(voucher: Voucher) -> ReceivedCart | None:
    """The cart that the slip's catalogue lines were made from."""
    return (
        ReceivedCart.objects.filter(items__line__voucher=voucher)
        .select_related("session__connection")
        .first()
    )


def cart_age(cart: ReceivedCart, now: datetime.datetime | None = None) -> datetime.timedelta:
    """Time since the cart was received."""
    return (now or timezone.now()) - cart.received_at


def needs_warning(cart: ReceivedCart, connection: CatalogConnection) -> bool:
    """Whether the people who decide should know how old the prices are."""
    return cart_age(cart) >= datetime.timedelta(days=connection.cart_warning_days)


def is_past_limit(cart: ReceivedCart, connection: CatalogConnection) -> bool:
    """Whether the supplier no longer holds the cart's prices."""
    return cart_age(cart) > datetime.timedelta(days=connection.cart_limit_days)


def refusal(cart: ReceivedCart, connection: CatalogConnection) -> str:
    """Why a cart past its limit cannot be ordered, for people."""
    received = timezone.localtime(cart.received_at)
    return (
        f"カートを受け取ってから {connection.cart_limit_days} 日を過ぎています"
        f"（受信 {received:%Y/%m/%d %H:%M}）。価格が保証されません。"
    )


def refuse_past_limit(voucher: Voucher, what_to_do: str, *, return_comment: str = "") -> None:
    """Raises ``Blocked`` when the slip's cart is past its limit and the connection forbids that."""
    if not voucher.lines.filter(origin=Origin.CATALOGUE).exists():
        return
    cart = cart_of(voucher)
    if cart is None:
        return
    connection = cart.session.connection
    if connection.cart_limit_blocks and is_past_limit(cart, connection):
        raise Blocked(refusal(cart, connection), what_to_do, return_comment=return_comment)
