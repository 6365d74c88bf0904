"""発注 and what the supplier said about them; only shown."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString

from expenses.admin import OfVisibleSlips
from expenses.templatetags.money import yen
from masters.admin.base import RecordAdmin, RecordInline, preformatted
from masters.admin.sections import Section
from punchout import cxml
from punchout.models import (
    CancelRequest,
    LedgerEntry,
    OrderAttempt,
    OrderLine,
    PurchaseOrder,
    SupplierDocument,
)


def document_text(raw: bytes | memoryview) -> SafeString:
    """A stored document, redacted as in the 通信記録."""
    return preformatted(cxml.redact(bytes(raw)).decode("utf-8", "replace"))


class OrderLineInline(RecordInline):
    model = OrderLine
    fields = ["line_number", "part_id", "description", "quantity", "amount_yen", "confirmed",
              "backordered", "shipped", "invoiced", "cancelled", "returned",
              "contradiction", "difference"]  # fmt: skip

    @admin.display(description="承認金額（税込）")
    def amount_yen(self, row: OrderLine) -> str:
        return yen(row.amount)


class AttemptInline(RecordInline):
    model = OrderAttempt
    fields = ["number", "started_at", "duration_ms", "outcome", "http_status", "status_code",
              "text"]  # fmt: skip


class DocumentInline(RecordInline):
    model = SupplierDocument
    show_change_link = True
    fields = ["kind", "key", "operation", "dated", "received_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).defer("raw")


@admin.register(PurchaseOrder)
class PurchaseOrderAdmin(OfVisibleSlips, RecordAdmin):
    section = Section.SLIPS
    list_display = ["number", "state", "voucher", "total_yen", "connection", "mode", "tries",
                    "needs_person", "created_at", "ordered_at"]  # fmt: skip
    list_select_related = ["voucher", "connection"]
    list_filter = ["state", "failure", "mode", "connection", ("needs_person",
                   admin.EmptyFieldListFilter)]  # fmt: skip
    date_hierarchy = "created_at"
    search_fields = ["number", "payload_id", "voucher__number", "shopper_email"]
    inlines = [OrderLineInline, AttemptInline, DocumentInline]
    actions = ["decide"]
    readonly_fields = ["total_yen", "document_text"]
    fieldsets = [
        (None, {"fields": ["number", "state", "voucher", "connection", "mode", "total_yen",
                           "shopper_email"]}),
        ("送信", {"fields": ["due_at", "tries", "claimed_at", "ordered_at", "failure", "reason",
                            "needs_person", "needs_person_since"]}),
        ("注文文書（パスワードなし）", {"fields": ["payload_id", "timestamp", "sha256",
                                                "document_text"]}),
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).defer("document")

    @admin.action(description="確認・再発注の画面を開く", permissions=["handle"])
    def decide(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """Decisions need a reason and what to look up first: the page of the order asks for it."""
        order = queryset.first()
        if queryset.count() != 1 or order is None:
            self.message_user(request, "発注を 1 件だけ選んでください。", messages.WARNING)
            return None
        return redirect("punchout:order", order.number)

    def has_handle_permission(self, request: HttpRequest) -> bool:
        """Who may decide about orders."""
        return request.user.has_perm("punchout.handle_orders")

    @admin.display(description="合計（税込）", ordering="total")
    def total_yen(self, row: PurchaseOrder) -> str:
        return yen(row.total)

    @admin.display(description="文書")
    def document_text(self, row: PurchaseOrder) -> SafeString:
        return document_text(row.document)


class LedgerInline(RecordInline):
    model = LedgerEntry
    fields = ["order_line", "kind", "quantity", "unit_price_yen", "tax_yen", "on", "carrier",
              "tracking"]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("order_line")

    @admin.display(description="単価（税抜）")
    def unit_price_yen(self, row: LedgerEntry) -> str:
        return yen(row.unit_price)

    @admin.display(description="消費税")
    def tax_yen(self, row: LedgerEntry) -> str:
        return yen(row.tax)


@admin.register(SupplierDocument)
class SupplierDocumentAdmin(OfVisibleSlips, RecordAdmin):
    section = Section.SLIPS
    slip_path = "order__voucher"
    list_display = ["key", "kind", "order", "order_number", "connection", "operation", "dated",
                    "received_at"]  # fmt: skip
    list_select_related = ["order", "connection"]
    list_filter = ["kind", "connection", ("order", admin.EmptyFieldListFilter)]
    date_hierarchy = "received_at"
    search_fields = ["key", "order_number", "payload_id"]
    inlines = [LedgerInline]
    fields = ["kind", "key", "operation", "order", "order_number", "connection", "payload_id",
              "dated", "received_at", "sha256", "text"]  # fmt: skip
    readonly_fields = ["text"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).defer("raw")

    @admin.display(description="文書")
    def text(self, row: SupplierDocument) -> SafeString:
        return document_text(row.raw)


@admin.register(CancelRequest)
class CancelRequestAdmin(OfVisibleSlips, RecordAdmin):
    section = Section.SLIPS
    slip_path = "order_line__order__voucher"
    list_display = ["order_line", "quantity", "state", "requested_by", "requested_at", "closed_by",
                    "closed_at"]  # fmt: skip
    list_select_related = ["order_line", "requested_by", "closed_by"]
    list_filter = ["state"]
    date_hierarchy = "requested_at"
    search_fields = ["order_line__order__number", "order_line__description", "reason"]
