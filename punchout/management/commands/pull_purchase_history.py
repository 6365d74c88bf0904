"""Pull purchase history now, as beat does on its schedule."""

from django.core.management.base import BaseCommand

from punchout import history


class Command(BaseCommand):
    help = "購入履歴 API から履歴を取り込みます（定期の自動処理と同じ）。"

    def handle(self, *args, **options) -> None:
        self.stdout.write(f"{history.pull_all()} 件の連携から取り込みました。")
