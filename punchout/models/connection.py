"""カタログ連携設定: one supplier's catalogue and how to talk to it."""

import datetime
import hashlib
import secrets
from decimal import Decimal

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, URLValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils import timezone

from masters.history import tracked, tracked_without
from masters.models import Company
from punchout.encryption import EncryptedTextField


def new_inbound_token() -> str:
    """A fresh secret for the URL that the supplier posts to."""
    return secrets.token_urlsafe(32)


class CatalogConnectionQuerySet(models.QuerySet):
    """Reads of connections."""

    def usable(self):
        """Those switched on, in the order people choose them; none without the contract."""
        if not Company.current().catalog_contracted:
            return self.none()
        return self.filter(is_active=True).order_by("pk")

    def open_to(self, employee):
        """Those an employee may shop with: everybody, unless an allow-list is filled."""
        return (
            self.usable()
            .filter(Q(allowed_employees__isnull=True) | Q(allowed_employees=employee))
            .distinct()
        )

    def by_inbound_token(self, token: str):
        """The connection whose inbound URL carries ``token``, or None."""
        # A connection that was switched off still hears of what was ordered through it.
        return self.filter(inbound_token_hash=hashlib.sha256(token.encode()).hexdigest()).first()


def _web_address(name: str) -> models.CharField:
    # Not a URLField: its form field would guess a scheme for what was typed without one.
    validators = [URLValidator(["https", "http"])]
    return models.CharField(name, max_length=500, blank=True, validators=validators)


SECRET_FIELDS = (
    "shared_secret",
    "inbound_token",
    "inbound_token_hash",
    "inbound_password",
    "history_client_secret",
    "history_refresh_token",
)

HISTORY_FIELDS = (
    "history_url",
    "history_token_url",
    "history_client_id",
    "history_client_secret",
    "history_refresh_token",
)


