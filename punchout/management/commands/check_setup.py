"""The set-up check of the masters, from the shell."""

from django.core.management.base import BaseCommand, CommandError

from punchout import setup_check


class Command(BaseCommand):
    help = (
        "初期設定チェック: カタログ連携に必要な登録がそろっているかを調べます。通信はしません。"
        "足りないものがあると終了コードは 1 です。"
    )

    def handle(self, *args, **options) -> None:
        findings = setup_check.check()
        for finding in findings:
            self.stdout.write(f"{'○' if finding.holds else '×'} {finding.rule}")
            if not finding.holds:
                self.stdout.write(f"    {finding.todo}")
                for detail in finding.details:
                    self.stdout.write(f"    - {detail}")
        open_ones = sum(not finding.holds for finding in findings)
        if open_ones:
            raise CommandError(f"{len(findings)} 項目のうち {open_ones} 項目が未完了です。")
        self.stdout.write(f"{len(findings)} 項目すべて完了しています。")
