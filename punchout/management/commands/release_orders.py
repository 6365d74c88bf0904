"""Send the orders that are due, as the sweep of every minute does."""

from django.core.management.base import BaseCommand

from punchout import dispatch


class Command(BaseCommand):
    help = "送信時刻になった発注を送り、止まった送信を要確認にします（毎分の自動処理と同じ）。"

    def handle(self, *args, **options) -> None:
        counts = dispatch.sweep()
        self.stdout.write(f"送信 {counts['sent']} 件、要確認へ {counts['abandoned']} 件")
