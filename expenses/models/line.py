"""明細: the lines of a slip."""

import pgtrigger
from django.db import models
from django.db.models import Q

from expenses.transitions import EDITABLE
from masters.history import tracked

from .voucher import Voucher


class Origin(models.TextChoices):
    """Where a line came from; it decides what is read-only."""

    MANUAL = "manual", "入力"
    CATALOGUE = "catalogue", "カタログ"
    PURCHASE = "purchase", "購入データ"
    CARD = "card", "カード"


_OPEN_STATUSES = ", ".join(f"'{status.value}'" for status in sorted(EDITABLE))

# Interpolates only the statuses above.
_SLIP_MUST_BE_OPEN = f"""
    SELECT v.status INTO slip_status FROM expenses_voucher v
     WHERE v.id = COALESCE(NEW.voucher_id, OLD.voucher_id);
    IF slip_status NOT IN ({_OPEN_STATUSES}) THEN
        RAISE EXCEPTION 'lines of a slip in status % are fixed', slip_status
              USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
"""  # noqa: S608

FIXED_ON_SUBMIT = ["voucher", "position", "origin", "date", "amount", "tax_amount", "tax_rate",
                   "quantity", "unit_price", "description", "payee", "payment_method"]  # fmt: skip
"""What nobody changes once the slip has left the applicant; 修正 may touch the rest."""


@tracked
class VoucherLine(models.Model):
    """明細. Copies the codes, names and rate of the masters it was made with."""

    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="lines", verbose_name="伝票")
    position = models.PositiveIntegerField("行")
    origin = models.CharField("由来", max_length=10, choices=Origin, default=Origin.MANUAL)
    date = models.DateField("利用日")
    description = models.CharField("内容", max_length=500)
    payee = models.CharField("支払先", max_length=120, blank=True)
    quantity = models.PositiveIntegerField("数量", null=True, blank=True)
    unit_price = models.BigIntegerField("単価（税抜・円）", null=True, blank=True)
    amount = models.BigIntegerField("金額（税込・円）")
    tax_amount = models.BigIntegerField("うち消費税（円）", default=0)
    tax_stated = models.BooleanField(
        "税額は販売者の記載どおり",
        default=False,
        help_text="販売者が示した税額は計算し直しません。",
    )
    tax_rate = models.DecimalField(
        "税率（%）", max_digits=5, decimal_places=2, null=True, blank=True
    )
    breakdown = models.ForeignKey(
        "masters.Breakdown", models.PROTECT, null=True, blank=True, verbose_name="内訳"
    )
    breakdown_code = models.CharField("内訳コード", max_length=15, blank=True)
    breakdown_name = models.CharField("内訳名", max_length=40, blank=True)
    account_code = models.CharField("勘定科目コード", max_length=15, blank=True)
    account_name = models.CharField("勘定科目名", max_length=20, blank=True)
    tax_category_name = models.CharField("税区分名", max_length=40, blank=True)
    payment_method = models.ForeignKey(
        "masters.PaymentMethod", models.PROTECT, null=True, blank=True, verbose_name="支払方法"
    )
    department = models.ForeignKey(
        "masters.Department", models.PROTECT, null=True, blank=True, verbose_name="負担部門"
    )
    project = models.ForeignKey(
        "masters.Project", models.PROTECT, null=True, blank=True, verbose_name="プロジェクト"
    )
    note = models.CharField("備考", max_length=200, blank=True)

    class Meta:
        verbose_name = "明細"
        verbose_name_plural = "明細"
        ordering = ["voucher", "position"]
        constraints = [
            # Deferred, so that lines can be renumbered in one statement each.
            models.UniqueConstraint(
                fields=["voucher", "position"],
                name="line_position_once",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(
                condition=Q(origin="purchase") | Q(amount__gt=0),
                name="line_amount_is_positive_unless_refund",
                violation_error_message="金額は 1 円以上で入力してください。",
            ),
            models.CheckConstraint(
                condition=Q(tax_rate__isnull=True) | Q(tax_rate__gte=0, tax_rate__lte=100),
                name="line_tax_rate_between_0_and_100",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="line_added_or_removed_only_while_open",
                operation=pgtrigger.Insert | pgtrigger.Delete,
                when=pgtrigger.Before,
                declare=[("slip_status", "text")],
                func=_SLIP_MUST_BE_OPEN,
            ),
            pgtrigger.Trigger(
                name="line_amounts_change_only_while_open",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                condition=pgtrigger.AnyChange(*FIXED_ON_SUBMIT),
                declare=[("slip_status", "text")],
                func=_SLIP_MUST_BE_OPEN,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.voucher_id}-{self.position} {self.description}"

    @property
    def is_manual(self) -> bool:
        """Whether everything on the line is the employee's own to write."""
        return self.origin == Origin.MANUAL

    @property
    def net_amount(self) -> int:
        """Amount without tax (円)."""
        return self.amount - self.tax_amount
