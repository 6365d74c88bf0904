"""発注: the order row is the outbox."""

import datetime

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from expenses.models import Voucher, VoucherLine
from masters.history import tracked_without
from punchout.order_states import LIVE, OrderState, state_changes

from .connection import CatalogConnection

CLAIM_EXPIRES_AFTER = datetime.timedelta(seconds=5 * settings.ORDER_POST_SECONDS)
"""A claim older than this belongs to a dead worker: far beyond the deadline of one post."""


class PurchaseOrderQuerySet(models.QuerySet):
    """Reads of orders."""

    def due(self, now: datetime.datetime | None = None):
        """Orders waiting to be sent whose time has come, oldest first."""
        return self.filter(state=OrderState.PENDING, due_at__lte=now or timezone.now()).order_by(
            "due_at", "pk"
        )

    def abandoned(self, now: datetime.datetime | None = None):
        """Orders claimed by a worker that must be dead by now."""
        return self.filter(
            state=OrderState.SENDING,
            claimed_at__lt=(now or timezone.now()) - CLAIM_EXPIRES_AFTER,
        )

    def needing_person(self):
        """Orders about which somebody has to decide or to know something, oldest first."""
        return self.exclude(needs_person="").order_by("created_at", "pk")

    def live(self):
        """Orders that are or may be at the supplier, or on their way."""
        return self.filter(state__in=LIVE)


FROZEN = [
    "replaces",
    "voucher",
    "connection",
    "number",
    "payload_id",
    "timestamp",
    "mode",
    "shopper_email",
    "document",
    "sha256",
    "total",
]


