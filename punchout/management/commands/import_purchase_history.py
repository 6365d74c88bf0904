"""Import a report file that an accountant downloaded."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from masters.models import Employee
from punchout import history, report_csv
from punchout.models import CatalogConnection, HistoryImport, SourceRow


class Command(BaseCommand):
    help = (
        "注文履歴レポート・出荷レポートの CSV を取り込みます。同じファイルを何度取り込んでも"
        "結果は変わりません。エラーか要確認の行があると終了コードは 1 です。"
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("file", help="CSV ファイル")
        parser.add_argument("--connection", help="カタログ連携設定の名称（ひとつだけなら省略可）")
        parser.add_argument("--by", help="取込者の社員コード")

    def handle(self, *args, file: str, connection: str | None, by: str | None, **options) -> None:
        try:
            rows = report_csv.read(Path(file).read_bytes())
        except OSError as error:
            raise CommandError(f"{file} を読めません: {error.strerror}") from error
        except report_csv.NotAReport as error:
            raise CommandError(f"{file}: {error}") from error
        done = history.import_rows(
            _connection(connection),
            rows,
            source=HistoryImport.Source.CSV,
            name=Path(file).name,
            by=_employee(by),
        )
        self.stdout.write(
            f"{done.rows} 行: 新規 {done.added}、既知 {done.matched}、"
            f"エラー {done.bad}、要確認 {done.ambiguous}"
        )
        trouble = [SourceRow.Outcome.BAD, SourceRow.Outcome.AMBIGUOUS]
        for row in done.source_rows.filter(outcome__in=trouble):
            self.stdout.write(f"  {row.number} 行目 {row.get_outcome_display()}: {row.reason}")
        if done.bad or done.ambiguous:
            raise CommandError("エラーまたは要確認の行があります。ほかの行は取り込みました。")


def _connection(name: str | None) -> CatalogConnection:
    found = list(CatalogConnection.objects.filter(**({"name": name} if name else {})))
    if len(found) == 1:
        return found[0]
    names = "、".join(CatalogConnection.objects.values_list("name", flat=True)) or "登録なし"
    raise CommandError(f"--connection でカタログ連携設定を選んでください（{names}）")


def _employee(code: str | None) -> Employee | None:
    if code is None:
        return None
    try:
        return Employee.objects.get(code=code)
    except Employee.DoesNotExist:
        raise CommandError(f"社員コード {code} は登録されていません") from None
