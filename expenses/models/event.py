"""What happened to a slip, as people read it."""

import pgtrigger
from django.conf import settings
from django.db import models

from .voucher import Voucher


class VoucherEvent(models.Model):
    """One thing that happened: what, who, when, and the comment. Never changed, never erased."""

    class Tone(models.TextChoices):
        PLAIN = "plain", "通常"
        GOOD = "good", "完了"
        ATTENTION = "attention", "要対応"
        WRONG = "wrong", "エラー"

    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="events", verbose_name="伝票")
    action = models.CharField("できごと", max_length=40)
    label = models.CharField("表示", max_length=120)
    tone = models.CharField("重要度", max_length=10, choices=Tone, default=Tone.PLAIN)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="実行者",
        help_text="空欄はシステム",
    )
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="本人（代理のとき）",
    )
    at = models.DateTimeField("日時", auto_now_add=True)
    comment = models.CharField("コメント", max_length=1000, blank=True)
    changes = models.JSONField("変更内容", default=list, blank=True)

    class Meta:
        verbose_name = "伝票の履歴"
        verbose_name_plural = "伝票の履歴"
        ordering = ["at", "pk"]
        triggers = [
            pgtrigger.Protect(
                name="voucher_event_is_append_only",
                operation=pgtrigger.Update | pgtrigger.Delete,
            )
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y/%m/%d %H:%M} {self.label}"
