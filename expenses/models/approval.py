"""The route of one slip, fixed when it is submitted."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from masters.history import tracked

from .voucher import Voucher


@tracked
class ApprovalStep(models.Model):
    """承認ポイント of one submission: its people, where it stands, and who decided."""

    class State(models.TextChoices):
        WAITING = "waiting", "未到達"
        CURRENT = "current", "承認待ち"
        APPROVED = "approved", "承認"
        RETURNED = "returned", "差戻し"
        CLOSED = "closed", "取消"

    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="steps", verbose_name="伝票")
    round = models.PositiveSmallIntegerField("申請回数")
    position = models.PositiveSmallIntegerField("順番")
    name = models.CharField("承認ポイント", max_length=20)
    state = models.CharField("状態", max_length=10, choices=State, default=State.WAITING)
    candidates = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        through="ApprovalCandidate",
        related_name="approval_steps",
        verbose_name="承認者",
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="処理者",
    )
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="本人（代理承認のとき）",
    )
    decided_at = models.DateTimeField("処理日時", null=True, blank=True)
    comment = models.CharField("コメント", max_length=1000, blank=True)

    class Meta:
        verbose_name = "承認ポイント（伝票）"
        verbose_name_plural = "承認ポイント（伝票）"
        ordering = ["voucher", "round", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["voucher", "round", "position"], name="approval_step_once"
            ),
            models.UniqueConstraint(
                fields=["voucher"],
                condition=Q(state="current"),
                name="one_current_approval_step_per_voucher",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "returned"])
                | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="approval_step_decision_has_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.voucher_id} {self.position}. {self.name}"


class ApprovalCandidate(models.Model):
    """One person who may decide a step."""

    step = models.ForeignKey(ApprovalStep, models.PROTECT, related_name="people")
    employee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="candidacies"
    )

    class Meta:
        verbose_name = "承認者"
        verbose_name_plural = "承認者"
        constraints = [
            models.UniqueConstraint(fields=["step", "employee"], name="approval_candidate_once")
        ]

    def __str__(self) -> str:
        return str(self.employee)
