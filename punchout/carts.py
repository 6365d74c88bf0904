"""From a received cart to lines of the draft."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from expenses import events
from expenses.drafts import store_lines
from expenses.locking import locked_for
from expenses.models import Origin, Voucher, VoucherLine
from expenses.tax import fill_from_masters
from expenses.transitions import Action
from masters.models import Breakdown, Employee
from punchout import cxml
from punchout.models import CatalogConnection, CatalogItem, ReceivedCart, ShoppingSession


class CartUnusable(Exception):
    """The cart is kept, but no lines can be made of it. ``str()`` says why."""


class NeedsConfirmation(Exception):
    """The draft already has catalogue lines: the person must agree to replace them."""


@dataclass(frozen=True)
class PlannedLine:
    """A line to be: amounts in 円, ``rate`` in % or None when the supplier stated none."""

    kind: CatalogItem.Kind
    description: str
    quantity: int
    unit_price: int
    tax: int
    amount: int
    rate: Decimal | None
    seller: str = ""
    item: cxml.CartItem | None = None


def check_cart(cart: cxml.Cart, connection: CatalogConnection) -> None:
    """Raise ``cxml.Unreadable`` for money that is not whole yen, ``CartUnusable`` for sums that
    do not add up or quantities that cannot be ordered.
    """
    lines = list(plan_lines(cart, connection))
    if len(lines) > MAX_CART_LINES:
        raise CartUnusable(
            f"明細が {len(lines):,} 行になります（上限 {MAX_CART_LINES:,} 行）。"
            "分けて買い物をしてください。"
        )
    if any(not 0 < line.amount <= MAX_YEN or line.tax < 0 for line in lines):
        raise CartUnusable("金額が 1 円以上ではない、または大きすぎる行があります。")
    goods = sum(_net(line, connection) for line in lines if line.item)
    tax = sum(line.tax for line in lines)
    shipping = sum(line.unit_price for line in lines if not line.item)
    if connection.header_total == CatalogConnection.HeaderTotal.ITEMS:
        _compare("商品の合計", cart.total.yen(), goods)
    else:
        _compare("合計", cart.total.yen(), sum(line.amount for line in lines))
    if cart.shipping is not None:
        _compare("送料", cart.shipping.yen(), shipping)
    if cart.tax is not None:
        _compare("消費税", cart.tax.yen(), tax)


def _net(line: PlannedLine, connection: CatalogConnection) -> int:
    gross = connection.prices == CatalogConnection.Prices.GROSS
    return line.amount if gross else line.amount - line.tax


def _compare(what: str, stated: int, counted: int) -> None:
    if stated != counted:
        raise CartUnusable(
            f"カートの{what}（¥{stated:,}）が明細の合計（¥{counted:,}）と一致しません。"
            "カートは保管しました。もう一度カタログで買い物をやり直してください。"
        )


def plan_lines(cart: cxml.Cart, connection: CatalogConnection) -> Iterator[PlannedLine]:
    """One line per item, then one per rate of shipping charges. Nothing is guessed.

    The tax is the supplier's, stored as stated (PROTOCOL §4). Shipping that stands in the header
    only gets the header's remaining tax and no rate.
    """
    shipping: dict[Decimal | None, list[int]] = {}
    taxes = 0
    for item in cart.items:
        line = _goods(item, connection)
        taxes += line.tax
        yield line
        charge = item.shipping.yen() if item.shipping else 0
        if charge:
            sums = shipping.setdefault(item.shipping_tax_rate, [0, 0])
            sums[0] += charge
            sums[1] += item.shipping_tax.yen() if item.shipping_tax else 0
    if not shipping and cart.shipping and cart.shipping.yen():
        rest = max(cart.tax.yen() - taxes, 0) if cart.tax else 0
        shipping[None] = [cart.shipping.yen(), rest]
    gross = connection.prices == CatalogConnection.Prices.GROSS
    for rate, (charge, tax) in shipping.items():
        yield PlannedLine(
            kind=CatalogItem.Kind.SHIPPING,
            description="配送料・手数料",
            quantity=1,
            unit_price=charge,
            tax=tax,
            amount=charge if gross else charge + tax,
            rate=rate,
        )


MAX_QUANTITY = 999_999
MAX_CART_LINES = 2_000
MAX_YEN = 9_999_999_999


def _refuse_absurd(item: cxml.CartItem, name: str) -> None:
    """What no shop means and no column holds."""
    money = (item.unit_price, item.tax, item.shipping, item.shipping_tax)
    rates = (item.tax_rate, item.shipping_tax_rate)
    if item.quantity > MAX_QUANTITY or item.price_basis > MAX_QUANTITY:
        raise CartUnusable(f"{name}の数量が大きすぎます。")
    if any(amount is not None and abs(amount.amount) > MAX_YEN for amount in money):
        raise CartUnusable(f"{name}の金額が大きすぎます。")
    if any(rate is not None and not _is_rate(rate) for rate in rates):
        raise CartUnusable(f"{name}の税率を読み取れません。")
    if len(item.part_id) > 120 or len(item.auxiliary_id) > 500:
        raise CartUnusable(f"{name}の商品番号が長すぎます。")


def _is_rate(rate: Decimal) -> bool:
    return 0 <= rate <= 100 and rate == round(rate, 2)


def _goods(item: cxml.CartItem, connection: CatalogConnection) -> PlannedLine:
    name = f"{item.line_number} 番目の商品「{item.description[:20]}」"
    _refuse_absurd(item, name)
    if item.quantity != item.quantity.to_integral_value() or item.quantity <= 0:
        raise CartUnusable(f"{name}の数量（{item.quantity:f}）が 1 以上の整数ではありません。")
    price = item.unit_price.yen()
    if price <= 0:
        raise CartUnusable(f"{name}の単価（¥{price:,}）が 1 円以上ではありません。")
    tax = item.tax.yen() if item.tax else 0
    if tax < 0 or (item.shipping and item.shipping.yen() < 0):
        raise CartUnusable(f"{name}の税額または送料が負の値です。")
    quantity = int(item.quantity)
    net, rest = divmod(price * item.quantity, item.price_basis)
    if rest:
        raise CartUnusable(f"{name}の金額が 1 円単位になりません。")
    gross = connection.prices == CatalogConnection.Prices.GROSS
    return PlannedLine(
        kind=CatalogItem.Kind.ITEM,
        description=item.description[:500],
        quantity=quantity,
        unit_price=price,
        tax=tax,
        amount=int(net) if gross else int(net) + tax,
        rate=item.tax_rate,
        seller=item.extrinsics.get("soldBy", "") or connection.supplier_name,
        item=item,
    )


@transaction.atomic
def apply(session: ShoppingSession, *, by: Employee, replace: bool = False) -> Voucher:
    """Make lines of the session's cart, once. A second call changes nothing.

    Raises ``CartUnusable`` with the reason when the cart cannot become lines,
    ``NeedsConfirmation`` when other catalogue lines stand there and ``replace`` is not given, and
    ``WrongStatus``/``NotAllowed`` like any verb.
    """
    session = (
        ShoppingSession.objects.select_for_update(of=("self",), no_key=True)
        .select_related("connection", "voucher", "cart")
        .get(pk=session.pk)
    )
    if session.state != ShoppingSession.State.RETURNED:
        return session.voucher
    if session.cart.problem:
        raise CartUnusable(session.cart.problem)
    voucher = locked_for(session.voucher, Action.EDIT, by)
    lines = list(voucher.lines.select_for_update(no_key=True).order_by("position"))
    old = [line for line in lines if line.origin == Origin.CATALOGUE]
    if old and not replace:
        raise NeedsConfirmation
    cart = cxml.read_cart(bytes(session.cart.raw))
    planned = list(plan_lines(cart, session.connection))
    VoucherLine.objects.filter(pk__in=[line.pk for line in old]).delete()
    kept = [line for line in lines if line.origin != Origin.CATALOGUE]
    added = _new_lines(voucher, session, planned)
    for position, line in enumerate(kept + added, start=1):
        line.position = position
    store_lines(voucher, kept + added)
    voucher.writers.add(by, session.employee)
    CatalogItem.objects.bulk_create(
        _catalog_item(line, plan, session.cart) for line, plan in zip(added, planned, strict=True)
    )
    session.state = ShoppingSession.State.APPLIED
    session.save(update_fields=["state"])
    total = sum(line.amount for line in added)
    goods = sum(1 for plan in planned if plan.item)
    verb = "入れ替えました" if old else "取り込みました"
    events.record(
        voucher,
        "cart",
        f"{session.connection.supplier_name}のカートを{verb}（{goods} 品目 ¥{total:,}）",
        by=by,
    )
    return voucher


@transaction.atomic
def discard(voucher: Voucher, *, by: Employee) -> Voucher:
    """Take all catalogue lines out of the draft: nothing is ordered then.

    Raises ``WrongStatus``/``NotAllowed`` like any verb. Without such lines it changes nothing.
    """
    voucher = locked_for(voucher, Action.EDIT, by)
    lines = list(voucher.lines.select_for_update(no_key=True).order_by("position"))
    kept = [line for line in lines if line.origin != Origin.CATALOGUE]
    if len(kept) == len(lines):
        return voucher
    old = [line.pk for line in lines if line.origin == Origin.CATALOGUE]
    VoucherLine.objects.filter(pk__in=old).delete()
    for position, line in enumerate(kept, start=1):
        line.position = position
    store_lines(voucher, kept)
    voucher.writers.add(by)
    events.record(voucher, "cart", f"カタログの明細 {len(old)} 行を外しました", by=by)
    return voucher


def _new_lines(
    voucher: Voucher, session: ShoppingSession, planned: list[PlannedLine]
) -> list[VoucherLine]:
    connection = session.connection
    day = timezone.localdate(session.cart.received_at)
    by_rate = BreakdownByRate(connection, day)
    lines = []
    for plan in planned:
        line = VoucherLine(
            voucher=voucher,
            origin=Origin.CATALOGUE,
            date=day,
            description=plan.description,
            payee=plan.seller[:120],
            quantity=plan.quantity,
            unit_price=plan.unit_price,
            amount=plan.amount,
            tax_amount=plan.tax,
            tax_stated=True,
            tax_rate=plan.rate,
            payment_method=connection.payment_method,
        )
        shipping = plan.kind == CatalogItem.Kind.SHIPPING
        fill_from_masters(line, by_rate.choose(plan.rate, shipping=shipping))
        lines.append(line)
    return lines


class BreakdownByRate:
    """The connection's rate → 内訳 mapping on one day, read once for any number of lines."""

    def __init__(self, connection: CatalogConnection, day) -> None:
        usable = (
            Breakdown.objects.for_expenses()
            .with_rate_on(day)
            .select_related("account", "tax_category")
            .prefetch_related("tax_category__rates")
        )
        rates = connection.rates.filter(valid_from__lte=day).exclude(valid_to__lt=day)
        mapping = dict(rates.values_list("rate", "breakdown"))
        wanted = {*mapping.values(), connection.shipping_breakdown_id}
        found = {breakdown.pk: breakdown for breakdown in usable.filter(pk__in=wanted)}
        self._by_rate = {rate: found.get(pk) for rate, pk in mapping.items()}
        self._shipping = found.get(connection.shipping_breakdown_id)

    def choose(self, rate: Decimal | None, *, shipping: bool = False) -> Breakdown | None:
        """The 内訳 for a line of ``rate`` (%); None where the employee has to choose."""
        if rate is None:
            return None
        if shipping and self._shipping is not None and self._shipping.rate == rate:
            return self._shipping
        return self._by_rate.get(rate)


def _catalog_item(line: VoucherLine, plan: PlannedLine, cart: ReceivedCart) -> CatalogItem:
    item = plan.item
    return CatalogItem(
        line=line,
        cart=cart,
        kind=plan.kind,
        part_id=item.part_id if item else "",
        auxiliary_id=item.auxiliary_id if item else "",
        xml=item.xml if item else "",
        stated_rate=plan.rate,
        url=_web_address(item.url or item.extrinsics.get("detailPageURL", "")) if item else "",
    )


def _web_address(url: str) -> str:
    """``url`` if a page may link to it, else nothing: it came from an unsigned message."""
    return url if url.startswith(("https://", "http://")) and len(url) <= 2000 else ""
