"""キャンセル依頼: asked for here, done at the supplier, concluded by its data or by a person."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from .order import OrderLine


class CancelRequestQuerySet(models.QuerySet):
    """Reads of cancel requests."""

    def waiting(self):
        """Those nobody knows the end of yet, oldest first."""
        return self.filter(state=CancelRequest.State.REQUESTED).order_by("requested_at", "pk")


class CancelRequest(models.Model):
    """A wish to have so many units of an order line cancelled (DOMAIN §6.12).

    Cancelling here stops nothing at the supplier: somebody does it there. ``target`` is the number
    of cancelled units of the line at which the wish is fulfilled.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", "キャンセル依頼中"
        DONE = "done", "キャンセル済"
        FAILED = "failed", "キャンセル失敗"

    order_line = models.ForeignKey(
        OrderLine, models.PROTECT, related_name="cancel_requests", verbose_name="発注明細"
    )
    quantity = models.PositiveIntegerField("数量")
    target = models.PositiveIntegerField("キャンセル数の目標")
    reason = models.CharField("理由", max_length=500)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="依頼者"
    )
    requested_at = models.DateTimeField("依頼日時", default=timezone.now)
    state = models.CharField("状態", max_length=10, choices=State, default=State.REQUESTED)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="結果を入れた人",
        help_text="空欄は相手先のデータによる",
    )
    closed_at = models.DateTimeField("結果の日時", null=True, blank=True)
    outcome = models.CharField("結果", max_length=500, blank=True)

    objects = CancelRequestQuerySet.as_manager()

    class Meta:
        verbose_name = "キャンセル依頼"
        verbose_name_plural = "キャンセル依頼"
        ordering = ["requested_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["order_line"],
                condition=Q(state="requested"),
                name="one_open_cancel_request_per_line",
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="cancel_request_asks_some"),
            models.CheckConstraint(
                condition=Q(target__gte=F("quantity")), name="cancel_target_covers_the_request"
            ),
            models.CheckConstraint(
                condition=Q(state="requested") | Q(closed_at__isnull=False),
                name="closed_cancel_request_has_its_time",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="cancel_request_is_closed_once",
                field="state",
                transitions=[("requested", "done"), ("requested", "failed")],
            ),
            pgtrigger.ReadOnly(
                name="cancel_request_is_fixed",
                fields=["order_line", "quantity", "target", "reason", "requested_by",
                        "requested_at"],
            ),
            pgtrigger.Protect(name="cancel_request_is_kept", operation=pgtrigger.Delete),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.order_line} × {self.quantity}"
