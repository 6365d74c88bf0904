"""Whatever a supplier sends, in whatever order and however often: the quantities add up."""

import pytest
from cxml_documents import Line
from django.db.models import Sum
from hypothesis import HealthCheck, settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from supplier_says import confirms, invoices, ordered, post, ships, status
from world import World

from expenses.models import VoucherEvent
from punchout.models import LedgerEntry

pytestmark = pytest.mark.django_db

COUNTERS = ("confirmed", "backordered", "shipped", "invoiced", "cancelled", "returned")
SHOWN = (*COUNTERS, "real_unit_price", "real_tax", "contradiction", "difference")
KINDS = ("detail", "accept", "allDetail", "backordered", "reject", "replace")

quantities = strategies.integers(min_value=0, max_value=12)
lines = strategies.dictionaries(
    strategies.sampled_from([1, 2, 3]), quantities, min_size=1, max_size=3
)
days = strategies.integers(min_value=1, max_value=28).map(lambda day: f"2026-04-{day:02}")
operations = strategies.sampled_from(["new", "update", "delete"])


def state_of(order) -> list[tuple]:
    order.refresh_from_db()
    return [*order.lines.order_by("line_number").values_list(*SHOWN)] + [
        (order.real_total, order.difference)
    ]


@pytest.fixture
def order():
    return ordered(World())


def test_every_document_in_any_order_and_twice_gives_the_same(order):
    documents = [
        confirms(order, {1: status(4), 2: status(2)}, payload_id="c1"),
        confirms(order, {1: status(3) + status(3, "backordered")}, confirm_id="250",
                 payload_id="c2"),
        confirms(order, {1: status(6)}, confirm_id="250", operation="update", on="2026-04-05",
                 payload_id="c3"),
        ships(order, {1: 4}, payload_id="s1"),
        ships(order, {1: 6, 2: 2}, shipment_id="S2", payload_id="s2"),
        invoices(order, {1: 10, 2: 2}, payload_id="i1"),
        invoices(order, {1: -1}, invoice_id="I2", purpose="creditMemo", payload_id="i2"),
    ]  # fmt: skip
    for document in documents:
        post(order, document)
    expected = state_of(order)
    assert expected[0][:6] == (10, 0, 10, 10, 0, 1)
    for turn in (reversed(documents), documents[3:] + documents[:3], documents * 2):
        for document in turn:
            post(order, document)
        assert state_of(order) == expected


@pytest.mark.parametrize("seed", range(6))
def test_any_order_of_arrival_gives_the_same(seed):
    import random

    world, results = World(), []
    for turn in (0, 1):
        order = ordered(world)
        documents = [
            confirms(order, {1: status(4), 2: status(2)}, payload_id=f"{turn}c1"),
            confirms(order, {1: status(6, "backordered")}, confirm_id="250",
                     payload_id=f"{turn}c2"),
            confirms(order, {1: status(5) + status(1, "reject")}, confirm_id="250",
                     operation="update", on="2026-04-05", payload_id=f"{turn}c3"),
            ships(order, {1: 4}, payload_id=f"{turn}s1"),
            ships(order, {1: 3}, operation="update", on="2026-04-09", payload_id=f"{turn}s2"),
            invoices(order, {1: 3}, payload_id=f"{turn}i1"),
        ]  # fmt: skip
        if turn:
            random.Random(seed).shuffle(documents)
        for document in documents:
            post(order, document)
        results.append(state_of(order))
    assert results[0] == results[1]


