"""承認フロー: who has to approve what."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from masters.history import tracked

from .voucher import Kind


@tracked
class ApprovalFlow(models.Model):
    """承認フロー: the standard route of a kind of slip."""

    kind = models.CharField("種別", max_length=12, choices=Kind)
    name = models.CharField("名称", max_length=40)
    is_active = models.BooleanField("有効", default=True)

    class Meta:
        verbose_name = "承認フロー"
        verbose_name_plural = "承認フロー"
        ordering = ["kind", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(is_active=True),
                name="one_active_approval_flow_per_kind",
                violation_error_message="この種別には有効な承認フローがすでにあります。",
            )
        ]

    def __str__(self) -> str:
        return self.name


@tracked
class ApprovalPoint(models.Model):
    """承認ポイント: one box of the route, and how its people are found."""

    class Approver(models.TextChoices):
        EMPLOYEE = "employee", "社員"
        POSITION = "position", "申請部門の系列の役職"
        DEPARTMENT = "department", "部門（承認の権限を持つ誰か一人）"

    flow = models.ForeignKey(
        ApprovalFlow, models.CASCADE, related_name="points", verbose_name="承認フロー"
    )
    position_no = models.PositiveSmallIntegerField("順番")
    name = models.CharField("名称", max_length=20)
    approver = models.CharField("承認者の決め方", max_length=12, choices=Approver)
    employee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, verbose_name="社員"
    )
    position = models.ForeignKey(
        "masters.Position", models.PROTECT, null=True, blank=True, verbose_name="役職"
    )
    department = models.ForeignKey(
        "masters.Department", models.PROTECT, null=True, blank=True, verbose_name="部門"
    )

    class Meta:
        verbose_name = "承認ポイント"
        verbose_name_plural = "承認ポイント"
        ordering = ["flow", "position_no"]
        constraints = [
            models.UniqueConstraint(
                fields=["flow", "position_no"],
                name="approval_point_order_once",
                violation_error_message="同じ順番の承認ポイントがあります。",
            ),
            models.CheckConstraint(
                condition=Q(approver="employee", employee__isnull=False)
                | Q(approver="position", position__isnull=False)
                | Q(approver="department", department__isnull=False),
                name="approval_point_names_its_approver",
                violation_error_message="選んだ決め方に合わせて、社員・役職・部門のどれかを指定してください。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position_no}. {self.name}"
