"""通信記録: every message in or out, redacted."""

import pgtrigger
from django.db import models
from django.db.models import F
from django.utils import timezone

from .connection import CatalogConnection


class Exchange(models.Model):
    """One message and its answer. Bodies are redacted before they are written here."""

    class Direction(models.TextChoices):
        OUT = "out", "送信"
        IN = "in", "受信"

    connection = models.ForeignKey(
        CatalogConnection, models.PROTECT, null=True, blank=True, verbose_name="カタログ連携設定"
    )
    direction = models.CharField("方向", max_length=3, choices=Direction)
    message = models.CharField("電文", max_length=40)
    voucher = models.ForeignKey(
        "expenses.Voucher",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="伝票",
    )
    order_number = models.CharField("発注番号", max_length=40, blank=True, db_index=True)
    at = models.DateTimeField("日時", auto_now_add=True, db_index=True)
    duration_ms = models.PositiveIntegerField("所要時間（ミリ秒）", default=0)
    http_status = models.PositiveSmallIntegerField("HTTP", null=True, blank=True)
    status_code = models.PositiveSmallIntegerField("cXML", null=True, blank=True)
    accepted = models.BooleanField("受理", default=True)
    reason = models.CharField("結果", max_length=500, blank=True)
    request = models.TextField("送ったもの・届いたもの", blank=True)
    response = models.TextField("返ってきたもの・返したもの", blank=True)

    class Meta:
        verbose_name = "通信記録"
        verbose_name_plural = "通信記録"
        ordering = ["-at", "-pk"]
        triggers = [
            pgtrigger.Protect(
                name="exchange_is_append_only",
                operation=pgtrigger.Update | pgtrigger.Delete,
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_direction_display()} {self.message}"


class StrayMessage(models.Model):
    """身元不明の受信: posts with an unknown token or cookie, counted by the day, no body kept."""

    message = models.CharField("電文", max_length=40)
    day = models.DateField("日")
    count = models.PositiveIntegerField("件数", default=0)
    last_at = models.DateTimeField("最後の受信", null=True)
    last_reason = models.CharField("最後の理由", max_length=500, blank=True)

    class Meta:
        verbose_name = "身元不明の受信"
        verbose_name_plural = "身元不明の受信"
        ordering = ["-day", "message"]
        constraints = [
            models.UniqueConstraint(fields=["message", "day"], name="stray_counted_once")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.message}"

    @classmethod
    def note(cls, message: str, reason: str) -> None:
        """Count one more of today."""
        now = timezone.now()
        row, _new = cls.objects.get_or_create(message=message, day=timezone.localdate(now))
        cls.objects.filter(pk=row.pk).update(
            count=F("count") + 1, last_at=now, last_reason=reason[:500]
        )
