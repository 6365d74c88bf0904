"""購入履歴: reconciling rows with the facts already known.

The same fact never counts twice, however often, in whatever order and by whichever way it comes
(PROTOCOL §5): a row first matches by a strong id, else by order number, item, sign, quantity and
amount, as a multiset within one import. A match enriches a fact, it never adds one and never
changes an amount. What cannot be decided goes to a person.
"""

import dataclasses
import datetime
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import structlog
from django.db import connection as database
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from expenses.refusals import Invalid
from masters.models import Employee
from punchout import evidence, report_csv, reporting_api
from punchout.facts import Fact, Row, same_title
from punchout.models import (
    CatalogConnection,
    HistoryImport,
    OrderLine,
    PurchaseOrder,
    PurchaseRecord,
    RowDecision,
    SourceRow,
)
from punchout.order_states import OrderState

logger = structlog.get_logger(__name__)

PULL_DAYS = 30
"""How far back a pull looks: late facts are common, and known ones cost nothing."""

_PULLING = 0x70756C6C
_Outcome = SourceRow.Outcome
_ENRICHED = (
    "purchase_order_number",
    "strong_id",
    "part_id",
    "seller",
    "registration_number",
    "ordered_on",
    "shipped_on",
    "charged_on",
    "shipment_id",
    "tracking",
    "tax",
    "rate",
)


@transaction.atomic
def import_rows(
    connection: CatalogConnection,
    rows: Iterable[Row],
    *,
    source: HistoryImport.Source,
    name: str = "",
    by: Employee | None = None,
) -> HistoryImport:
    """Keep every row as received and reconcile what it says. One transaction.

    Imports of one connection run one after another: the counts of equal facts depend on it.
    """
    CatalogConnection.objects.select_for_update(no_key=True).get(pk=connection.pk)
    record = HistoryImport.objects.create(
        connection=connection, source=source, name=name[:200], by=by
    )
    reconciler = _Reconciler(connection, list(rows))
    sources = [reconciler.take(record, row) for row in reconciler.rows]
    SourceRow.objects.bulk_create(sources)
    reconciler.settle_doubts()
    outcomes = [row.outcome for row in sources]
    record.rows = len(sources)
    record.added = outcomes.count(_Outcome.ADDED)
    record.matched = outcomes.count(_Outcome.MATCHED)
    record.bad = outcomes.count(_Outcome.BAD)
    record.ambiguous = outcomes.count(_Outcome.AMBIGUOUS)
    record.save()
    return record


def pull(connection: CatalogConnection, *, now: datetime.datetime | None = None) -> HistoryImport:
    """Fetch recent history from the supplier's API and import it.

    Raises ``reporting_api.HistoryUnavailable`` when the supplier does not answer usefully.
    """
    end = now or timezone.now()
    start = end - datetime.timedelta(days=PULL_DAYS)
    rows = reporting_api.fetch(connection, start=start, end=end)
    return import_rows(connection, rows, source=HistoryImport.Source.API)


def pull_all() -> int:
    """Pull for every connection that has the API; a failing one does not stop the others.

    One at a time: a pull waits for the supplier's rate limit, and orders must not wait for pulls.
    """
    with _alone() as free:
        return _pull_each() if free else 0


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether no other process pulls now; the lock ends with its connection at the latest."""
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_PULLING])
        (free,) = cursor.fetchone()
    try:
        yield free
    finally:
        if free:
            with database.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_PULLING])


def _pull_each() -> int:
    pulled = 0
    for connection in CatalogConnection.objects.filter(is_active=True).order_by("pk"):
        if not connection.has_history_api:
            continue
        try:
            done = pull(connection)
        except reporting_api.HistoryUnavailable as error:
            logger.warning("history_unavailable", connection=connection.name, reason=str(error))
            continue
        except Exception:
            # One supplier's odd data must not keep the others' history away.
            logger.exception("history_failed", connection=connection.name)
            continue
        pulled += 1
        logger.info("history_pulled", connection=connection.name, rows=done.rows, added=done.added)
    return pulled


@transaction.atomic
def decide(
    row: SourceRow, *, verdict: RowDecision.Verdict, reason: str, by: Employee
) -> RowDecision:
    """What a person says about a 要確認 row: another purchase, or one that is known already.

    Raises ``Invalid`` without a reason, or when the row is not open (any more).
    """
    if not reason.strip():
        raise Invalid("理由を入力してください。")
    connection = CatalogConnection.objects.select_for_update(no_key=True).get(
        pk=row.history_import.connection_id
    )
    if not SourceRow.objects.undecided().filter(pk=row.pk).exists():
        raise Invalid("この行はすでに判断されています。")
    if verdict == RowDecision.Verdict.SEPARATE:
        _add_separate(connection, row)
    return RowDecision.objects.create(
        connection=connection,
        sha256=row.sha256,
        row=row,
        verdict=verdict,
        reason=reason.strip()[:500],
        by=by,
    )


def _add_separate(connection: CatalogConnection, row: SourceRow) -> None:
    source = row.history_import.source
    read = reporting_api.read_row if source == HistoryImport.Source.API else report_csv.read_row
    reconciler = _Reconciler(connection, [read(row.number, row.raw)])
    for fact in reconciler.rows[0].facts:
        taken = (
            fact.strong_id
            and PurchaseRecord.objects.filter(
                connection=connection, strong_id=fact.strong_id
            ).exists()
        )
        reconciler.add(dataclasses.replace(fact, strong_id="") if taken else fact)
    reconciler.settle_doubts()


def _storable(text: str) -> str:
    """PostgreSQL's JSON has neither NUL nor lone surrogates."""
    return re.sub(r"(?<!\\)\\u0000", "?", text.encode("utf-8", "replace").decode())


