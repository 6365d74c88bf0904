"""Set a catalogue connection up from the shell."""

import argparse
import os
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from expenses.refusals import Invalid
from expenses.signals import Blocked
from punchout import probe
from punchout.connecting import Wanted, connect
from punchout.identifiers import public_url
from punchout.models import CatalogConnection

PLAIN = {
    "supplier_name": ("--supplier-name", "画面に出す会社名（省略すると名称）"),
    "punchout_url": ("--punchout-url", "PunchOut（SetupRequest）の URL"),
    "order_url": ("--order-url", "注文（OrderRequest）の URL"),
    "from_identity": ("--identity", "From identity（システムログイン）"),
    "to_identity": ("--to-identity", "To identity"),
    "credential_domain": ("--domain", "認証ドメイン（NetworkId など）"),
    "business_unit": ("--business-unit", "グループ（UserBusinessUnit）"),
    "mode": ("--mode", "接続: test（テスト）か production（本番）"),
    "prices": ("--prices", "カタログの価格: net（税抜）か gross（税込）"),
    "header_total": ("--header-total", "カートの Total: items（商品の税抜合計）か all（すべて）"),
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
MASTERS = {
    "shipping_breakdown": ("--shipping-breakdown", "送料の内訳コード（空なら、なしにする）"),
    "payment_method": ("--payment-method", "明細の支払方法コード（空なら、なしにする）"),
}
OPTIONS = {
    **{name: option for name, (option, _meaning) in (PLAIN | SECRETS | MASTERS).items()},
    "name": "--name",
    "breakdown": "--breakdown",
}

_NAME = re.compile("[A-Z][A-Z0-9_]*")


class Command(BaseCommand):
    help = (
        "カタログ連携設定を登録・変更します（同じ名称なら変更、指定しない項目はそのまま）。"
        "管理画面と同じ規則で調べ、ひとつでも誤りがあれば、すべての誤りを示して何も変えません。"
        "終了コード: 0 登録・変更した（または変更なし）、1 値の誤りか接続テストの失敗。"
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--name", required=True, help="名称")
        for name, (option, meaning) in (PLAIN | SECRETS | MASTERS).items():
            parser.add_argument(option, dest=name, help=meaning)
        parser.add_argument(
            "--basic-auth",
            dest="order_basic_auth",
            action=argparse.BooleanOptionalAction,
            help="注文で HTTP Basic 認証を使う・使わない",
        )
        parser.add_argument(
            "--breakdown", action="append", default=[], metavar="RATE=CODE", help="税率=内訳コード"
        )
        parser.add_argument(
            "--test", action="store_true", help="登録後、買い物の開始（SetupRequest）を一度送る"
        )
        parser.add_argument("--as", dest="employee", help="--test で使う社員コード")

    def handle(self, *args, **options) -> None:
        is_new = not CatalogConnection.objects.filter(name=options["name"].strip()).exists()
        try:
            connection, written = connect(_wanted(options))
        except Invalid as refused:
            raise CommandError("\n".join(refused.problems)) from refused
        done = "登録しました" if is_new else "変更しました" if written else "変更はありません"
        self.stdout.write(f"カタログ連携設定「{connection}」: {done}。")
        address = reverse("punchout:inbound", args=[connection.inbound_token])
        self.stdout.write(f"相手先に登録する受信 URL（秘密の値です）:\n  {public_url(address)}")
        if missing := connection.missing_settings():
            self.stdout.write(f"未設定: {'、'.join(missing)}")
        if missing := connection.missing_history_settings():
            self.stdout.write(f"購入履歴 API は使えません。未設定: {'、'.join(missing)}")
        if options["test"]:
            try:
                person = probe.person_for_trial(connection, options["employee"])
                probe.ask_to_enter(connection, by=person)
            except Blocked as refused:
                raise CommandError(f"接続テストに失敗しました: {refused.reason}") from refused
            self.stdout.write(f"接続テスト: {person.name} として開始ページを受け取りました。")


def _wanted(options: dict[str, Any]) -> Wanted:
    # The admin page strips what is typed there.
    wanted = Wanted(
        options["name"].strip(),
        fields={name: options[name].strip() for name in PLAIN if options[name] is not None},
        options=OPTIONS,
        **{name: options[name] and options[name].strip() for name in MASTERS},
    )
    if options["order_basic_auth"] is not None:
        wanted.fields["order_basic_auth"] = options["order_basic_auth"]
    for name, (option, _meaning) in SECRETS.items():
        variable = options[name]
        if variable is None:
            continue
        wanted.fields[name] = os.environ.get(variable, "").strip()
        if not wanted.fields[name]:
            # What does not look like a name may be the secret itself: it is not repeated.
            shown = f"環境変数 {variable} " if _NAME.fullmatch(variable) else "その名前の環境変数"
            wanted.unreadable.append(
                f"{option}: {shown}がないか、空です。値ではなく、環境変数の名前を指定します。"
            )
    for text in options["breakdown"]:
        _read_breakdown(text, wanted)
    return wanted


def _read_breakdown(text: str, wanted: Wanted) -> None:
    rate, _, code = (part.strip() for part in text.partition("="))
    try:
        number = Decimal(rate)
    except InvalidOperation:
        number = Decimal("NaN")
    if code and number.is_finite():
        wanted.breakdowns.append((number, code))
    else:
        wanted.unreadable.append(f"--breakdown {text}: 「10=A01」のように指定してください。")
