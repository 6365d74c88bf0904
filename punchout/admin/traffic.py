"""通信記録, trips to the shop and the carts they brought; only shown."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from expenses.admin import OfVisibleSlips
from masters.admin.base import RecordAdmin, RecordInline, preformatted
from masters.admin.sections import Section
from punchout.models import CatalogItem, Exchange, ReceivedCart, ShoppingSession, StrayMessage


@admin.register(Exchange)
class ExchangeAdmin(OfVisibleSlips, RecordAdmin):
    section = Section.RECORDS
    list_display = ["at", "direction", "message", "connection", "voucher", "order_number",
                    "http_status", "status_code", "accepted", "duration_ms", "reason"]  # fmt: skip
    list_display_links = ["at", "message"]
    list_select_related = ["connection", "voucher"]
    list_filter = ["direction", "accepted", "message", "connection"]
    date_hierarchy = "at"
    search_fields = ["order_number", "voucher__number", "reason"]
    fieldsets = [
        (None, {"fields": ["at", "direction", "message", "connection", "voucher",
                           "order_number"]}),
        ("結果", {"fields": ["accepted", "reason", "http_status", "status_code",
                            "duration_ms"]}),
        ("電文（パスワードは伏せてあります）", {"fields": ["request_text", "response_text"]}),
    ]  # fmt: skip
    readonly_fields = ["request_text", "response_text"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).defer("request", "response")

    @admin.display(description="送ったもの・届いたもの")
    def request_text(self, row: Exchange) -> SafeString:
        return preformatted(row.request)

    @admin.display(description="返ってきたもの・返したもの")
    def response_text(self, row: Exchange) -> SafeString:
        return preformatted(row.response)


@admin.register(StrayMessage)
class StrayMessageAdmin(RecordAdmin):
    section = Section.RECORDS
    list_display = ["day", "message", "count", "last_at", "last_reason"]
    list_filter = ["message"]
    date_hierarchy = "day"


@admin.register(ShoppingSession)
class ShoppingSessionAdmin(OfVisibleSlips, RecordAdmin):
    """Without the cookie and the start page: who knows them can shop in that person's name."""

    section = Section.SLIPS
    list_display = ["voucher", "state", "employee", "email", "connection", "started_at",
                    "expires_at"]  # fmt: skip
    list_select_related = ["voucher", "employee", "connection"]
    list_filter = ["state", "connection"]
    date_hierarchy = "started_at"
    search_fields = ["voucher__number", "employee__name", "employee__code", "email"]
    fields = ["voucher", "connection", "employee", "email", "state", "started_at", "expires_at"]


class ItemInline(RecordInline):
    model = CatalogItem
    fields = ["line", "kind", "part_id", "auxiliary_id", "stated_rate"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("line").defer("xml")


@admin.register(ReceivedCart)
class ReceivedCartAdmin(OfVisibleSlips, RecordAdmin):
    """The raw form holds the cookie; its redacted copy is in the 通信記録."""

    section = Section.SLIPS
    slip_path = "session__voucher"
    list_display = ["session", "received_at", "problem"]
    list_select_related = ["session__voucher"]
    list_filter = [("problem", admin.EmptyFieldListFilter)]
    date_hierarchy = "received_at"
    search_fields = ["session__voucher__number", "sha256"]
    inlines = [ItemInline]
    fields = ["session", "received_at", "problem", "sha256"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).defer("raw")
