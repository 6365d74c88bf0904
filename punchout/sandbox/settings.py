"""What people and tests change while the sandbox runs (`/_control/settings`)."""

import json
import sqlite3
from typing import Any

# name -> (default, what it means to the person at the control page)
DEFINITIONS: dict[str, tuple[bool | int | float | str, str]] = {
    "inbound_url": ("", "確認・出荷通知の送信先（空欄なら送らずに待つ）"),
    "inbound_username": ("", "送信先のBasic認証 ユーザー"),
    "inbound_password": ("", "送信先のBasic認証 パスワード"),
    "order_username": ("", "発注URLのBasic認証 ユーザー（空欄なら不要）"),
    "order_password": ("", "発注URLのBasic認証 パスワード"),
    "cart_field": ("cXML-urlencoded", "カートの項目名: cXML-urlencoded / cXML-base64"),
    "cart_fault": ("", "カートの異常（空欄なら正常）"),
    "auto_fulfil": (True, "注文を自動で確認・出荷する"),
    "auto_fulfil_delay": (1.0, "自動確認までの秒数"),
    "ship_delay": (0.5, "確認通知から出荷通知までの秒数"),
    "split": (True, "2品目以上の注文を2件の注文に分ける"),
    "deduplicate_orders": (False, "同じpayloadIDの注文を1件として扱う"),
    "delivery_attempts": (5, "通知の送信回数の上限"),
    "delivery_backoff": (0.5, "通知の再送までの秒数（回ごとに倍）"),
    "start_page_seconds": (600, "開始ページの有効秒数"),
    "access_token_seconds": (3600, "APIアクセストークンの有効秒数"),
    "page_size": (3, "APIの1ページの件数"),
    "rate_per_second": (0.5, "APIの1秒あたりの回数"),
    "rate_burst": (10, "APIのバースト回数"),
}
CHOICES: dict[str, tuple[str, ...]] = {
    "cart_field": ("cXML-urlencoded", "cXML-base64"),
    "cart_fault": (
        "",
        "foreign_currency",
        "fractional_yen",
        "header_mismatch",
        "unknown_rate",
        "full_width",
    ),
}


class SettingError(ValueError):
    """The setting is unknown or its value has the wrong form."""


def load(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return every setting, defaults included."""
    values: dict[str, Any] = {name: default for name, (default, _) in DEFINITIONS.items()}
    for row in connection.execute("SELECT name, value FROM setting"):
        values[row["name"]] = json.loads(row["value"])
    return values


def merge(connection: sqlite3.Connection, changes: dict[str, Any]) -> None:
    """Store `changes` over what is there; raise SettingError and store nothing if one is bad."""
    for name, value in changes.items():
        changes[name] = _checked(name, value)
    connection.executemany(
        "INSERT INTO setting (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [(name, json.dumps(value)) for name, value in changes.items()],
    )


def _checked(name: str, value: Any) -> bool | int | float | str:
    if name not in DEFINITIONS:
        raise SettingError(f"unknown setting: {name}")
    default = DEFINITIONS[name][0]
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(default):
        raise SettingError(f"{name}: expected {type(default).__name__}")
    if isinstance(value, int | float) and value < 0:
        raise SettingError(f"{name}: must not be negative")
    if name in CHOICES and value not in CHOICES[name]:
        raise SettingError(f"{name}: expected one of {', '.join(map(repr, CHOICES[name]))}")
    return value
