"""初期設定チェック: each rule of the option's set-up as a line, with what to do (DOMAIN §1)."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from django.urls import reverse
from django.utils import timezone

from expenses.route_check import obstacles
from masters.models import Breakdown, DeliveryAddress, Employee, TaxCategory
from punchout.models import CatalogConnection, Exchange

NEEDED_RATES = (Decimal(0), Decimal(8), Decimal(10))
MOST_NAMES = 10


@dataclass(frozen=True)
class Finding:
    """One rule: whether it holds, else what to do and where."""

    rule: str
    holds: bool
    todo: str = ""
    url: str = ""
    details: list[str] = field(default_factory=list)
    """Whom or what it concerns, cut at a length that can be read."""


def check(today: datetime.date | None = None) -> list[Finding]:
    """Every rule in the order in which one sets the product up. Reads masters only, no network."""
    day = today or timezone.localdate()
    connections = list(CatalogConnection.objects.usable().prefetch_related("rates"))
    return [
        _contract(connections),
        *_tax_categories(day),
        *_breakdowns(day),
        _addresses(),
        *(finding for one in connections for finding in _connection(one, day)),
        _emails(),
        *_routes(),
        *(_tested(one) for one in connections),
    ]


def _contract(connections: list[CatalogConnection]) -> Finding:
    return Finding(
        "カタログ連携オプションの契約と設定",
        bool(connections),
        "会社設定の「カタログ連携オプションの契約」にチェックを入れ、有効なカタログ連携設定を"
        "登録してください。",
        reverse("admin:masters_company_changelist"),
    )


def _tax_categories(day: datetime.date) -> Iterator[Finding]:
    """One 税区分 each; one whose periods carry the rates in turn has but one of them on a day."""
    rates: dict[Decimal, list[str]] = {}
    for category in TaxCategory.objects.active().prefetch_related("rates"):
        rate = category.rate_on(day)
        if rate is not None:
            rates.setdefault(rate, []).append(str(category))
    for needed in NEEDED_RATES:
        how = "「税計算しない（対象外）」か、税率 0% の内税" if not needed else "内税"
        yield Finding(
            f"税区分 {needed:f}%",
            needed in rates,
            f"{needed:f}% 専用の税区分を登録してください（{how}）。"
            "一つの税区分の有効期間を分けて 0%・8%・10% を順に入れても、満たしたことになりません。",
            reverse("admin:masters_taxcategory_changelist"),
            rates.get(needed, [])[:MOST_NAMES],
        )


def _breakdowns(day: datetime.date) -> Iterator[Finding]:
    usable = Breakdown.objects.for_expenses().with_rate_on(day)
    unticked = Breakdown.objects.active().filter(use_expense=False).with_rate_on(day)
    for needed in NEEDED_RATES:
        found = [str(row) for row in usable.filter(rate=needed)[:MOST_NAMES]]
        todo = (
            f"税率 {needed:f}% の税区分を使う内訳を登録し、"
            "使用範囲の機能「経費」にチェックを入れてください。"
        )
        without = [str(row) for row in unticked.filter(rate=needed)[:MOST_NAMES]]
        if not found and without:
            todo = "使用範囲の機能「経費」にチェックがないため使えません: " + "、".join(without)
        url = reverse("admin:masters_breakdown_changelist")
        yield Finding(f"内訳 {needed:f}%（機能「経費」）", bool(found), todo, url, found)


def _addresses() -> Finding:
    names = [place.name for place in DeliveryAddress.objects.active()[:MOST_NAMES]]
    return Finding(
        "配送先",
        bool(names),
        "配送先マスタに、有効な配送先を 1 件以上登録してください。",
        reverse("admin:masters_deliveryaddress_changelist"),
        names,
    )


def _connection(connection: CatalogConnection, day: datetime.date) -> Iterator[Finding]:
    url = reverse("admin:punchout_catalogconnection_change", args=[connection.pk])
    missing = connection.missing_settings()
    yield Finding(
        f"カタログ連携設定「{connection}」の入力",
        not missing,
        f"未設定の項目を入力してください: {'、'.join(missing)}",
        url,
    )
    wrong = list(_wrong_rates(connection, day))
    yield Finding(
        f"カタログ連携設定「{connection}」の税率ごとの内訳",
        not wrong,
        " ".join(wrong),
        url,
    )


def _wrong_rates(connection: CatalogConnection, day: datetime.date) -> Iterator[str]:
    rows = {
        row.rate: row.breakdown_id
        for row in connection.rates.all()
        if row.valid_from <= day and (row.valid_to is None or day <= row.valid_to)
    }
    chosen = {
        row.pk: row
        for row in Breakdown.objects.filter(pk__in=rows.values()).with_rate_on(day)  # type: ignore[attr-defined]
    }
    for needed in NEEDED_RATES:
        if needed not in rows:
            yield f"税率 {needed:f}% の内訳が選ばれていません。"
    for rate, pk in rows.items():
        breakdown = chosen[pk]
        if not breakdown.is_active or not breakdown.use_expense:
            yield f"税率 {shown(rate)} の内訳「{breakdown}」は、無効か、機能「経費」がありません。"
        elif breakdown.rate != rate:
            stated = shown(breakdown.rate)
            yield f"税率 {shown(rate)} の内訳「{breakdown}」の税区分は {stated} です。"


def shown(rate: Decimal | None) -> str:
    """A rate as people write it: 8%, not 8.00%."""
    return "税率なし" if rate is None else f"{rate.normalize():f}%"


def _emails() -> Finding:
    without = Employee.objects.active().filter(email="")
    names = [f"{person.code} {person.name}" for person in without[:MOST_NAMES]]
    count = without.count() if names else 0
    return Finding(
        "社員の E-MAIL",
        not names,
        f"{count} 人に E-MAIL がありません。この人たちはカタログ連携を使えません。",
        reverse("admin:masters_employee_changelist"),
        names,
    )


def _routes() -> Iterator[Finding]:
    rule = "全員の承認経路"
    found = obstacles()
    if not found:
        yield Finding(rule, True)
    for obstacle in found:
        named = obstacle.people[:MOST_NAMES]
        more = len(obstacle.people) - len(named)
        yield Finding(
            f"{rule}（{'・'.join(kind.label for kind in obstacle.kinds)}）",
            False,
            obstacle.reason,
            reverse("admin:expenses_approvalflow_changelist"),
            [*named, *([f"ほか {more} 人"] if more > 0 else [])],
        )


def _tested(connection: CatalogConnection) -> Finding:
    last = (
        Exchange.objects.filter(connection=connection, message="PunchOutSetupRequest")
        .order_by("-pk")
        .first()
    )
    todo = "まだ一度も接続していません。下の「接続テスト」を押してください。"
    if last is not None and not last.accepted:
        when = f"{timezone.localtime(last.at):%Y/%m/%d %H:%M}"
        todo = f"最後の接続に失敗しました（{when}）。{last.reason}"
    return Finding(
        f"「{connection}」への接続テスト",
        last is not None and last.accepted,
        todo,
        details=[f"{timezone.localtime(last.at):%Y/%m/%d %H:%M} 成功"]
        if last is not None and last.accepted
        else [],
    )
