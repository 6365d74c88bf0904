"""勘定科目, 内訳, プロジェクト and 支払方法."""

import datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, OuterRef, Q, Subquery, Value, When

from masters.history import tracked

from .base import Master, MasterQuerySet, half_width_code
from .tax import TaxCategory, TaxRate


@tracked
class Account(Master):
    """勘定科目."""

    name = models.CharField("名称", max_length=20)

    class Meta(Master.Meta):
        verbose_name = "勘定科目"
        verbose_name_plural = "勘定科目マスタ"


@tracked
class SubAccount(models.Model):
    """補助科目 under a 勘定科目."""

    account = models.ForeignKey(
        Account, models.PROTECT, related_name="sub_accounts", verbose_name="勘定科目"
    )
    code = models.CharField("コード", max_length=15, validators=[half_width_code])
    name = models.CharField("名称", max_length=20)
    is_active = models.BooleanField("有効", default=True)

    class Meta:
        verbose_name = "補助科目"
        verbose_name_plural = "補助科目マスタ"
        ordering = ["account", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "code"],
                name="sub_account_code_unique_in_account",
                violation_error_message="この勘定科目には同じコードの補助科目があります。",
            )
        ]

    def __str__(self) -> str:
        return self.name


class BreakdownQuerySet(MasterQuerySet):
    """Reads of 内訳."""

    def for_expenses(self):
        """Those that 経費申請 and 経費精算 may use: active, with 機能「経費」 ticked."""
        return self.active().filter(use_expense=True)

    def with_rate_on(self, day: datetime.date):
        """Annotate ``rate`` (%): that of the 税区分 on ``day``; 0 for 対象外, NULL if none."""
        dated = TaxRate.objects.filter(
            Q(valid_to__isnull=True) | Q(valid_to__gte=day),
            category=OuterRef("tax_category"),
            valid_from__lte=day,
        )
        outside = When(tax_category__method=TaxCategory.Method.EXCLUDED, then=Value(Decimal(0)))
        return self.annotate(rate=Case(outside, default=Subquery(dated.values("rate")[:1])))


@tracked
class Breakdown(Master):
    """内訳: what an employee chooses for a line; it brings 勘定科目, 補助科目 and 税区分."""

    account = models.ForeignKey(Account, models.PROTECT, verbose_name="勘定科目")
    sub_account = models.ForeignKey(
        SubAccount, models.PROTECT, null=True, blank=True, verbose_name="補助科目"
    )
    tax_category = models.ForeignKey(TaxCategory, models.PROTECT, verbose_name="税区分")
    use_expense = models.BooleanField(
        "経費",
        default=True,
        help_text="カタログ連携の内訳には、使用範囲の機能「経費」が必要です。",
    )
    use_transport = models.BooleanField("交通費", default=False)
    use_trip = models.BooleanField("出張", default=False)
    use_entertainment = models.BooleanField("交際費", default=False)
    use_payment = models.BooleanField("支払依頼", default=False)

    objects = BreakdownQuerySet.as_manager()

    class Meta(Master.Meta):
        verbose_name = "内訳"
        verbose_name_plural = "内訳マスタ"

    def clean(self) -> None:
        if self.sub_account is not None and self.sub_account.account_id != self.account_id:
            raise ValidationError({"sub_account": "選んだ勘定科目の補助科目ではありません。"})

    def rate_on(self, day: datetime.date) -> Decimal | None:
        """The rate (%) of its 税区分 on ``day``."""
        return self.tax_category.rate_on(day)


@tracked
class Project(Master):
    """プロジェクト, with the person who approves for it."""

    approver = models.ForeignKey(
        "masters.Employee", models.PROTECT, null=True, blank=True, verbose_name="承認者"
    )

    class Meta(Master.Meta):
        verbose_name = "プロジェクト"
        verbose_name_plural = "プロジェクトマスタ"


@tracked
class PaymentMethod(Master):
    """支払方法: who paid. What the company paid is never paid to the employee."""

    class Payer(models.TextChoices):
        EMPLOYEE = "employee", "従業員の立替（通常支払）"
        COMPANY = "company", "会社払い"

    payer = models.CharField("支払者", max_length=10, choices=Payer, default=Payer.EMPLOYEE)

    class Meta(Master.Meta):
        verbose_name = "支払方法"
        verbose_name_plural = "支払方法マスタ"
