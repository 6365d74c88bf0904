"""購入履歴: imports, their rows as received, and the facts; only shown."""

import json

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from expenses.admin import OfVisibleSlips
from expenses.templatetags.money import percent, yen
from masters.admin.base import RecordAdmin, RecordInline, preformatted
from masters.admin.sections import Section
from punchout.models import HistoryImport, PurchasePortion, PurchaseRecord, SourceRow


class StateFilter(admin.SimpleListFilter):
    """未精算, 精算中, 精算済 or 対象外."""

    title = "状態"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list:
        return [(state, state) for state in ("未精算", "精算中", "精算済", "対象外")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(state=self.value()) if self.value() else queryset


class PortionInline(RecordInline):
    model = PurchasePortion
    fields = ["line", "released"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("line")


class SourceRowInline(RecordInline):
    model = SourceRow
    show_change_link = True
    fields = ["history_import", "number", "outcome", "reason"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("history_import").defer("raw")


@admin.register(PurchaseRecord)
class PurchaseRecordAdmin(OfVisibleSlips, RecordAdmin):
    section = Section.RECORDS
    slip_path = "order__voucher"
    list_display = ["supplier_order", "title", "seller", "quantity", "amount_yen", "rate_percent",
                    "ordered_on", "shipped_on", "order", "state_now"]  # fmt: skip
    list_display_links = ["supplier_order", "title"]
    list_select_related = ["order"]
    list_filter = [StateFilter, "is_shipping_charge", "connection", ("order",
                   admin.EmptyFieldListFilter)]  # fmt: skip
    date_hierarchy = "shipped_on"
    search_fields = ["supplier_order", "purchase_order_number", "title", "seller", "part_id",
                     "registration_number"]  # fmt: skip
    inlines = [PortionInline, SourceRowInline]
    readonly_fields = ["amount_yen", "tax_yen", "rate_percent", "state_now"]
    fieldsets = [
        (None, {"fields": ["supplier_order", "title", "part_id", "quantity", "amount_yen",
                           "tax_yen", "rate_percent", "state_now"]}),
        ("販売者", {"fields": ["seller", "registration_number"]}),
        ("日付", {"fields": ["ordered_on", "shipped_on", "charged_on", "received_at"]}),
        ("発注との対応", {"fields": ["connection", "purchase_order_number", "order",
                                   "order_line", "shipment_id", "strong_id"]}),
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).with_state()

    @admin.display(description="金額（税込）", ordering="amount")
    def amount_yen(self, row: PurchaseRecord) -> str:
        return yen(row.amount)

    @admin.display(description="うち消費税")
    def tax_yen(self, row: PurchaseRecord) -> str:
        return yen(row.tax)

    @admin.display(description="税率", ordering="rate")
    def rate_percent(self, row: PurchaseRecord) -> str:
        return percent(row.rate)

    @admin.display(description="状態")
    def state_now(self, row: PurchaseRecord) -> str:
        return row.state


@admin.register(HistoryImport)
class HistoryImportAdmin(RecordAdmin):
    section = Section.RECORDS
    list_display = ["at", "source", "name", "connection", "by", "rows", "added", "matched",
                    "bad", "ambiguous"]  # fmt: skip
    list_select_related = ["connection", "by"]
    list_filter = ["source", "connection"]
    date_hierarchy = "at"
    search_fields = ["name"]


@admin.register(SourceRow)
class SourceRowAdmin(OfVisibleSlips, RecordAdmin):
    section = Section.RECORDS
    slip_path = "record__order__voucher"
    list_display = ["history_import", "number", "outcome", "reason", "record"]
    list_display_links = ["history_import", "number"]
    list_select_related = ["history_import", "record"]
    list_filter = ["outcome", "history_import__source"]
    search_fields = ["record__supplier_order", "reason", "sha256"]
    fields = ["history_import", "number", "outcome", "reason", "record", "sha256", "raw_text"]
    readonly_fields = ["raw_text"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).defer("raw")

    @admin.display(description="受信データ")
    def raw_text(self, row: SourceRow) -> SafeString:
        return preformatted(json.dumps(row.raw, ensure_ascii=False, indent=2))