class TestKinds:
    def test_backordered_units_are_counted_and_shown(self, order):
        post(order, confirms(order, {1: status(7) + status(3, "backordered")}))
        line = order.lines.get(line_number=1)
        assert (line.confirmed, line.backordered, line.state_label) == (7, 3, "入荷待ち")

    @pytest.mark.parametrize("kind", ["accept", "reject"])
    def test_a_header_without_items_speaks_for_the_whole_order(self, order, kind):
        post(order, confirms(order, {}, kind=kind))
        name = "confirmed" if kind == "accept" else "cancelled"
        assert list(order.lines.values_list(name, flat=True)) == [10, 2]

    @pytest.mark.parametrize("kind", ["allDetail", "except", "detail"])
    def test_a_header_of_another_kind_leaves_it_to_the_items(self, order, kind):
        post(order, confirms(order, {1: status(10, "accept")}, kind=kind))
        assert list(order.lines.values_list("confirmed", flat=True)) == [10, 0]

    def test_a_ship_notice_without_items_means_the_whole_order(self, order):
        post(order, ships(order, {}))
        assert list(order.lines.values_list("shipped", flat=True)) == [10, 2]

    def test_a_deleted_ship_notice_counts_no_more(self, order):
        post(order, ships(order, {1: 4}))
        post(order, ships(order, {}, operation="delete", on="2026-04-09"))
        assert list(order.lines.values_list("shipped", flat=True)) == [0, 0]

    def test_returned_goods_come_by_ship_notice(self, order):
        post(order, ships(order, {1: 10}))
        post(order, ships(order, {1: 2}, shipment_id="R1", reason="return"))
        assert order.lines.get(line_number=1).returned == 2

    def test_a_fraction_of_a_piece_is_shown_and_not_counted(self, order):
        post(order, ships(order, {1: "1.5"}))
        line = order.lines.get(line_number=1)
        assert line.shipped == 1
        assert "1.5 は整数ではありません" in line.contradiction

    @pytest.mark.parametrize(
        ("documents", "said"),
        [
            (lambda o: [confirms(o, {1: status(11)})], "合計が 11"),
            (lambda o: [ships(o, {1: 11})], "出荷が 11"),
            (lambda o: [invoices(o, {1: 11})], "請求が 11"),
            (lambda o: [ships(o, {1: 1}, reason="return")], "返品が 1"),
            (
                lambda o: [confirms(o, {1: status(8) + status(2, "reject")}), ships(o, {1: 10})],
                "10 が出荷",
            ),
        ],
        ids=["confirmed", "shipped", "invoiced", "returned", "shipped-though-cancelled"],
    )
    def test_what_cannot_be_is_flagged_for_a_person_and_never_refused(self, order, documents, said):
        for document in documents(order):
            assert 'code="200"' in post(order, document)
        assert said in order.lines.get(line_number=1).contradiction
        assert said in order.needs_person
        assert VoucherEvent.objects.filter(action="order_differs", comment__contains=said).exists()

    def test_a_long_payload_id_is_not_taken_for_another(self, order):
        long = "x" * 300
        post(order, ships(order, {1: 1}, payload_id=f"{long}1"))
        post(order, ships(order, {1: 1}, shipment_id="S2", payload_id=f"{long}2"))
        post(order, ships(order, {1: 1}, shipment_id="S2", payload_id=f"{long}2"))
        assert order.lines.get(line_number=1).shipped == 2

    def test_a_connection_that_was_switched_off_still_hears_of_its_orders(self, order):
        order.connection.is_active = False
        order.connection.save()
        assert 'code="200"' in post(order, ships(order, {1: 1}))
        assert order.lines.get(line_number=1).shipped == 1


class Documents(RuleBasedStateMachine):
    """Any sequence of documents about one order of three lines."""

    @initialize()
    def start(self) -> None:
        goods = [
            Line(part_id=f"P{n}", auxiliary_id=str(n), quantity=n * 3, unit_price=100)
            for n in (1, 2, 3)
        ]
        self.order = ordered(World(), *goods)
        self.sent: list[bytes] = []

    def say(self, document: bytes) -> None:
        assert 'code="200"' in post(self.order, document)
        self.sent.append(document)

    @rule(
        wanted=lines,
        kind=strategies.sampled_from(KINDS),
        confirm=strategies.sampled_from(["249", "250", ""]),
        operation=operations,
        day=days,
        price=strategies.none() | strategies.integers(0, 200),
    )
    def confirmation(self, wanted, kind, confirm, operation, day, price) -> None:
        stated = {number: status(units, kind, price=price) for number, units in wanted.items()}
        self.say(
            confirms(
                self.order, stated, confirm_id=confirm, kind="detail", operation=operation, on=day
            )
        )

    @rule(
        wanted=lines,
        shipment=strategies.sampled_from(["S1", "S2"]),
        operation=operations,
        day=days,
        reason=strategies.sampled_from(["", "return"]),
    )
    def ship_notice(self, wanted, shipment, operation, day, reason) -> None:
        self.say(
            ships(
                self.order, wanted, shipment_id=shipment, operation=operation, on=day, reason=reason
            )
        )

    @rule(wanted=lines, invoice=strategies.sampled_from(["I1", "I2"]), back=strategies.booleans())
    def invoice(self, wanted, invoice, back) -> None:
        signed = {number: -units if back else units for number, units in wanted.items()}
        purpose = "creditMemo" if back else "standard"
        self.say(invoices(self.order, signed, invoice_id=invoice, purpose=purpose))

    @rule(data=strategies.data())
    def repetition(self, data) -> None:
        if self.sent:
            before = state_of(self.order)
            post(self.order, data.draw(strategies.sampled_from(self.sent)))
            assert state_of(self.order) == before

    @invariant()
    def counters_are_the_sums_and_never_negative(self) -> None:
        for line in self.order.lines.all():
            sums = dict(
                LedgerEntry.objects.filter(order_line=line)
                .values_list("kind")
                .annotate(Sum("quantity"))
            )
            for name in COUNTERS:
                assert getattr(line, name) == sums.get(name, 0) >= 0
            spoken_for = line.confirmed + line.backordered + line.cancelled
            if spoken_for > line.quantity or line.shipped > line.quantity:
                assert line.contradiction


def test_any_sequence_of_documents_keeps_the_quantities_consistent():
    from django.db import transaction
    from hypothesis.stateful import run_state_machine_as_test

    class InItsOwnTransaction(Documents):
        def __init__(self) -> None:
            super().__init__()
            self._atomic = transaction.atomic()
            self._atomic.__enter__()

        def teardown(self) -> None:
            transaction.set_rollback(True)
            self._atomic.__exit__(None, None, None)

    run_state_machine_as_test(
        InItsOwnTransaction,
        settings=settings(
            max_examples=12,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
