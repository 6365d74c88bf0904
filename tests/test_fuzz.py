"""Both public endpoints against documents nobody would send. ``make fuzz`` runs many more."""

import os
import random
import re
import time
from collections import Counter

import pytest
from cxml_documents import Line, cart, reference_directory, request
from django.db import connection as database
from django.db import transaction
from django.db.models import Sum
from django.test import Client
from mutation import CONTENT_TYPES, as_form, mutated
from shopping import RETURN, go_shopping
from supplier_says import confirms, invoices, ordered, ships, status, updates
from world import World

from punchout.models import LedgerEntry, PurchaseOrder, ShoppingSession

pytestmark = pytest.mark.django_db

DOCUMENTS = int(os.environ.get("FUZZ_DOCUMENTS", "500"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
SLOW = 1.0
"""Seconds that no document may take."""

LOGS = ("punchout_exchange", "punchout_straymessage")
"""What may be written of a refused document."""

KINDS = {
    LedgerEntry.Kind.CONFIRMED: "confirmed",
    LedgerEntry.Kind.BACKORDERED: "backordered",
    LedgerEntry.Kind.SHIPPED: "shipped",
    LedgerEntry.Kind.INVOICED: "invoiced",
    LedgerEntry.Kind.CANCELLED: "cancelled",
    LedgerEntry.Kind.RETURNED: "returned",
}


def samples(*folders: str) -> list[bytes]:
    """The official ones."""
    root = reference_directory() / "samples"
    return [path.read_bytes() for name in folders for path in sorted((root / name).glob("*.xml"))]


class Target:
    """An order at the supplier and a person at the shop, and what may be posted to them."""

    def __init__(self) -> None:
        world = World()
        self.order = order = ordered(world)
        self.session = go_shopping(world, order.connection, world.draft())
        numbers = [b'orderID="' + order.number.encode() + b'"', order.number.encode()]
        own = [
            confirms(order, {1: status(10), 2: status(2)}),
            confirms(order, {1: status(4) + status(6, "backordered")}),
            confirms(order, {2: status(2, price=900, tax=90)}),
            ships(order, {1: 4, 2: 2}),
            invoices(order, {1: 4}),
            updates(order, "201"),
            request("<ProfileRequest/>"),
        ]
        official = samples(
            "ConfirmationRequest", "ShipNoticeRequest", "StatusUpdateRequest",
            "InvoiceDetailRequest", "Profile", "Response", "Other",
        )  # fmt: skip
        ours = [re.sub(rb'orderID="[^"]*"', numbers[0], document) for document in official]
        self.messages = own * 5 + official + ours
        cookie = self.session.buyer_cookie.encode()
        goods = [Line(shipping=300), Line(part_id="B2", auxiliary_id="2", rate="8.00")]
        carts = samples("PunchOutOrderMessage")
        known = [
            re.sub(rb"<BuyerCookie>[^<]*", b"<BuyerCookie>" + cookie, document)
            for document in carts
        ]
        self.carts = [cart(goods, buyer_cookie=self.session.buyer_cookie)] * 8 + known + carts
        self.inbound = f"/punchout/cxml/{order.connection.inbound_token}"
        self.client = Client(enforce_csrf_checks=True)

    def post(self, chance: random.Random) -> tuple[str, int, bytes]:
        """Post something; where, the status that counts there, and what it was."""
        kind = chance.choice(CONTENT_TYPES)
        if chance.random() < 0.55:
            document = mutated(chance.choice(self.messages), chance)
            response = self.client.generic("POST", self.inbound, document, content_type=kind)
            assert response.status_code == 200, response.status_code
            found = re.search(rb'<Status code="(\d+)"', response.content)
            # A Profile is answered by a document of its own.
            return "message", int(found[1]) if found else 200, document
        document = mutated(chance.choice(self.carts), chance)
        if chance.random() < 0.7:
            kind, document = CONTENT_TYPES[3], as_form(document, chance)
        response = self.client.generic("POST", RETURN, document, content_type=kind)
        return "cart", response.status_code, document


def rows() -> dict[str, int]:
    """How many there are in every table."""
    with database.cursor() as cursor:
        tables = [name for name in database.introspection.table_names(cursor) if name not in LOGS]
        cursor.execute(
            " UNION ALL ".join(f"SELECT '{name}', count(*) FROM \"{name}\"" for name in tables)
        )
        return dict(cursor.fetchall())


def check_order(order: PurchaseOrder) -> None:
    """The counters equal the sums, none below nothing, and nothing was sent."""
    for line in order.lines.all():
        for kind, counter in KINDS.items():
            total = line.ledger.filter(kind=kind).aggregate(sum=Sum("quantity"))["sum"] or 0
            assert getattr(line, counter) == total >= 0, (kind, line.contradiction)
    assert order.attempts.count() == 0


@pytest.fixture(autouse=True)
def no_limits(settings):
    settings.INBOUND_PER_MINUTE = settings.STRANGERS_PER_MINUTE = 10**9
    settings.CARTS_PER_MINUTE = 10**9


def test_no_document_breaks_delays_or_leaves_anything_when_refused(capsys):
    target = Target()
    before = rows()
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    for number in range(DOCUMENTS):
        spent = []
        # One that was slow is tried again: the machine may have been busy.
        for _ in range(2):
            chance = random.Random(f"{SEED}-{number}")
            began = time.perf_counter()
            with transaction.atomic():
                where, code, document = target.post(chance)
                spent.append(time.perf_counter() - began)
                accepted = 200 <= code < 400
                assert code < 500, (SEED, number, where, code, document[:500])
                if accepted:
                    check_order(PurchaseOrder.objects.get(pk=target.order.pk))
                    carts = ShoppingSession.objects.filter(cart__isnull=False).count()
                    assert carts <= 2, (SEED, number)
                else:
                    assert rows() == before, (SEED, number, where, code, document[:500])
                transaction.set_rollback(True)
            if spent[0] < SLOW / 2:
                break
        slowest = max(slowest, min(spent))
        assert min(spent) < SLOW, (SEED, number, where, spent, document[:500])
        outcomes[f"{where} {'taken' if accepted else 'refused'}"] += 1
    with capsys.disabled():
        if DOCUMENTS > 500:
            print(f"\n{'documents':<20}{DOCUMENTS:>8}\n{'seed':<20}{SEED:>8}")
            for name, count in sorted(outcomes.items()):
                print(f"{name:<20}{count:>8}")
            print(f"{'errors':<20}{0:>8}\n{'slowest':<20}{slowest * 1000:>6.0f} ms")
    # Else it never went past the door.
    assert len(outcomes) == 4, outcomes
    assert min(outcomes.values()) > DOCUMENTS / 50, outcomes
