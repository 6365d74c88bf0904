"""What the supplier told us about an order: documents, and the ledger made from them."""

import pgtrigger
from django.db import models
from django.db.models import Q

from .cancellation import CancelRequest
from .connection import CatalogConnection
from .order import OrderLine, PurchaseOrder


class SupplierDocument(models.Model):
    """A confirmation, ship notice or other document as it arrived. Orphans have no order."""

    class Kind(models.TextChoices):
        CONFIRMATION = "confirmation", "注文確認"
        SHIP_NOTICE = "ship_notice", "出荷通知"
        STATUS = "status", "状態通知"
        INVOICE = "invoice", "請求書"

    connection = models.ForeignKey(
        CatalogConnection, models.PROTECT, verbose_name="カタログ連携設定"
    )
    order = models.ForeignKey(
        PurchaseOrder,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="documents",
        verbose_name="発注",
    )
    kind = models.CharField("種類", max_length=15, choices=Kind)
    key = models.CharField(
        "番号", max_length=200, help_text="confirmID、shipmentID、invoiceID のいずれか"
    )
    order_number = models.CharField("発注番号", max_length=120, db_index=True, blank=True)
    payload_id = models.CharField("payloadID", max_length=255)
    operation = models.CharField("操作", max_length=20, default="new")
    dated = models.DateTimeField("文書の日時", null=True, blank=True)
    received_at = models.DateTimeField("受信日時", auto_now_add=True)
    raw = models.BinaryField("受信データ")
    sha256 = models.CharField("SHA-256", max_length=64)

    class Meta:
        verbose_name = "仕入先からの文書"
        verbose_name_plural = "仕入先からの文書"
        ordering = ["received_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "payload_id", "order_number"],
                name="supplier_document_once_per_order",
            )
        ]
        triggers = [
            pgtrigger.Protect(name="supplier_document_is_kept", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="supplier_document_is_fixed",
                fields=["connection", "kind", "key", "order_number", "payload_id", "raw", "sha256"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.key}"


class LedgerEntry(models.Model):
    """One quantity that a document states for an order line, or a person about a cancellation.

    Rebuilt from the documents in force, so any order and any repetition of them gives the same.
    """

    class Kind(models.TextChoices):
        CONFIRMED = "confirmed", "確認"
        BACKORDERED = "backordered", "入荷待ち"
        SHIPPED = "shipped", "出荷"
        INVOICED = "invoiced", "請求"
        CANCELLED = "cancelled", "キャンセル"
        RETURNED = "returned", "返品"

    order_line = models.ForeignKey(
        OrderLine, models.PROTECT, related_name="ledger", verbose_name="発注明細"
    )
    document = models.ForeignKey(
        SupplierDocument,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="ledger",
        verbose_name="文書",
    )
    cancel_request = models.OneToOneField(
        CancelRequest,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="ledger",
        verbose_name="キャンセル依頼",
    )
    kind = models.CharField("種類", max_length=12, choices=Kind)
    quantity = models.PositiveIntegerField("数量")
    unit_price = models.BigIntegerField("単価（税抜・円）", null=True, blank=True)
    tax = models.BigIntegerField("消費税（円）", null=True, blank=True)
    shipping = models.BigIntegerField("送料（税込・円）", null=True, blank=True)
    on = models.DateField("日付", null=True, blank=True)
    tracking = models.CharField("追跡番号", max_length=120, blank=True)
    carrier = models.CharField("配送業者", max_length=60, blank=True)

    class Meta:
        verbose_name = "数量の記録"
        verbose_name_plural = "数量の記録"
        ordering = ["order_line", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["order_line", "document", "kind"], name="ledger_entry_once"
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="ledger_entry_counts_some"),
            models.CheckConstraint(
                condition=Q(document__isnull=False) ^ Q(cancel_request__isnull=False),
                name="ledger_entry_has_one_source",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.quantity}"
