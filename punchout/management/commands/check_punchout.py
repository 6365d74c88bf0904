"""How the catalogue connections and their orders are doing, from the shell."""

import datetime

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from expenses.signals import Blocked
from masters.models import Employee
from punchout import probe
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


class Command(BaseCommand):
    help = (
        "カタログ連携の状態を調べます: 設定、相手先への到達、定期処理、止まっている発注。"
        "人の対応が必要なものがあると終了コードは 1 です。"
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--connection", help="カタログ連携設定の名称（省略すると全部）")
        parser.add_argument(
            "--test", action="store_true", help="買い物の開始（SetupRequest）を試しに送る"
        )
        parser.add_argument(
            "--as",
            dest="employee",
            help="--test で使う社員コード。相手先にアカウントのない人は作られることがあります",
        )

    def handle(self, *args, connection: str | None, test: bool, employee: str | None, **options):
        self._wrong = 0
        connections = CatalogConnection.objects.filter(is_active=True).order_by("pk")
        if connection:
            connections = connections.filter(name=connection)
        if not connections:
            self._line(False, "カタログ連携設定", "有効な設定がありません")
        for one in connections:
            self._connection(one, _person(employee) if test else None)
        self._sweep()
        self._orders()
        self._others()
        if self._wrong:
            raise CommandError(f"対応が必要なものが {self._wrong} 件あります。")
        self.stdout.write("対応が必要なものはありません。")

    def _line(self, holds: bool, what: str, text: str) -> None:
        self._wrong += not holds
        self.stdout.write(f"{'○' if holds else '×'} {what}: {text}")

    def _connection(self, one: CatalogConnection, by: Employee | None) -> None:
        missing = one.missing_settings()
        self._line(not missing, f"{one} 設定", "、".join(missing) or "完了")
        for what, url in (("PunchOut URL", one.punchout_url), ("注文 URL", one.order_url)):
            if url:
                problem = probe.reach(url)
                self._line(not problem, f"{one} {what}", problem or "応答あり")
        if by is None:
            return
        try:
            probe.ask_to_enter(one, by=by)
        except Blocked as refused:
            self._line(False, f"{one} 接続テスト", refused.reason)
        else:
            self._line(True, f"{one} 接続テスト", f"{by.name} として開始ページを受け取りました")

    def _sweep(self) -> None:
        last = JobRun.last_sweep()
        text = f"最終実行 {timezone.localtime(last):%Y/%m/%d %H:%M:%S}" if last else "未実行"
        self._line(not sweep_is_overdue(last), "自動発注の定期処理", text)

    def _orders(self) -> None:
        now = timezone.now()
        waiting = PurchaseOrder.objects.filter(
            state__in=[OrderState.PENDING, OrderState.SENDING]
        ).order_by("created_at")
        for order in waiting:
            late = order.state == OrderState.PENDING and now - order.due_at > OVERDUE
            late |= PurchaseOrder.objects.abandoned(now).filter(pk=order.pk).exists()
            text = f"{order.get_state_display()}（{_age(order.created_at)}）{order.reason}"
            self._line(not late, f"発注 {order.number}", text)
        for order in PurchaseOrder.objects.needing_person():
            since = order.needs_person_since or order.created_at
            text = f"{order.get_state_display()}（{_age(since)}）{order.needs_person}"
            self._line(False, f"発注 {order.number}", text.replace("\n", " "))

    def _others(self) -> None:
        asked = CancelRequest.objects.waiting()
        orphans = SupplierDocument.objects.filter(order__isnull=True)
        for what, found in (
            ("結果を待つキャンセル依頼", asked.count()),
            ("該当する発注のない通知", orphans.count()),
            ("対応を決めていない購入データ", SourceRow.objects.undecided().count()),
        ):
            self._line(not found, what, f"{found} 件")


OVERDUE = datetime.timedelta(minutes=5)
"""A due order that nobody has taken for so long is stuck."""


def _age(since: datetime.datetime) -> str:
    minutes = int((timezone.now() - since).total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} 分前から"
    return f"{minutes // 60} 時間前から" if minutes < 48 * 60 else f"{minutes // 1440} 日前から"


def _person(code: str | None) -> Employee:
    people = Employee.objects.active().exclude(email="")
    found = people.filter(code=code).first() if code else people.order_by("code").first()
    if found is None:
        raise CommandError("E-MAIL のある社員が見つかりません。--as で選んでください。")
    return found
