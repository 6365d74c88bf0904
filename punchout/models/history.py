"""購入履歴: rows as received, and the facts they tell of."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, Value, When

from expenses.models import VoucherLine
from expenses.transitions import Status
from masters.history import tracked

from .connection import CatalogConnection
from .order import OrderLine, PurchaseOrder


class HistoryImport(models.Model):
    """One pull of the Reporting API or one file, and what became of its rows."""

    class Source(models.TextChoices):
        API = "api", "購入履歴 API"
        CSV = "csv", "レポート CSV"

    connection = models.ForeignKey(
        CatalogConnection, models.PROTECT, verbose_name="カタログ連携設定"
    )
    source = models.CharField("取込元", max_length=4, choices=Source)
    name = models.CharField("ファイル名", max_length=200, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="取込者",
    )
    at = models.DateTimeField("取込日時", auto_now_add=True)
    rows = models.PositiveIntegerField("行数", default=0)
    added = models.PositiveIntegerField("新規", default=0)
    matched = models.PositiveIntegerField("既知", default=0)
    bad = models.PositiveIntegerField("エラー", default=0)
    ambiguous = models.PositiveIntegerField("要確認", default=0)

    class Meta:
        verbose_name = "購入履歴の取込"
        verbose_name_plural = "購入履歴の取込"
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.at:%Y/%m/%d %H:%M} {self.get_source_display()}"


class PurchaseRecordQuerySet(models.QuerySet):
    """Reads of purchase records. Their state is that of the settlement they stand on."""

    def with_state(self):
        """Annotate ``state``: 未精算, 精算中, 精算済 or 対象外."""
        portions = PurchasePortion.objects.filter(record=OuterRef("pk"), released=False)
        settled = portions.filter(line__voucher__status=Status.APPROVED)
        return self.annotate(
            state=Case(
                When(is_excluded=True, then=Value("対象外")),
                When(Exists(settled), then=Value("精算済")),
                When(Exists(portions), then=Value("精算中")),
                default=Value("未精算"),
                output_field=models.CharField(),
            )
        )

    def unsettled(self):
        """Facts that a settlement may still take: not taken, not excluded."""
        taken = PurchasePortion.objects.filter(record=OuterRef("pk"), released=False)
        return self.filter(~Exists(taken), is_excluded=False)

    def for_request(self, voucher):
        """Facts about the orders of one 経費申請."""
        return self.filter(order__voucher=voucher)


@tracked
class PurchaseRecord(models.Model):
    """購入履歴: one fact, however often it was reported. Refunds are negative.

    Only what was shipped or charged is a fact; rows about goods not yet shipped stay source rows.
    """

    connection = models.ForeignKey(
        CatalogConnection, models.PROTECT, verbose_name="カタログ連携設定"
    )
    order = models.ForeignKey(
        PurchaseOrder,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="records",
        verbose_name="発注",
    )
    order_line = models.ForeignKey(
        OrderLine,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="records",
        verbose_name="発注明細",
    )
    supplier_order = models.CharField("注文番号", max_length=60, db_index=True)
    purchase_order_number = models.CharField("発注番号", max_length=60, blank=True)
    strong_id = models.CharField(
        "固有番号", max_length=200, blank=True, help_text="注文明細・出荷・取引の番号"
    )
    part_id = models.CharField("商品番号", max_length=120, blank=True)
    title = models.CharField("商品名", max_length=500)
    seller = models.CharField("出品者", max_length=120, blank=True)
    registration_number = models.CharField("登録番号", max_length=14, blank=True)
    ordered_on = models.DateField("注文日", null=True, blank=True)
    shipped_on = models.DateField("出荷日", null=True, blank=True)
    charged_on = models.DateField("支払い確定日", null=True, blank=True)
    shipment_id = models.CharField("出荷番号", max_length=120, blank=True)
    tracking = models.CharField("追跡番号", max_length=120, blank=True)
    quantity = models.IntegerField("数量")
    amount = models.BigIntegerField("金額（税込・円）")
    tax = models.BigIntegerField("うち消費税（円）", null=True, blank=True)
    rate = models.DecimalField("税率（%）", max_digits=5, decimal_places=2, null=True, blank=True)
    is_shipping_charge = models.BooleanField("送料・手数料", default=False)
    is_excluded = models.BooleanField("対象外", default=False)
    received_at = models.DateTimeField("受信日時", auto_now_add=True)

    state: str
    """未精算, 精算中, 精算済 or 対象外; annotated by ``with_state()``."""

    objects = PurchaseRecordQuerySet.as_manager()

    class Meta:
        verbose_name = "購入履歴"
        verbose_name_plural = "購入履歴"
        ordering = ["supplier_order", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "strong_id"],
                condition=~Q(strong_id=""),
                name="purchase_record_strong_id_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.supplier_order} {self.title[:20]}"

    @property
    def dated(self):
        """The date of the supply that counts for tax: shipping, else charging, else order."""
        return self.shipped_on or self.charged_on or self.ordered_on


class SourceRowQuerySet(models.QuerySet):
    """Reads of rows."""

    def undecided(self):
        """要確認 rows that nobody has decided about, each once, however often it was reported."""
        decided = RowDecision.objects.filter(
            connection=OuterRef("history_import__connection"), sha256=OuterRef("sha256")
        )
        first = (
            self.filter(outcome=SourceRow.Outcome.AMBIGUOUS)
            .order_by("history_import__connection", "sha256", "pk")
            .distinct("history_import__connection", "sha256")
        )
        return self.filter(~Exists(decided), pk__in=first.values("pk")).order_by("pk")


class SourceRow(models.Model):
    """A row exactly as received: 電子取引 data. Never changed, never erased."""

    class Outcome(models.TextChoices):
        ADDED = "added", "新規"
        MATCHED = "matched", "既知"
        BAD = "bad", "エラー"
        AMBIGUOUS = "ambiguous", "要確認"
        NOT_YET = "not_yet", "未出荷"

    history_import = models.ForeignKey(
        HistoryImport, models.PROTECT, related_name="source_rows", verbose_name="取込"
    )
    number = models.PositiveIntegerField("行番号")
    raw = models.JSONField("受信データ")
    sha256 = models.CharField("SHA-256", max_length=64)
    outcome = models.CharField("結果", max_length=10, choices=Outcome)
    reason = models.CharField("理由", max_length=300, blank=True)
    record = models.ForeignKey(
        PurchaseRecord,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="sources",
        verbose_name="購入履歴",
    )

    objects = SourceRowQuerySet.as_manager()

    class Meta:
        verbose_name = "購入履歴の行"
        verbose_name_plural = "購入履歴の行"
        ordering = ["history_import", "number"]
        constraints = [
            models.UniqueConstraint(fields=["history_import", "number"], name="source_row_once")
        ]
        triggers = [
            pgtrigger.Protect(
                name="source_row_is_append_only",
                operation=pgtrigger.Update | pgtrigger.Delete,
            )
        ]

    def __str__(self) -> str:
        return f"{self.history_import_id}-{self.number}"


class RowDecision(models.Model):
    """What a person decided about a 要確認 row, for this and every later report of the same row."""

    class Verdict(models.TextChoices):
        SEPARATE = "separate", "別の購入として取り込む"
        KNOWN = "known", "取り込まない（既知の購入）"

    connection = models.ForeignKey(
        CatalogConnection, models.PROTECT, verbose_name="カタログ連携設定"
    )
    sha256 = models.CharField("SHA-256", max_length=64)
    row = models.OneToOneField(
        SourceRow, models.PROTECT, related_name="decision", verbose_name="購入履歴の行"
    )
    verdict = models.CharField("判断", max_length=10, choices=Verdict)
    reason = models.CharField("理由", max_length=500)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="判断した人"
    )
    at = models.DateTimeField("日時", auto_now_add=True)

    class Meta:
        verbose_name = "購入履歴の判断"
        verbose_name_plural = "購入履歴の判断"
        constraints = [
            models.UniqueConstraint(fields=["connection", "sha256"], name="row_decided_once")
        ]
        triggers = [
            pgtrigger.Protect(
                name="row_decision_is_append_only",
                operation=pgtrigger.Update | pgtrigger.Delete,
            )
        ]

    def __str__(self) -> str:
        return self.get_verdict_display()


class PurchasePortion(models.Model):
    """The tie between a purchase record and the settlement line made from it.

    A record stands on one living line at most; ``released`` when the slip was deleted or denied.
    """

    record = models.ForeignKey(
        PurchaseRecord, models.PROTECT, related_name="portions", verbose_name="購入履歴"
    )
    line = models.OneToOneField(
        VoucherLine, models.CASCADE, related_name="purchase_portion", verbose_name="明細"
    )
    released = models.BooleanField("解放", default=False)

    class Meta:
        verbose_name = "精算への割当"
        verbose_name_plural = "精算への割当"
        constraints = [
            models.UniqueConstraint(
                fields=["record"],
                condition=Q(released=False),
                name="purchase_record_settled_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.record_id} → {self.line_id}"
