"""税区分, 勘定科目, 補助科目, 内訳, プロジェクト and 支払方法."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from masters.models import (
    Account,
    Breakdown,
    PaymentMethod,
    Project,
    SubAccount,
    TaxCategory,
    TaxRate,
)

from .base import MasterAdmin, MasterInline
from .periods import PeriodForm, PeriodFormSet
from .sections import Section

_CODED = {"fields": ["code", "name", "is_active", "sort_order"]}


class TaxRateInline(MasterInline):
    model = TaxRate
    form = PeriodForm
    formset = PeriodFormSet
    verbose_name_plural = "税率情報（税率が変わるときは、終了日を入れて次の行を追加します）"


@admin.register(TaxCategory)
class TaxCategoryAdmin(MasterAdmin):
    section = Section.ACCOUNTING
    list_display = ["code", "name", "method", "rate_today", "rounding", "is_active"]
    list_display_links = ["code", "name"]
    list_filter = ["is_active", "method"]
    search_fields = ["code", "name"]
    inlines = [TaxRateInline]
    fieldsets = [
        (None, _CODED),
        (
            "税計算",
            {
                "fields": ["method", "rounding"],
                "description": "カタログ連携には、0%・8%・10% の税区分がひとつずつ必要です。"
                "ひとつの税区分の税率を期間で切り替えても代わりにはなりません。",
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related("rates")

    @admin.display(description="今日の税率")
    def rate_today(self, row: TaxCategory) -> str:
        if row.method == TaxCategory.Method.EXCLUDED:
            return "対象外"
        rate = row.rate_on(timezone.localdate())
        return "期間外" if rate is None else f"{rate.normalize():f}%"


@admin.register(Account)
class AccountAdmin(MasterAdmin):
    section = Section.ACCOUNTING
    fixed_once_used = ("code",)
    list_display = ["code", "name", "sort_order", "is_active"]
    list_display_links = ["code", "name"]
    list_filter = ["is_active"]
    search_fields = ["code", "name"]
    fieldsets = [(None, _CODED)]


@admin.register(SubAccount)
class SubAccountAdmin(MasterAdmin):
    section = Section.ACCOUNTING
    fixed_once_used = ("account", "code")
    list_display = ["account", "code", "name", "is_active"]
    list_display_links = ["code", "name"]
    list_select_related = ["account"]
    list_filter = ["is_active", "account"]
    search_fields = ["code", "name", "account__code", "account__name"]
    autocomplete_fields = ["account"]
    fields = ["account", "code", "name", "is_active"]


USES = ["use_expense", "use_transport", "use_trip", "use_entertainment", "use_payment"]


@admin.register(Breakdown)
class BreakdownAdmin(MasterAdmin):
    section = Section.ACCOUNTING
    list_display = ["code", "name", "account", "sub_account", "tax_category", "uses", "is_active"]
    list_display_links = ["code", "name"]
    list_select_related = ["account", "sub_account", "tax_category"]
    list_filter = ["is_active", "tax_category", "use_expense", "account"]
    search_fields = ["code", "name", "account__code", "account__name"]
    autocomplete_fields = ["account", "sub_account"]
    fieldsets = [
        (None, _CODED),
        ("仕訳", {"fields": ["account", "sub_account", "tax_category"]}),
        ("使用範囲（機能）", {"fields": USES}),
    ]

    @admin.display(description="使用範囲（機能）")
    def uses(self, row: Breakdown) -> str:
        ticked = [name for name in USES if getattr(row, name)]
        return "、".join(str(row._meta.get_field(name).verbose_name) for name in ticked) or "なし"


@admin.register(Project)
class ProjectAdmin(MasterAdmin):
    section = Section.ACCOUNTING
    list_display = ["code", "name", "approver", "sort_order", "is_active"]
    list_display_links = ["code", "name"]
    list_select_related = ["approver"]
    list_filter = ["is_active"]
    search_fields = ["code", "name", "approver__name"]
    autocomplete_fields = ["approver"]
    fieldsets = [(None, _CODED), ("承認", {"fields": ["approver"]})]


@admin.register(PaymentMethod)
class PaymentMethodAdmin(MasterAdmin):
    section = Section.ACCOUNTING
    list_display = ["code", "name", "payer", "sort_order", "is_active"]
    list_display_links = ["code", "name"]
    list_filter = ["is_active", "payer"]
    search_fields = ["code", "name"]
    fieldsets = [
        (None, _CODED),
        (
            "支払い",
            {
                "fields": ["payer"],
                "description": "会社払いの明細は、社員への支払い（振込）の対象になりません。",
            },
        ),
    ]
