"""会社設定 and 配送先."""

import unicodedata

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from masters.models import Company, DeliveryAddress

from .base import MasterAdmin, OfTheOption
from .sections import Section


@admin.register(Company)
class CompanyAdmin(MasterAdmin):
    """One row, so there is no list to choose from."""

    section = Section.PEOPLE
    fields = ["name", "fiscal_year_start", "allow_self_approval", "catalog_contracted"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not Company.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: Company, form: forms.Form, change: bool
    ) -> None:
        obj.pk = 1
        super().save_model(request, obj, form, change)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict | None = None
    ) -> HttpResponse:
        if self.has_view_permission(request) and Company.objects.exists():
            return redirect("admin:masters_company_change", 1)
        return super().changelist_view(request, extra_context)


# What keyboards and other programs write for the hyphen of a number.
_HYPHENS = dict.fromkeys(map(ord, "‐‑‒–—―−ーｰ"), "-")


def half_width(value: str) -> str:
    """A number as typed with a Japanese keyboard, in half-width characters."""
    return unicodedata.normalize("NFKC", value).translate(_HYPHENS).strip()


class DeliveryAddressForm(forms.ModelForm):
    """Takes numbers in full width; the rules of the model are checked afterwards."""

    def clean_postal_code(self) -> str:
        code = half_width(self.cleaned_data["postal_code"])
        return f"{code[:3]}-{code[3:]}" if code.isdecimal() and len(code) == 7 else code

    def clean_phone(self) -> str:
        return half_width(self.cleaned_data["phone"])


@admin.register(DeliveryAddress)
class DeliveryAddressAdmin(OfTheOption, MasterAdmin):
    section = Section.CATALOG
    form = DeliveryAddressForm
    list_display = ["code", "name", "address", "company", "attention", "is_default", "is_active"]
    list_display_links = ["code", "name"]
    list_filter = ["is_active", "prefecture", "departments"]
    search_fields = ["code", "name", "city", "street", "company", "attention"]
    autocomplete_fields = ["departments"]
    fieldsets = [
        (None, {"fields": ["code", "name", "is_active", "sort_order"]}),
        (
            "住所",
            {
                "fields": ["postal_code", "prefecture", "city", "street", "building"],
                "description": "発注のたびにこの住所が仕入先に送られ、カタログで選んだ配送先より"
                "優先されます。",
            },
        ),
        ("宛先", {"fields": ["company", "attention", "phone", "email"]}),
        ("使い方", {"fields": ["is_default", "departments", "amazon_address_id"]}),
    ]

    @admin.display(description="住所")
    def address(self, row: DeliveryAddress) -> str:
        return row.one_line()
