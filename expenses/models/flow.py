"""承認フロー: who has to approve what."""

from collections.abc import Collection

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from masters.history import tracked

from .voucher import Kind


@tracked
class ApprovalFlow(models.Model):
    """承認フロー: a standard route, and rows of conditions that lead to other routes.

    The default flow of a kind holds for everybody who has no assignment of their own.
    """

    kind = models.CharField("種別", max_length=12, choices=Kind)
    name = models.CharField("名称", max_length=40)
    is_default = models.BooleanField(
        "既定",
        default=True,
        help_text="割り当てのない社員は、この種別の既定の承認フローで申請します。",
    )
    is_active = models.BooleanField("有効", default=True)

    class Meta:
        verbose_name = "承認フロー"
        verbose_name_plural = "承認フロー"
        ordering = ["kind", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(is_active=True, is_default=True),
                name="one_default_approval_flow_per_kind",
                violation_error_message="この種別には有効な既定の承認フローがすでにあります。",
            )
        ]

    def __str__(self) -> str:
        return self.name


@tracked
class FlowAssignment(models.Model):
    """割り当て: the flow that one employee's slips of a kind follow instead of the default."""

    employee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="flow_assignments",
        verbose_name="社員",
    )
    kind = models.CharField("種別", max_length=12, choices=Kind, editable=False)
    flow = models.ForeignKey(
        ApprovalFlow, models.CASCADE, related_name="assignments", verbose_name="承認フロー"
    )

    class Meta:
        verbose_name = "承認フローの割り当て"
        verbose_name_plural = "承認フローの割り当て"
        ordering = ["employee", "kind"]
        constraints = [
            models.UniqueConstraint(
                fields=["employee", "kind"],
                name="one_approval_flow_per_employee_and_kind",
                violation_error_message="この社員には、同じ種別の承認フローが割り当て済みです。",
            )
        ]

    def __str__(self) -> str:
        return f"{self.employee} → {self.flow}"

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        # Set before the constraints are checked: the kind is always that of the flow.
        if self.flow_id:
            self.kind = self.flow.kind
        super().clean_fields(exclude=exclude)

    def clean(self) -> None:
        # The form leaves ``kind`` out, and with it the check of the constraint.
        others = FlowAssignment.objects.exclude(pk=self.pk)
        if self.employee_id and others.filter(employee=self.employee_id, kind=self.kind).exists():
            raise ValidationError(
                {"employee": "この社員には、同じ種別の承認フローが割り当て済みです。"}
            )


@tracked
class ApprovalCondition(models.Model):
    """条件行: judged from the top on amount and 勘定科目; the first that holds decides."""

    flow = models.ForeignKey(
        ApprovalFlow, models.CASCADE, related_name="conditions", verbose_name="承認フロー"
    )
    position_no = models.PositiveSmallIntegerField("順番")
    name = models.CharField("名称", max_length=20)
    amount_from = models.PositiveBigIntegerField(
        "金額（以上）", null=True, blank=True, help_text="税込、円"
    )
    amount_to = models.PositiveBigIntegerField(
        "金額（以下）", null=True, blank=True, help_text="税込、円"
    )
    accounts = models.ManyToManyField(
        "masters.Account",
        blank=True,
        verbose_name="勘定科目",
        help_text="明細に一つでもあれば当てはまります。空欄は問いません。",
    )

    class Meta:
        verbose_name = "条件行"
        verbose_name_plural = "条件行"
        ordering = ["flow", "position_no"]
        constraints = [
            models.UniqueConstraint(
                fields=["flow", "position_no"],
                name="approval_condition_order_once",
                violation_error_message="同じ順番の条件行があります。",
            ),
            models.CheckConstraint(
                condition=Q(amount_from__isnull=True)
                | Q(amount_to__isnull=True)
                | Q(amount_to__gte=F("amount_from")),
                name="approval_condition_amounts_in_order",
                violation_error_message="金額の「以下」は「以上」と同じか大きくしてください。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position_no}. {self.name}"


@tracked
class ApprovalPoint(models.Model):
    """承認ポイント: one box of the route, and how its people are found."""

    class Approver(models.TextChoices):
        EMPLOYEE = "employee", "社員"
        POSITION = "position", "申請部門の系列の役職"
        DEPARTMENT = "department", "部門（承認の権限を持つ誰か一人）"
        BURDEN = "burden", "負担部門（申請部門と同じなら省く）"
        PROJECT = "project", "プロジェクトの承認者"
        EVERYONE = "everyone", "指名した全員"

    flow = models.ForeignKey(
        ApprovalFlow, models.CASCADE, related_name="points", verbose_name="承認フロー"
    )
    condition = models.ForeignKey(
        ApprovalCondition,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="points",
        verbose_name="条件行",
        help_text="空欄は標準の経路です。",
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
    people = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="+", verbose_name="全員"
    )

    class Meta:
        verbose_name = "承認ポイント"
        verbose_name_plural = "承認ポイント"
        ordering = ["flow", "condition", "position_no"]
        constraints = [
            models.UniqueConstraint(
                fields=["flow", "condition", "position_no"],
                nulls_distinct=False,
                name="approval_point_order_once",
                violation_error_message="同じ順番の承認ポイントがあります。",
            ),
            models.CheckConstraint(
                condition=Q(approver="employee", employee__isnull=False)
                | Q(approver="position", position__isnull=False)
                | Q(approver="department", department__isnull=False)
                | Q(approver__in=["burden", "project", "everyone"]),
                name="approval_point_names_its_approver",
                violation_error_message="選んだ決め方に合わせて、社員・役職・部門のどれかを指定してください。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position_no}. {self.name}"

    def clean(self) -> None:
        if self.condition is not None and self.condition.flow_id != self.flow_id:
            raise ValidationError({"condition": "別の承認フローの条件行です。"})
