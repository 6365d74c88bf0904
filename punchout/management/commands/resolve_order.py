"""Decide about an order from the shell, with a reason."""

import os
import pwd
from collections.abc import Callable

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from expenses.refusals import Invalid
from expenses.signals import Blocked
from punchout import resolution, waiting
from punchout.models import PurchaseOrder

VERBS: dict[str, tuple[Callable[..., PurchaseOrder], str]] = {
    "accepted": (resolution.accept, "相手先に注文があることを確認した（発注済にする）"),
    "resend": (resolution.resend, "相手先に注文がないことを確認した（同じ文書をもう一度送る）"),
    "cancelled": (resolution.cancel, "相手先に注文がなく、もう送らない（取消にする）"),
    "reorder": (resolution.reorder, "発注エラー・取消の注文を、新しい番号で再発注する"),
    "acknowledged": (resolution.acknowledge, "差異などの知らせを確認した"),
}


class Command(BaseCommand):
    help = (
        "要確認・発注エラーの発注を、理由を付けて処理します。処理を指定しなければ、相手先で"
        "確認することだけを表示します。相手先で見つからないことは、届いていない証明になりません。"
        "終了コード: 0 処理した（または表示した）、1 処理できない（何も変わりません）。"
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("number", help="発注番号")
        chosen = parser.add_mutually_exclusive_group()
        for name, (_verb, meaning) in VERBS.items():
            chosen.add_argument(
                f"--{name}", dest="verb", action="store_const", const=name, help=meaning
            )
        chosen.add_argument(
            "--show",
            dest="verb",
            action="store_const",
            const=None,
            help="確認することだけを表示する",
        )
        parser.add_argument("--reason", default="", help="理由（履歴に残ります）")

    def handle(self, *args, number: str, verb: str | None, reason: str, **options) -> None:
        order = PurchaseOrder.objects.select_related("connection", "voucher").filter(number=number)
        found = order.first()
        if found is None:
            raise CommandError(f"発注 {number} はありません。")
        self._show(found)
        if verb is None:
            return
        # The history names no employee for the shell; the reason names who had it open, in front:
        # a long reason is cut at its end.
        said = f"{_operator()}（コマンド）: {reason.strip()}" if reason.strip() else ""
        try:
            done = VERBS[verb][0](found, reason=said, by=None)
        except Invalid as refused:
            raise CommandError(" ".join(refused.problems)) from refused
        except Blocked as refused:
            raise CommandError(f"{refused.reason} {refused.what_to_do}".strip()) from refused
        self.stdout.write(f"→ {done.number}: {done.get_state_display()}")

    def _show(self, order: PurchaseOrder) -> None:
        seen = waiting.lookup(order)
        sent = f"{timezone.localtime(seen.sent_at):%Y/%m/%d %H:%M:%S}" if seen.sent_at else "未送信"
        self.stdout.write(
            f"{order.number} {order.get_state_display()} {order.voucher.number} "
            f"「{order.voucher.title}」 ¥{order.total:,}"
        )
        self.stdout.write(f"  理由: {order.needs_person or order.reason or 'なし'}")
        self.stdout.write(f"  {order.connection.supplier_name} で確認すること:")
        self.stdout.write(f"    ページ: {seen.url or '（カタログ連携設定に登録なし）'}")
        self.stdout.write(f"    発注番号 {seen.order_number}、送信 {sent}、{seen.shopper_email}")
        for item in seen.items:
            self.stdout.write(f"    - {item}")
        if seen.supplier_orders:
            self.stdout.write(f"    相手先の注文番号: {'、'.join(seen.supplier_orders)}")


def _operator() -> str:
    """The account of the operating system; environment variables could name anybody."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        # Containers run under numbers that have no name.
        return f"uid {os.getuid()}"
