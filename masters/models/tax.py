"""税区分 and their dated rates."""

import datetime
from decimal import Decimal

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q, Value

from masters.consumption_tax import Rounding
from masters.history import tracked

from .base import Master


@tracked
class TaxCategory(Master):
    """税区分: whether and how the consumption tax inside an amount is worked out."""

    class Method(models.TextChoices):
        EXCLUDED = "excluded", "税計算しない（対象外）"
        INCLUDED = "included", "税計算する（内税）"

    class RoundingMode(models.TextChoices):
        DOWN = Rounding.DOWN.value, "切捨て"
        HALF_UP = Rounding.HALF_UP.value, "四捨五入"
        UP = Rounding.UP.value, "切上げ"

    method = models.CharField("税計算", max_length=10, choices=Method, default=Method.INCLUDED)
    rounding = models.CharField(
        "端数処理", max_length=10, choices=RoundingMode, default=RoundingMode.DOWN
    )

    class Meta(Master.Meta):
        verbose_name = "税区分"
        verbose_name_plural = "税区分マスタ"

    def rate_on(self, day: datetime.date) -> Decimal | None:
        """The rate (%) valid on ``day``; 0 when 対象外, None when no period covers the day.

        Reads the periods through ``rates.all()`` so that a prefetch serves a whole page.
        """
        if self.method == self.Method.EXCLUDED:
            return Decimal(0)
        for rate in self.rates.all():
            if rate.valid_from <= day and (rate.valid_to is None or day <= rate.valid_to):
                return rate.rate
        return None


@tracked
class TaxRate(models.Model):
    """税率情報: the rate of a 税区分 in a period. Rates change by law, so they are dated rows."""

    category = models.ForeignKey(
        TaxCategory, models.CASCADE, related_name="rates", verbose_name="税区分"
    )
    rate = models.DecimalField("税率（%）", max_digits=5, decimal_places=2)
    valid_from = models.DateField("有効期間（開始）")
    valid_to = models.DateField("有効期間（終了）", null=True, blank=True)

    class Meta:
        verbose_name = "税率情報"
        verbose_name_plural = "税率情報"
        ordering = ["category", "valid_from"]
        constraints = [
            models.CheckConstraint(
                condition=Q(rate__gte=0, rate__lte=100),
                name="tax_rate_between_0_and_100",
                violation_error_message="税率は 0 から 100 の間で入力してください。",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="tax_rate_period_in_order",
                violation_error_message="有効期間の終了は開始以降にしてください。",
            ),
            # The embedded PostgreSQL has no btree_gist; a one-point int8range compares ids instead.
            ExclusionConstraint(
                name="tax_rate_periods_do_not_overlap",
                expressions=[
                    (
                        Func(F("category_id"), F("category_id"), Value("[]"), function="int8range"),
                        RangeOperators.OVERLAPS,
                    ),
                    (
                        Func(F("valid_from"), F("valid_to"), Value("[]"), function="daterange"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message="同じ税区分の有効期間が重なっています。",
                # Several periods can be moved in one edit.
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rate.normalize():f}%"

    def clean(self) -> None:
        if self.category_id and self.category.method == TaxCategory.Method.EXCLUDED:
            raise ValidationError("税計算しない（対象外）の税区分に税率は登録できません。")
