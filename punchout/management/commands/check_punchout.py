"""How the catalogue connections and their orders are doing, from the shell."""

import datetime
import unicodedata
from dataclasses import dataclass

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Min, QuerySet
from django.utils import timezone

from expenses.signals import Blocked
from punchout import probe, transport
from punchout.models import (
    CancelRequest,
    CatalogConnection,
    JobRun,
    PurchaseOrder,
    SourceRow,
    SupplierDocument,
    sweep_is_overdue,
)
from punchout.order_states import OrderState

OVERDUE = datetime.timedelta(minutes=5)
"""A due order that nobody has taken for so long is stuck."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    holds: bool
    subject: str
    item: str
    text: str


class Command(BaseCommand):
    help = (
        "カタログ連携の状態を表にします: 設定、相手先への到達（何も注文しません）、定期処理、"
        "発注、キャンセル依頼、該当する発注のない通知、対応を決めていない購入データ。"
        "終了コード: 0 問題なし、1 人の対応が必要なもの（×の行）がある。"
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument(
            "--connection", help="カタログ連携設定の名称（省略すると、有効な設定のすべて）"
        )
        parser.add_argument(
            "--test", action="store_true", help="買い物の開始（SetupRequest）を試しに送る"
        )
        parser.add_argument(
            "--as",
            dest="employee",
            help="--test で使う社員コード。相手先にアカウントのない人は作られることがあります",
        )

    def handle(self, *args, connection: str | None, test: bool, employee: str | None, **options):
        self._rows: list[Row] = []
        if connection is None:
            concerned = CatalogConnection.objects.all()
            checked = list(concerned.filter(is_active=True).order_by("pk"))
        else:
            concerned = CatalogConnection.objects.filter(name=connection)
            checked = list(concerned)
        if not checked:
            self._add(False, "カタログ連携設定", "登録", "有効な設定がありません")
        for one in checked:
            self._connection(one)
            if test:
                self._trial(one, employee)
        self._sweep()
        # A connection that was switched off can still have orders on their way.
        self._orders(PurchaseOrder.objects.filter(connection__in=concerned))
        self._others(concerned)
        self.stdout.write("\n".join(_table(self._rows)))
        wrong = sum(not row.holds for row in self._rows)
        if wrong:
            raise CommandError(f"対応が必要なものが {wrong} 件あります。")
        self.stdout.write("対応が必要なものはありません。")

    def _add(self, holds: bool, subject: str, item: str, text: str) -> None:
        # Reasons of suppliers may have several lines.
        self._rows.append(Row(holds, subject, item, " ".join(text.split())))

    def _connection(self, one: CatalogConnection) -> None:
        missing = one.missing_settings() + one.missing_history_settings()
        said = f"未設定: {'、'.join(missing)}" if missing else f"完了（{one.get_mode_display()}）"
        self._add(not missing, one.name, "設定", said)
        for item, url in (("PunchOut URL", one.punchout_url), ("注文 URL", one.order_url)):
            if not url:
                continue
            try:
                status = probe.reach(url)
            except (transport.NotDelivered, transport.NoAnswer) as error:
                self._add(False, one.name, item, str(error))
            else:
                self._add(True, one.name, item, f"応答あり（HTTP {status}）")

    def _trial(self, one: CatalogConnection, code: str | None) -> None:
        try:
            person = probe.person_for_trial(one, code)
            probe.ask_to_enter(one, by=person)
        except Blocked as refused:
            self._add(False, one.name, "接続テスト", refused.reason)
        else:
            said = f"{person.name} として開始ページを受け取りました"
            self._add(True, one.name, "接続テスト", said)

    def _sweep(self) -> None:
        last = JobRun.last_sweep()
        said = "未実行"
        if last is not None:
            said = f"最終実行 {timezone.localtime(last):%Y/%m/%d %H:%M:%S}（{_age(last)}）"
        self._add(not sweep_is_overdue(last), "定期処理", "自動発注", said)

    def _orders(self, orders: QuerySet[PurchaseOrder]) -> None:
        now = timezone.now()
        dead = set(PurchaseOrder.objects.abandoned(now).values_list("pk", flat=True))
        under_way = orders.filter(
            state__in=[OrderState.PENDING, OrderState.SENDING], needs_person=""
        ).order_by("created_at")
        for order in under_way.defer("document"):
            late = order.state == OrderState.PENDING and now - order.due_at > OVERDUE
            said = f"{_age(order.created_at)} {order.reason}"
            self._order(order, said, holds=not late and order.pk not in dead)
        needing = PurchaseOrder.objects.needing_person().filter(pk__in=orders.values("pk"))
        for order in needing.defer("document"):
            since = order.needs_person_since or order.created_at
            self._order(order, f"{_age(since)} {order.needs_person}", holds=False)

    def _order(self, order: PurchaseOrder, said: str, *, holds: bool) -> None:
        self._add(holds, f"発注 {order.number}", order.get_state_display(), said)

    def _others(self, concerned: QuerySet[CatalogConnection]) -> None:
        waiting = CancelRequest.objects.waiting().filter(
            order_line__order__connection__in=concerned
        )
        for request in waiting.select_related("order_line__order", "requested_by"):
            line = request.order_line
            said = f"明細 {line.line_number} 数量 {request.quantity}（{request.requested_by.name}）"
            said = f"{_age(request.requested_at)} {said}"
            self._add(False, f"発注 {line.order.number}", "キャンセル依頼中", said)
        orphans = SupplierDocument.objects.filter(order__isnull=True, connection__in=concerned)
        rows = SourceRow.objects.undecided().filter(history_import__connection__in=concerned)
        for item, found, dated in (
            ("該当する発注のない通知", orphans, "received_at"),
            ("対応を決めていない購入データ", rows, "history_import__at"),
        ):
            count = found.count()
            oldest = found.aggregate(oldest=Min(dated))["oldest"]
            said = f"{count} 件（最も古いものは {_age(oldest)}）" if oldest else "なし"
            self._add(not count, "仕入先のデータ", item, said)


def _age(since: datetime.datetime) -> str:
    minutes = int((timezone.now() - since).total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} 分前"
    return f"{minutes // 60} 時間前" if minutes < 48 * 60 else f"{minutes // 1440} 日前"


def _table(rows: list[Row]) -> list[str]:
    subject = max(_width(row.subject) for row in rows)
    item = max(_width(row.item) for row in rows)
    return [
        f"{'○' if row.holds else '×'} {_padded(row.subject, subject)}"
        f"  {_padded(row.item, item)}  {row.text}"
        for row in rows
    ]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Columns of a terminal: Japanese signs take two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
