"""お知らせ: what a person is told, on the page and by mail. The row is the outbox."""

import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .voucher import Voucher

MAIL_TRIES = 6


class NoticeQuerySet(models.QuerySet):
    """Reads of notices."""

    def unread(self, person):
        """What a person has not seen yet."""
        return self.filter(to=person, read_at__isnull=True)

    def to_mail(self, now: datetime.datetime | None = None):
        """Notices whose mail is due: a person who is active and has an address."""
        due = self.filter(
            mailed_at__isnull=True,
            mail_tries__lt=MAIL_TRIES,
            mail_due_at__lte=now or timezone.now(),
            to__is_active=True,
        )
        return due.exclude(to__email="").order_by("mail_due_at", "pk")


class Notice(models.Model):
    """One thing one person is told."""

    class Kind(models.TextChoices):
        APPROVAL = "approval", "承認"
        RESULT = "result", "申請の結果"
        ORDER = "order", "発注の確認"
        DIFFERENCE = "difference", "承認との差異"
        CANCEL = "cancel", "キャンセル"

    to = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="notices", verbose_name="宛先"
    )
    kind = models.CharField("種類", max_length=12, choices=Kind)
    title = models.CharField("件名", max_length=120)
    body = models.CharField("本文", max_length=1000, blank=True)
    voucher = models.ForeignKey(
        Voucher, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="伝票"
    )
    path = models.CharField("リンク", max_length=200, blank=True)
    created_at = models.DateTimeField("日時", auto_now_add=True)
    read_at = models.DateTimeField("既読", null=True, blank=True)
    mailed_at = models.DateTimeField("メール送信", null=True, blank=True)
    mail_tries = models.PositiveSmallIntegerField("メールの試行", default=0)
    mail_due_at = models.DateTimeField("次の試行", default=timezone.now)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = "お知らせ"
        verbose_name_plural = "お知らせ"
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["to", "-created_at"], name="notice_of_person"),
            models.Index(
                fields=["mail_due_at"], condition=Q(mailed_at__isnull=True), name="notice_to_mail"
            ),
        ]

    def __str__(self) -> str:
        return self.title