@tracked_without(*SECRET_FIELDS)
class CatalogConnection(models.Model):
    """カタログ連携設定. What differs between suppliers is a setting; nothing tests for a name."""

    class Mode(models.TextChoices):
        PRODUCTION = "production", "本番"
        TEST = "test", "テスト"

    class Prices(models.TextChoices):
        NET = "net", "税抜"
        GROSS = "gross", "税込"

    class HeaderTotal(models.TextChoices):
        ITEMS = "items", "商品の税抜合計のみ"
        ALL = "all", "送料・消費税を含む合計"

    name = models.CharField("名称", max_length=40, unique=True)
    supplier_name = models.CharField("カタログの会社名", max_length=40)
    is_active = models.BooleanField("有効", default=True)
    mode = models.CharField("接続", max_length=12, choices=Mode, default=Mode.TEST)

    credential_domain = models.CharField("認証ドメイン", max_length=40, default="NetworkId")
    from_identity = models.CharField(
        "システムログイン（From identity）", max_length=120, blank=True
    )
    to_identity = models.CharField("To identity", max_length=120, default="Amazon")
    shared_secret = EncryptedTextField("パスワード（共有シークレット）", blank=True)
    punchout_url = _web_address("PunchOut URL")
    order_url = _web_address("注文（PO Request）URL")
    order_basic_auth = models.BooleanField("注文で HTTP Basic 認証を使う", default=False)
    business_unit = models.CharField("グループ（UserBusinessUnit）", max_length=120, blank=True)

    prices = models.CharField("カタログの価格", max_length=6, choices=Prices, default=Prices.NET)
    header_total = models.CharField(
        "カートの合計欄（Total）の内容",
        max_length=6,
        choices=HeaderTotal,
        default=HeaderTotal.ITEMS,
    )
    shipping_breakdown = models.ForeignKey(
        "masters.Breakdown",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="送料の内訳",
        help_text="税率が合う日付の送料に使います。空欄なら税率ごとの内訳を使います。",
    )
    payment_method = models.ForeignKey(
        "masters.PaymentMethod",
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name="支払方法",
        help_text="精算の明細に使います。",
    )

    tolerance_percent = models.DecimalField(
        "許容差（%）",
        max_digits=4,
        decimal_places=1,
        default=Decimal(0),
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="明細の承認金額（税込）に対する割合。ちょうどは範囲内です。",
    )
    tolerance_yen = models.PositiveIntegerField(
        "許容差（円）", default=0, help_text="注文の合計に対する金額。ちょうどは範囲内です。"
    )
    session_hours = models.PositiveSmallIntegerField(
        "カートを戻せる時間（時間）", default=24, validators=[MinValueValidator(1)]
    )
    cart_warning_days = models.PositiveSmallIntegerField("カートの注意日数（日）", default=5)
    cart_limit_days = models.PositiveSmallIntegerField("カートの期限（日）", default=7)
    cart_limit_blocks = models.BooleanField("期限を過ぎたカートの申請・承認を止める", default=True)
    allow_line_removal = models.BooleanField(
        "カタログ明細の一部削除を認める",
        default=False,
        help_text="Amazon ビジネスはカートより少ない注文を受け付けません。",
    )
    allowed_employees = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="+",
        verbose_name="利用できる社員",
        help_text="選ばなければ全員が使えます。",
    )
    resend_unknown = models.BooleanField(
        "結果が不明な注文を自動で再送する",
        default=False,
        help_text=(
            "payloadID が同じ注文を二重に受け付けないと確約した相手先だけに使ってください。"
            "確約のない相手先では二重発注になります。"
        ),
    )
    lookup_url = _web_address("注文を確認するページの URL")
    notified_employees = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="+",
        verbose_name="発注エラー・要確認の連絡先",
    )

    inbound_token = EncryptedTextField("受信URLのトークン", default=new_inbound_token)
    inbound_token_hash = models.CharField(max_length=64, unique=True, editable=False)
    inbound_user = models.CharField("受信の Basic 認証ユーザー", max_length=60, blank=True)
    inbound_password = EncryptedTextField("受信の Basic 認証パスワード", blank=True)

    history_url = _web_address("購入履歴 API の URL")
    history_token_url = _web_address("購入履歴 API の認証 URL")
    history_client_id = models.CharField("クライアントID", max_length=200, blank=True)
    history_client_secret = EncryptedTextField("クライアントシークレット", blank=True)
    history_refresh_token = EncryptedTextField("リフレッシュトークン", blank=True)
    history_region = models.CharField("リージョン", max_length=10, default="JP")

    objects = CatalogConnectionQuerySet.as_manager()

    class Meta:
        verbose_name = "カタログ連携設定"
        verbose_name_plural = "カタログ連携設定"
        constraints = [
            models.CheckConstraint(
                condition=Q(cart_warning_days__lte=F("cart_limit_days")),
                name="cart_warning_not_after_limit",
                violation_error_message="注意日数は期限の日数以下にしてください。",
            ),
            models.CheckConstraint(
                condition=Q(tolerance_percent__gte=0, tolerance_percent__lte=100),
                name="tolerance_between_0_and_100",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs) -> None:
        self.inbound_token_hash = hashlib.sha256(self.inbound_token.encode()).hexdigest()
        fields = kwargs.get("update_fields")
        if fields is not None and "inbound_token" in fields:
            kwargs["update_fields"] = {*fields, "inbound_token_hash"}
        super().save(*args, **kwargs)

    def missing_settings(self) -> list[str]:
        """Names of the settings without which nobody can shop or order, as the admin shows them."""
        needed = (
            "from_identity",
            "to_identity",
            "shared_secret",
            "punchout_url",
            "order_url",
            "payment_method",
        )
        missing = [
            str(getattr(self._meta.get_field(name), "verbose_name", name))
            for name in needed
            if not getattr(self, name)
        ]
        return missing if self.rates.exists() else [*missing, "税率ごとの内訳"]

    def missing_history_settings(self) -> list[str]:
        """Names of what pulling purchase history still lacks; none when nothing of it is filled."""
        fields = [self._meta.get_field(name) for name in HISTORY_FIELDS]
        missing = [str(field.verbose_name) for field in fields if not getattr(self, field.name)]  # type: ignore[union-attr]
        return missing if len(missing) < len(HISTORY_FIELDS) else []

    @property
    def has_history_api(self) -> bool:
        """Whether purchase history can be pulled."""
        return all(getattr(self, name) for name in HISTORY_FIELDS)


@tracked
class CatalogRate(models.Model):
    """Which 内訳 a line of a stated rate gets, in a period. Any rate: rates change by law."""

    connection = models.ForeignKey(
        CatalogConnection, models.CASCADE, related_name="rates", verbose_name="カタログ連携設定"
    )
    rate = models.DecimalField(
        "税率（%）",
        max_digits=5,
        decimal_places=2,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    breakdown = models.ForeignKey("masters.Breakdown", models.PROTECT, verbose_name="内訳")
    valid_from = models.DateField("有効期間（開始）", default=datetime.date(2019, 10, 1))
    valid_to = models.DateField("有効期間（終了）", null=True, blank=True)

    class Meta:
        verbose_name = "税率ごとの内訳"
        verbose_name_plural = "税率ごとの内訳"
        ordering = ["connection", "-rate", "valid_from"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="catalog_rate_period_in_order",
                violation_error_message="有効期間の終了は開始以降にしてください。",
            ),
            # No btree_gist in the embedded PostgreSQL: ranges stand in for the two equalities.
            ExclusionConstraint(
                name="catalog_rate_periods_do_not_overlap",
                expressions=[
                    (
                        Func(
                            F("connection_id"),
                            F("connection_id"),
                            Value("[]"),
                            function="int8range",
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    (
                        Func(F("rate"), F("rate"), Value("[]"), function="numrange"),
                        RangeOperators.OVERLAPS,
                    ),
                    (
                        Func(F("valid_from"), F("valid_to"), Value("[]"), function="daterange"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message="同じ税率の有効期間が重なっています。",
                # Several periods can be moved in one edit.
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rate.normalize():f}% → {self.breakdown}"

    def clean(self) -> None:
        if self.breakdown_id and not self.breakdown.use_expense:
            raise ValidationError(
                {"breakdown": "使用範囲の機能「経費」にチェックがある内訳を選んでください。"}
            )
        if self.breakdown_id and self.rate is not None and self.valid_from:
            self._refuse_another_rate(timezone.localdate())

    def _refuse_another_rate(self, today: datetime.date) -> None:
        # 税率 change by law: the row is judged today, or on the day of its period next to today.
        day = max(self.valid_from, min(today, self.valid_to or today))
        stated = self.breakdown.rate_on(day)
        if stated != self.rate:
            has = "登録されていません" if stated is None else f"{stated.normalize():f}% です"
            raise ValidationError(
                {
                    "breakdown": f"内訳 {self.breakdown.code} の税率は {has}"
                    f"（指定は {self.rate.normalize():f}%）。"
                }
            )
