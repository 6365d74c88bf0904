"""カタログ連携設定. Secrets go in and never come out again."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html

from masters.admin.base import MasterAdmin, MasterInline, OfTheOption
from masters.admin.periods import PeriodForm, PeriodFormSet
from masters.admin.sections import Section
from punchout.identifiers import public_url
from punchout.models import CatalogConnection, CatalogRate
from punchout.models.connection import SECRET_FIELDS, new_inbound_token

WRITE_ONLY = (
    "shared_secret",
    "inbound_password",
    "history_client_secret",
    "history_refresh_token",
)
"""Secrets that a person types in; the inbound URL's token is made by the product."""


def _label(name: str) -> str:
    return str(CatalogConnection._meta.get_field(name).verbose_name)


class ConnectionForm(forms.ModelForm):
    """An empty secret keeps the stored one, which is never sent to the browser."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in WRITE_ONLY:
            if name not in self.fields:
                continue
            stored = bool(self.initial.pop(name, ""))
            self.fields[name] = forms.CharField(
                label=_label(name),
                required=False,
                widget=forms.PasswordInput(
                    attrs={"autocomplete": "new-password", "class": "vTextField"}
                ),
                help_text="設定済み。変えるときだけ入力してください。" if stored else "未設定",
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name in WRITE_ONLY:
            if name in self.fields:
                data[name] = data.get(name) or getattr(self.instance, name)
        return data


class RateFormSet(PeriodFormSet):
    kind_field = "rate"


class RateInline(MasterInline):
    model = CatalogRate
    form = PeriodForm
    formset = RateFormSet
    autocomplete_fields = ["breakdown"]
    verbose_name_plural = (
        "税率ごとの内訳（カートの明細は、販売者の示した税率でこの表の内訳になります。"
        "使用範囲の機能「経費」がある内訳を選んでください）"
    )


@admin.register(CatalogConnection)
class CatalogConnectionAdmin(OfTheOption, MasterAdmin):
    section = Section.CATALOG
    form = ConnectionForm
    inlines = [RateInline]
    list_display = ["name", "supplier_name", "mode", "is_active", "completeness"]
    list_filter = ["is_active", "mode"]
    search_fields = ["name", "supplier_name"]
    autocomplete_fields = [
        "shipping_breakdown",
        "payment_method",
        "allowed_employees",
        "notified_employees",
    ]
    readonly_fields = ["completeness", "inbound_url"]
    fieldsets = [
        (
            None,
            {
                "fields": ["name", "supplier_name", "is_active", "mode", "completeness"],
                "description": "「テスト」では、仕入先が対応していれば、課金も出荷もされません。",
            },
        ),
        (
            "仕入先への接続",
            {
                "fields": ["from_identity", "shared_secret", "to_identity", "credential_domain",
                           "punchout_url", "order_url", "order_basic_auth", "business_unit"],
                "description": "仕入先の管理画面（Amazon ビジネスでは「グループ」>「システム連携」>"
                "「購買システム」）に表示される値を入力します。",
            },
        ),
        (
            "金額の読み方",
            {
                "fields": ["prices", "header_total", "tolerance_percent", "tolerance_yen"],
                "description": "許容差を超えて承認時と違う金額は、差異ありとして知らせます。",
            },
        ),
        ("明細と精算", {"fields": ["shipping_breakdown", "payment_method"]}),
        (
            "カートの扱い",
            {
                "fields": ["session_hours", "cart_warning_days", "cart_limit_days",
                           "cart_limit_blocks", "allow_line_removal"],
                "description": "日数はカートを受け取ったときから数えます。Amazon ビジネスは価格を"
                "最長 7 日間保持します。",
            },
        ),
        ("利用者と連絡先", {"fields": ["allowed_employees", "notified_employees"]}),
        ("結果が不明な注文", {"fields": ["lookup_url", "resend_unknown"]}),
        (
            "注文確認・出荷通知の受信",
            {
                "fields": ["inbound_url", "inbound_user", "inbound_password"],
                "description": "受信 URL は、知っている人なら誰でも通知を送れる秘密の値です。"
                "仕入先だけに知らせてください。ユーザーを入力すると Basic 認証も求めます。",
            },
        ),
        (
            "購入履歴 API",
            {
                "fields": ["history_url", "history_token_url", "history_client_id",
                           "history_client_secret", "history_refresh_token", "history_region"],
                "description": "空欄なら自動では取り込みません。レポート CSV の取込は使えます。",
            },
        ),
    ]  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list:
        """Without the right to change, Django shows values as text: no secrets among them."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        hidden = {*SECRET_FIELDS, "inbound_url"}
        return [
            (title, {**options, "fields": [n for n in options["fields"] if n not in hidden]})
            for title, options in fieldsets
        ]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return not lookup.startswith(SECRET_FIELDS) and super().lookup_allowed(
            lookup, value, request
        )

    @admin.display(description="設定の状態")
    def completeness(self, row: CatalogConnection) -> str:
        if row.pk is None:
            return "保存すると確認できます。"
        missing = row.missing_settings()
        return f"未設定: {'、'.join(missing)}" if missing else "完了"

    @admin.display(description="受信 URL")
    def inbound_url(self, row: CatalogConnection) -> str:
        if row.pk is None:
            return "保存すると発行されます。"
        url = public_url(reverse("punchout:inbound", args=[row.inbound_token]))
        change = reverse("admin:punchout_catalogconnection_new_inbound_url", args=[row.pk])
        return format_html(
            '<code class="document">{}</code><br><a href="{}">受信 URL を変更する</a>', url, change
        )

    def get_urls(self) -> list:
        renew = path(
            "<int:pk>/new-inbound-url/",
            self.admin_site.admin_view(self.renew_inbound_url),
            name="punchout_catalogconnection_new_inbound_url",
        )
        return [renew, *super().get_urls()]

    def renew_inbound_url(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Asks first: until the supplier is told, its messages no longer arrive."""
        connection = self.get_object(request, str(pk))
        if connection is None:
            raise Http404
        if not self.has_change_permission(request, connection):
            raise PermissionDenied
        if request.method == "POST":
            with transaction.atomic():
                connection.inbound_token = new_inbound_token()
                connection.save(update_fields=["inbound_token"])
                self.log_change(request, connection, "受信 URL を変更しました。")
            messages.success(
                request, "受信 URL を変更しました。新しい URL を仕入先に登録してください。"
            )
            return redirect("admin:punchout_catalogconnection_change", pk)
        context = {
            **self.admin_site.each_context(request),
            "title": "受信 URL の変更",
            "opts": self.opts,
            "original": connection,
        }
        return TemplateResponse(request, "admin/new_inbound_url.html", context)
