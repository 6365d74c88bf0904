"""承認フロー, edited here; slips, only shown, and only to those who may see them."""

from typing import Any

from django.contrib import admin
from django.db.models import ForeignKey, Q, QuerySet
from django.forms import ModelChoiceField
from django.http import HttpRequest

from expenses.models import (
    ApprovalCondition,
    ApprovalFlow,
    ApprovalPoint,
    ApprovalStep,
    FlowAssignment,
    Voucher,
    VoucherEvent,
    VoucherLine,
)
from expenses.templatetags.money import percent, yen
from masters.admin.base import MasterAdmin, MasterInline, RecordAdmin, RecordInline
from masters.admin.sections import Section


class OfVisibleSlips:
    """For the admin of rows about a slip: shows those whose slip the person may see, or has none.

    A system administrator without a right of 閲覧 sees no slips here either (DOMAIN §3).
    """

    slip_path = "voucher"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        visible = Voucher.objects.visible_to(request.user).values("pk")
        about = Q(**{f"{self.slip_path}__in": visible})
        return (
            super().get_queryset(request).filter(about | Q(**{f"{self.slip_path}__isnull": True}))
        )


class ApprovalPointInline(MasterInline):
    model = ApprovalPoint
    autocomplete_fields = ["employee", "people"]
    fields = ["condition", "position_no", "name", "approver", "employee", "position", "department",
              "people"]  # fmt: skip

    def formfield_for_foreignkey(
        self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField | None:
        if db_field.name == "condition" and request.resolver_match is not None:
            flow = request.resolver_match.kwargs.get("object_id")
            rows = ApprovalCondition.objects.filter(flow=flow) if flow else None
            kwargs["queryset"] = ApprovalCondition.objects.none() if rows is None else rows
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class ConditionInline(MasterInline):
    model = ApprovalCondition
    autocomplete_fields = ["accounts"]


class AssignmentInline(MasterInline):
    model = FlowAssignment
    autocomplete_fields = ["employee"]


@admin.register(ApprovalFlow)
class ApprovalFlowAdmin(MasterAdmin):
    section = Section.FLOW
    list_display = ["name", "kind", "is_default", "points_in_order", "is_active"]
    list_filter = ["is_active", "is_default", "kind"]
    search_fields = ["name"]
    inlines = [ConditionInline, ApprovalPointInline, AssignmentInline]
    fieldsets = [
        (
            None,
            {
                "fields": ["kind", "name", "is_default", "is_active"],
                "description": "申請のたびに、その時点の承認フローから承認者が決まります。"
                "条件行は順番に上から判定し、どれにも当てはまらなければ標準の経路になります。"
                "条件行の承認ポイントは、条件行を保存したあとに選べます。"
                "変更は、これから申請される伝票に効きます。",
            },
        )
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related("points")

    def get_readonly_fields(self, request: HttpRequest, obj: ApprovalFlow | None = None) -> tuple:
        fields = super().get_readonly_fields(request, obj)
        # The assignments are per kind: a flow that moved would take them along.
        return fields if obj is None else (*fields, "kind")

    @admin.display(description="標準の経路")
    def points_in_order(self, row: ApprovalFlow) -> str:
        return " → ".join(point.name for point in row.points.all() if point.condition_id is None)


class LineInline(RecordInline):
    model = VoucherLine
    fields = [
        "position",
        "date",
        "description",
        "breakdown_name",
        "amount_yen",
        "tax_yen",
        "rate",
        "origin",
        "note",
    ]

    @admin.display(description="金額（税込）")
    def amount_yen(self, row: VoucherLine) -> str:
        return yen(row.amount)

    @admin.display(description="うち消費税")
    def tax_yen(self, row: VoucherLine) -> str:
        return yen(row.tax_amount)

    @admin.display(description="税率")
    def rate(self, row: VoucherLine) -> str:
        return percent(row.tax_rate)


class StepInline(RecordInline):
    model = ApprovalStep
    fields = ["round", "position", "name", "state", "people_names", "decided_by", "decided_at",
              "comment"]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        steps = super().get_queryset(request).select_related("decided_by")
        return steps.prefetch_related("candidates")

    @admin.display(description="承認者")
    def people_names(self, row: ApprovalStep) -> str:
        return "、".join(person.name for person in row.candidates.all())


class EventInline(RecordInline):
    model = VoucherEvent
    fields = ["at", "label", "by", "on_behalf_of", "comment"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("by", "on_behalf_of")


@admin.register(Voucher)
class VoucherAdmin(RecordAdmin):
    section = Section.SLIPS
    list_display = [
        "number",
        "kind",
        "status",
        "title",
        "applicant",
        "department_name",
        "total_yen",
        "has_difference",
        "created_at",
    ]
    list_select_related = ["applicant"]
    list_filter = ["kind", "status", "has_difference", "department"]
    date_hierarchy = "created_at"
    search_fields = ["number", "title", "applicant__code", "applicant__name"]
    inlines = [LineInline, StepInline, EventInline]
    fieldsets = [
        (None, {"fields": ["number", "kind", "status", "title", "total_yen", "has_difference"]}),
        ("申請", {"fields": ["applicant", "entered_by", "department_name", "request",
                            "delivery_address", "note"]}),
        ("記録", {"fields": ["round", "created_at", "submitted_at", "approved_at"]}),
    ]  # fmt: skip
    readonly_fields = ["total_yen"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        everything = super().get_queryset(request)
        return everything.filter(pk__in=Voucher.objects.visible_to(request.user).values("pk"))

    @admin.display(description="合計金額（税込）", ordering="total")
    def total_yen(self, row: Voucher) -> str:
        return yen(row.total)