class _Reconciler:
    """The facts of the orders that one import speaks of, and which rows have spoken for them."""

    def __init__(self, connection: CatalogConnection, rows: Sequence[Row]) -> None:
        self.connection = connection
        self.rows = rows
        facts = [fact for row in rows for fact in row.facts]
        self._known: dict[str, list[PurchaseRecord]] = defaultdict(list)
        known = PurchaseRecord.objects.filter(
            connection=connection, supplier_order__in={fact.supplier_order for fact in facts}
        )
        for record in known.order_by("pk"):
            self._known[record.supplier_order].append(record)
        numbers = {fact.purchase_order_number for fact in facts} - {""}
        orders = PurchaseOrder.objects.filter(number__in=numbers, connection=connection)
        self._orders = {order.number: order for order in orders.defer("document")}
        self._lines: dict[int, list[OrderLine]] = defaultdict(list)
        for line in OrderLine.objects.filter(order__in=self._orders.values()):
            self._lines[line.order_id].append(line)
        counted = (
            PurchaseRecord.objects.filter(order_line__order__in=self._orders.values())
            .filter(quantity__gt=0)
            .values_list("order_line")
            .annotate(Sum("quantity"))
        )
        self._counted: dict[int, int] = defaultdict(int, counted)
        self._spoken_for: set[int] = set()
        self._bought: dict[int, PurchaseOrder] = {}
        self._digests: frozenset[str] | None = None

    def take(self, record: HistoryImport, row: Row) -> SourceRow:
        """Reconcile one row; the source row says what came of it."""
        problem = row.problem or next(filter(None, (fact.problem() for fact in row.facts)), "")
        outcome, reason, tied = _Outcome.MATCHED, problem, None
        if problem:
            outcome = _Outcome.BAD
        elif row.not_yet:
            outcome = _Outcome.NOT_YET
        for fact in () if problem else row.facts:
            found, said, result = self._reconcile(fact)
            tied = tied or found
            if result == _Outcome.AMBIGUOUS or (
                result == _Outcome.ADDED and outcome == _Outcome.MATCHED
            ):
                outcome, reason = result, said
        body = _storable(json.dumps(row.raw, ensure_ascii=False, sort_keys=True, default=str))
        digest = hashlib.sha256(body.encode()).hexdigest()
        if outcome == _Outcome.AMBIGUOUS and digest in self._decided():
            outcome, reason = _Outcome.MATCHED, "人が判断した行です。"
        return SourceRow(
            history_import=record,
            number=row.number,
            raw=json.loads(body),
            sha256=digest,
            outcome=outcome,
            reason=reason[:300],
            record=tied,
        )

    def _reconcile(self, fact: Fact) -> tuple[PurchaseRecord | None, str, SourceRow.Outcome]:
        known = self._find(fact)
        if known is not None:
            self._spoken_for.add(known.pk)
            if fact.amount not in self._amounts(known, fact):
                reason = f"前回の取込（¥{known.amount:,}）と金額（¥{fact.amount:,}）が違います。"
                return known, reason, _Outcome.AMBIGUOUS
            self._enrich(known, fact)
            return known, "", _Outcome.MATCHED
        order = self._orders.get(fact.purchase_order_number)
        line = self._line(order, fact)
        too_many = self._exceeds_order(line, fact)
        if too_many:
            return None, too_many, _Outcome.AMBIGUOUS
        record = self.add(fact)
        self._spoken_for.add(record.pk)
        return record, "", _Outcome.ADDED

    def add(self, fact: Fact) -> PurchaseRecord:
        """A new fact, tied to our order where the row names it."""
        order = self._orders.get(fact.purchase_order_number)
        line = self._line(order, fact)
        record = PurchaseRecord.objects.create(
            connection=self.connection,
            order=order,
            order_line=line,
            supplier_order=fact.supplier_order,
            title=fact.title[:500],
            quantity=fact.quantity,
            amount=fact.amount,
            is_shipping_charge=fact.is_shipping_charge,
            **{name: getattr(fact, name) for name in _ENRICHED},
        )
        self._known[fact.supplier_order].append(record)
        if order is not None:
            self._bought[order.pk] = order
        if line is not None and fact.quantity > 0:
            self._counted[line.pk] += fact.quantity
        return record

    def _decided(self) -> frozenset[str]:
        if self._digests is None:
            decisions = RowDecision.objects.filter(connection=self.connection)
            self._digests = frozenset(decisions.values_list("sha256", flat=True))
        return self._digests

    def settle_doubts(self) -> None:
        """What was bought on an order shows that the supplier has it."""
        bought = self._bought.values()
        doubtful = [order.pk for order in bought if order.state != OrderState.ORDERED]
        for order in (
            PurchaseOrder.objects.select_for_update(of=("self",), no_key=True)
            .select_related("connection", "voucher")
            .filter(pk__in=doubtful)
            .order_by("pk")
        ):
            evidence.is_there(order, "購入履歴")

    def _find(self, fact: Fact) -> PurchaseRecord | None:
        others = self._known[fact.supplier_order]
        if fact.strong_id:
            for record in others:
                if record.strong_id == fact.strong_id:
                    return record
        free = [record for record in others if record.pk not in self._spoken_for]
        alike = [record for record in free if self._alike(record, fact)]
        # The closest first: one that agrees on a date or parcel, then the oldest.
        alike.sort(key=lambda record: (-_agreements(record, fact), record.pk))
        return alike[0] if alike else None

    def _alike(self, record: PurchaseRecord, fact: Fact) -> bool:
        if record.is_shipping_charge != fact.is_shipping_charge:
            return False
        if record.quantity != fact.quantity or fact.amount not in self._amounts(record, fact):
            return False
        if record.strong_id and fact.strong_id:
            return False
        if record.part_id and fact.part_id and not fact.is_shipping_charge:
            same_item = record.part_id == fact.part_id
        else:
            same_item = fact.is_shipping_charge or same_title(record.title, fact.title)
        return same_item and not _contradicts(record, fact)

    def _amounts(self, record: PurchaseRecord, fact: Fact) -> set[int]:
        """What the row may state for the record: some reports add the carriage to the goods."""
        amounts = {record.amount}
        if fact.may_include_carriage and record.strong_id:
            amounts |= {
                record.amount + other.amount
                for other in self._known[record.supplier_order]
                if other.strong_id == f"{record.strong_id}/shipping"
            }
        return amounts

    def _enrich(self, record: PurchaseRecord, fact: Fact) -> None:
        changed = []
        for name in _ENRICHED:
            value = getattr(fact, name)
            if value not in ("", None) and getattr(record, name) in ("", None):
                setattr(record, name, value)
                changed.append(name)
        if record.order_id is None and fact.purchase_order_number in self._orders:
            record.order = self._orders[fact.purchase_order_number]
            record.order_line = self._line(record.order, fact)
            self._bought[record.order.pk] = record.order
            changed += ["order", "order_line"]
        if changed:
            record.save(update_fields=changed)

    def _line(self, order: PurchaseOrder | None, fact: Fact) -> OrderLine | None:
        if order is None or fact.is_shipping_charge:
            return None
        lines = self._lines[order.pk]
        if fact.line_number is not None:
            return next((line for line in lines if line.line_number == fact.line_number), None)
        mine = [line for line in lines if fact.part_id and line.part_id == fact.part_id]
        mine = mine or [line for line in lines if same_title(line.description, fact.title)]
        return mine[0] if len(mine) == 1 else None

    def _exceeds_order(self, line: OrderLine | None, fact: Fact) -> str:
        """Why a further fact cannot be: more of a line than was ordered, so likely a repetition."""
        if line is None or fact.quantity <= 0:
            return ""
        total = self._counted[line.pk] + fact.quantity
        if total <= line.quantity:
            return ""
        return (
            f"発注 {line.quantity} に対して購入データが {total} になります。"
            "同じ購入が二度報告されていないか確認してください。"
        )


def _contradicts(record: PurchaseRecord, fact: Fact) -> bool:
    """Whether both state something that one supply cannot have two of."""
    return any(
        getattr(record, name) not in ("", None)
        and getattr(fact, name) not in ("", None)
        and getattr(record, name) != getattr(fact, name)
        for name in ("shipped_on", "shipment_id", "tracking", "purchase_order_number", "rate")
    )


def _agreements(record: PurchaseRecord, fact: Fact) -> int:
    return sum(
        getattr(record, name) not in ("", None) and getattr(record, name) == getattr(fact, name)
        for name in ("shipped_on", "shipment_id", "tracking")
    )