# The document is frozen: copying it into every history row would only cost.
@tracked_without("document")
class PurchaseOrder(models.Model):
    """One order to a supplier. Its document is frozen when it is made, without the shared secret.

    Payload id, timestamp and document never change (trigger), so every try sends the same message.
    """

    class Failure(models.TextChoices):
        REJECTED = "rejected", "拒否"
        UNDELIVERABLE = "undeliverable", "不達"

    voucher = models.ForeignKey(
        Voucher, models.PROTECT, related_name="purchase_orders", verbose_name="経費申請"
    )
    connection = models.ForeignKey(
        CatalogConnection,
        models.PROTECT,
        related_name="orders",
        verbose_name="カタログ連携設定",
    )
    number = models.CharField("発注番号", max_length=40, unique=True)
    state = models.CharField(
        "発注状態", max_length=10, choices=OrderState, default=OrderState.PENDING
    )
    payload_id = models.CharField("payloadID", max_length=120, unique=True)
    timestamp = models.DateTimeField("文書の日時")
    mode = models.CharField("接続", max_length=12, choices=CatalogConnection.Mode)
    shopper_email = models.EmailField("買い物をした人の E-MAIL")
    document = models.BinaryField("注文文書（パスワードなし）")
    sha256 = models.CharField("SHA-256", max_length=64)
    total = models.BigIntegerField("合計（税込・円）")
    due_at = models.DateTimeField("次に送る日時", default=timezone.now)
    tries = models.PositiveSmallIntegerField("送信回数", default=0)
    tries_before = models.PositiveSmallIntegerField(
        "再送を決めるまでの送信回数", default=0, help_text="再送のたびに試行を数え直します。"
    )
    claimed_at = models.DateTimeField("送信開始", null=True, blank=True)
    ordered_at = models.DateTimeField("発注日時", null=True, blank=True)
    failure = models.CharField("エラー種別", max_length=15, choices=Failure, blank=True)
    reason = models.CharField("説明", max_length=500, blank=True)
    needs_person = models.CharField("人の確認が必要な理由", max_length=500, blank=True)
    needs_person_since = models.DateTimeField("確認が必要になった日時", null=True, blank=True)
    replaces = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="replaced_by",
        verbose_name="元の発注",
        help_text="再発注のとき、置き換えた発注",
    )
    real_total = models.BigIntegerField("確認された合計（税込・円）", null=True, blank=True)
    difference = models.CharField("承認との差異", max_length=500, blank=True)
    created_at = models.DateTimeField("作成日時", auto_now_add=True)

    objects = PurchaseOrderQuerySet.as_manager()

    class Meta:
        verbose_name = "発注"
        verbose_name_plural = "発注"
        ordering = ["-created_at", "-pk"]
        permissions = [("handle_orders", "発注の確認・再発注")]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(state=OrderState.PENDING), name="order_due"
            ),
            models.Index(
                fields=["claimed_at"], condition=Q(state=OrderState.SENDING), name="order_claimed"
            ),
            models.Index(
                fields=["created_at"], condition=~Q(needs_person=""), name="order_needs_person"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["voucher"],
                condition=Q(state__in=LIVE),
                name="one_live_order_per_request",
            ),
            models.CheckConstraint(
                condition=Q(state__in=OrderState.values), name="order_state_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(state=OrderState.FAILED) | ~Q(failure=""),
                name="failed_order_has_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(needs_person="") ^ Q(needs_person_since__isnull=False),
                name="flagged_order_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=OrderState.SENDING) | Q(claimed_at__isnull=False),
                name="sending_order_has_its_claim",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="order_state_moves_by_the_table",
                field="state",
                transitions=state_changes(),
            ),
            pgtrigger.ReadOnly(name="order_document_is_frozen", fields=FROZEN),
            pgtrigger.Protect(
                name="order_starts_pending",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state="pending"),
            ),
            pgtrigger.Protect(name="order_is_never_erased", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.number

    def flag(self, *texts: str) -> None:
        """Add what a person has to look at; nothing twice. Does not save."""
        new = [text for text in texts if text and text not in self.needs_person]
        if new:
            self.needs_person = "\n".join(filter(None, [self.needs_person, *new]))[:500]
            self.needs_person_since = self.needs_person_since or timezone.now()

    def unflag(self) -> None:
        """A person has looked, or the question is answered. Does not save."""
        self.needs_person = ""
        self.needs_person_since = None

    @property
    def tries_this_time(self) -> int:
        """Tries since it was made, or since a person let it be sent again."""
        return self.tries - self.tries_before


class OrderAttempt(models.Model):
    """One try to send an order: when, how long, and what came of it."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", "受理"
        REJECTED = "rejected", "拒否"
        NOT_DELIVERED = "not_delivered", "届かず"
        UNKNOWN = "unknown", "不明"

    order = models.ForeignKey(
        PurchaseOrder, models.PROTECT, related_name="attempts", verbose_name="発注"
    )
    number = models.PositiveSmallIntegerField("回")
    started_at = models.DateTimeField("開始", default=timezone.now)
    duration_ms = models.PositiveIntegerField("所要時間（ミリ秒）", null=True, blank=True)
    outcome = models.CharField("結果", max_length=15, choices=Outcome, blank=True)
    http_status = models.PositiveSmallIntegerField("HTTP", null=True, blank=True)
    status_code = models.PositiveSmallIntegerField("cXML", null=True, blank=True)
    text = models.CharField("返答", max_length=500, blank=True)

    class Meta:
        verbose_name = "送信"
        verbose_name_plural = "送信"
        ordering = ["order", "number"]
        constraints = [
            models.UniqueConstraint(fields=["order", "number"], name="order_attempt_once")
        ]

    def __str__(self) -> str:
        return f"{self.order_id}-{self.number}"


class OrderLine(models.Model):
    """What was ordered, and what has come of it: counters that equal the sums of the ledger."""

    order = models.ForeignKey(
        PurchaseOrder, models.PROTECT, related_name="lines", verbose_name="発注"
    )
    line_number = models.PositiveIntegerField("行")
    voucher_line = models.ForeignKey(
        VoucherLine, models.PROTECT, related_name="order_lines", verbose_name="明細"
    )
    part_id = models.CharField("商品番号", max_length=120)
    description = models.CharField("商品名", max_length=500)
    quantity = models.PositiveIntegerField("発注数")
    unit_price = models.BigIntegerField("単価（税抜・円）")
    amount = models.BigIntegerField("承認金額（税込・円）")
    confirmed = models.PositiveIntegerField("確認", default=0)
    backordered = models.PositiveIntegerField("入荷待ち", default=0)
    shipped = models.PositiveIntegerField("出荷", default=0)
    invoiced = models.PositiveIntegerField("請求", default=0)
    cancelled = models.PositiveIntegerField("キャンセル", default=0)
    returned = models.PositiveIntegerField("返品", default=0)
    real_unit_price = models.BigIntegerField("実際の単価（税抜・円）", null=True, blank=True)
    real_tax = models.BigIntegerField("実際の消費税（円）", null=True, blank=True)
    contradiction = models.CharField("数量の矛盾", max_length=200, blank=True)
    difference = models.CharField("承認との差異", max_length=200, blank=True)

    class Meta:
        verbose_name = "発注明細"
        verbose_name_plural = "発注明細"
        ordering = ["order", "line_number"]
        constraints = [
            models.UniqueConstraint(fields=["order", "line_number"], name="order_line_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="order_line_orders_some"),
        ]

    def __str__(self) -> str:
        return f"{self.line_number}. {self.description}"

    @property
    def state_label(self) -> str:
        """Where the line stands, in the words of DOMAIN §6.7."""
        if self.returned:
            return "返品"
        if self.cancelled >= self.quantity:
            return "キャンセル"
        if self.shipped >= self.quantity - self.cancelled:
            return "出荷済"
        if self.shipped:
            return "一部出荷"
        if self.backordered:
            return "入荷待ち"
        if self.confirmed:
            return "確認済"
        return "未確認"
