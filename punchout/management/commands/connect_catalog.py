"""Set a catalogue connection up from the shell."""

import os
from decimal import Decimal, InvalidOperation

from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from expenses.refusals import Invalid
from expenses.signals import Blocked
from masters.models import Employee
from punchout import probe
from punchout.connecting import Wanted, connect
from punchout.identifiers import public_url

PLAIN = {
    "supplier_name": ("--supplier-name", "画面に出す会社名（省略すると名称）"),
    "punchout_url": ("--punchout-url", "PunchOut（SetupRequest）の URL"),
    "order_url": ("--order-url", "注文（OrderRequest）の URL"),
    "from_identity": ("--identity", "From identity（システムログイン）"),
    "to_identity": ("--to-identity", "To identity"),
    "credential_domain": ("--domain", "認証ドメイン（NetworkId など）"),
    "business_unit": ("--business-unit", "グループ（UserBusinessUnit）"),
    "lookup_url": ("--lookup-url", "人が注文を確認するページの URL"),
    "history_url": ("--history-url", "購入履歴 API の URL"),
    "history_token_url": ("--history-token-url", "購入履歴 API の認証 URL"),
    "history_client_id": ("--history-client-id", "購入履歴 API のクライアント ID"),
}
SECRETS = {
    "shared_secret": ("--secret-env", "共有シークレットの入った環境変数の名前"),
    "history_client_secret": (
        "--history-secret-env",
        "クライアントシークレットの入った環境変数の名前",
    ),
    "history_refresh_token": (
        "--history-refresh-token-env",
        "リフレッシュトークンの入った環境変数の名前",
    ),
}
"""Never values on a command line, which every user of the machine can read."""


class Command(BaseCommand):
    help = (
        "カタログ連携設定を登録・変更します（同じ名称なら変更）。管理画面と同じ規則で調べ、"
        "ひとつでも誤りがあれば何も変わりません。"
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--name", required=True, help="名称")
        for name, (option, meaning) in (PLAIN | SECRETS).items():
            parser.add_argument(option, dest=name, help=meaning)
        parser.add_argument("--basic-auth", action="store_true", default=None, help="注文で使う")
        parser.add_argument("--mode", choices=["test", "production"], help="接続（テスト・本番）")
        parser.add_argument("--prices", choices=["net", "gross"], help="税抜・税込")
        parser.add_argument("--header-total", choices=["items", "all"], help="Total の内容")
        parser.add_argument(
            "--breakdown", action="append", default=[], metavar="RATE=CODE", help="税率=内訳コード"
        )
        parser.add_argument("--shipping-breakdown", metavar="CODE", help="送料の内訳コード")
        parser.add_argument("--payment-method", metavar="CODE", help="支払方法コード")
        parser.add_argument("--test", action="store_true", help="登録後、買い物の開始を試す")
        parser.add_argument("--as", dest="employee", help="--test で使う社員コード")

    def handle(self, *args, **options) -> None:
        wanted = Wanted(
            options["name"],
            fields=_fields(options),
            breakdowns=dict(_rate(text) for text in options["breakdown"]),
            shipping_breakdown=options["shipping_breakdown"],
            payment_method=options["payment_method"],
        )
        try:
            connection = connect(wanted)
        except Invalid as refused:
            raise CommandError("\n".join(refused.problems)) from refused
        self.stdout.write(f"カタログ連携設定「{connection}」を保存しました。")
        address = reverse("punchout:inbound", args=[connection.inbound_token])
        self.stdout.write(f"相手先に登録する受信 URL（秘密の値です）:\n  {public_url(address)}")
        missing = connection.missing_settings()
        if missing:
            self.stdout.write(f"未設定: {'、'.join(missing)}")
        if options["test"]:
            people = Employee.objects.active().exclude(email="").order_by("code")
            code = options["employee"]
            person = people.filter(**({"code": code} if code else {})).first()
            if person is None:
                raise CommandError("E-MAIL のある社員が見つかりません。--as で選んでください。")
            try:
                probe.ask_to_enter(connection, by=person)
            except Blocked as refused:
                raise CommandError(f"接続テストに失敗しました: {refused.reason}") from refused
            self.stdout.write(f"接続テスト: {person.name} として開始ページを受け取りました。")


def _fields(options: dict) -> dict:
    found = {name: options[name] for name in PLAIN if options[name] is not None}
    for name, (option, _meaning) in SECRETS.items():
        variable = options[name]
        if variable is None:
            continue
        if not os.environ.get(variable):
            raise CommandError(f"{option}: 環境変数 {variable} が設定されていません。")
        found[name] = os.environ[variable]
    for name, option in (
        ("order_basic_auth", "basic_auth"),
        ("mode", "mode"),
        ("prices", "prices"),
        ("header_total", "header_total"),
    ):
        if options[option] is not None:
            found[name] = options[option]
    return found


def _rate(text: str) -> tuple[Decimal, str]:
    rate, _, code = text.partition("=")
    try:
        number = Decimal(rate)
    except InvalidOperation:
        number = Decimal(-1)
    if not (code and number.is_finite() and 0 <= number <= 100):
        raise CommandError(f"--breakdown {text}: 「10=A01」のように指定してください。")
    return number, code
