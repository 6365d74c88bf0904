"""社員, 部門 and 役職."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import (
    AdminUserCreationForm,
    ReadOnlyPasswordHashField,
    ReadOnlyPasswordHashWidget,
    UserChangeForm,
    UsernameField,
)
from django.contrib.auth.hashers import identify_hasher
from django.db.models import ManyToManyField, QuerySet
from django.http import HttpRequest

from masters.models import Affiliation, Department, Deputy, Employee, Position

from .base import MasterAdmin, MasterInline
from .sections import Section

_CODED = {"fields": ["code", "name", "is_active", "sort_order"]}


class AffiliationFormSet(forms.BaseInlineFormSet):
    """Always three rows, 所属1 to 所属3; the empty ones know their number."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        taken = {affiliation.slot for affiliation in self.get_queryset()}
        free = [slot for slot in (1, 2, 3) if slot not in taken]
        self.initial_extra = [{"slot": slot} for slot in free]


class AffiliationInline(MasterInline):
    model = Affiliation
    formset = AffiliationFormSet
    extra = 3
    max_num = 3
    autocomplete_fields = ["department"]
    verbose_name_plural = "所属1〜3（申請するときに、どの部門の申請かを選びます）"


class DeputyInline(MasterInline):
    model = Deputy
    fk_name = "principal"
    autocomplete_fields = ["deputy"]
    verbose_name_plural = "代理人（開始日・終了日が空欄なら期限なし）"


class PasswordState(ReadOnlyPasswordHashWidget):
    """Whether a password is set: neither its hash nor a part of it is shown."""

    def get_context(self, name: str, value: str | None, attrs: dict | None) -> dict:
        context = super().get_context(name, value, attrs)
        context["summary"] = [{"label": "設定済み" if _is_usable(value) else "未設定"}]
        return context


def _is_usable(encoded: str | None) -> bool:
    try:
        identify_hasher(encoded or "")
    except ValueError:
        return False
    return True


class _EmployeeForm(forms.ModelForm):
    """Checks that both forms of an employee share."""

    def clean_email(self) -> str:
        email = self.cleaned_data["email"].strip().lower()
        others = Employee.objects.exclude(pk=self.instance.pk)
        holder = others.filter(email=email).first() if email else None
        if holder is not None:
            raise forms.ValidationError(
                f"この E-MAIL は社員コード {holder.code}（{holder.name}）が使っています。"
            )
        return email

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("employment") == Employee.Employment.RETIRED and data.get("is_active"):
            self.add_error("is_active", "退職者は「ログイン可」を外してください。")
        return data


class EmployeeAddForm(_EmployeeForm, AdminUserCreationForm):
    class Meta:
        model = Employee
        fields = ["code", "name", "kana", "email", "employment"]
        field_classes = {"code": UsernameField}


class EmployeeChangeForm(_EmployeeForm, UserChangeForm):
    password = ReadOnlyPasswordHashField(
        label="パスワード",
        widget=PasswordState,
        help_text="保存されているパスワードは誰にも見えません。",
    )

    class Meta(UserChangeForm.Meta):
        model = Employee
        field_classes = {"code": UsernameField}


@admin.register(Employee)
class EmployeeAdmin(MasterAdmin, UserAdmin):
    section = Section.PEOPLE
    form = EmployeeChangeForm
    add_form = EmployeeAddForm
    inlines = [AffiliationInline, DeputyInline]
    list_display = ["code", "name", "kana", "email", "belongs_to", "employment", "is_active"]
    list_display_links = ["code", "name"]
    list_filter = ["employment", "is_active", "is_staff", "groups", "affiliations__department"]
    search_fields = ["code", "name", "kana", "email"]
    ordering = ["code"]
    filter_horizontal = ["groups"]
    readonly_fields = ["last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["code", "name", "kana", "email", "employment", "password"]}),
        (
            "権限",
            {
                "fields": ["is_active", "groups", "is_staff", "is_superuser"],
                "description": "伝票でできることは、グループの権限で決まります。",
            },
        ),
        ("記録", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["code", "name", "kana", "email", "employment"]}),
        ("パスワード", {"fields": ["usable_password", "password1", "password2"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        people = super().get_queryset(request)
        return people.prefetch_related("affiliations__department", "affiliations__position")

    def formfield_for_manytomany(
        self, db_field: ManyToManyField, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelMultipleChoiceField:
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        field.help_text = "権限マスタで作ったグループです。複数選べます。"
        return field

    @admin.display(description="所属")
    def belongs_to(self, row: Employee) -> str:
        return "、".join(str(affiliation) for affiliation in row.affiliations.all())

    # Whoever could change an administrator or make one would be one.
    def has_change_permission(self, request: HttpRequest, obj: Employee | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (request.user.is_superuser or not (obj and obj.is_superuser))

    def get_readonly_fields(self, request: HttpRequest, obj: Employee | None = None) -> tuple:
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, "is_superuser")

    def has_delete_permission(self, request: HttpRequest, obj: Employee | None = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (request.user.is_superuser or not (obj and obj.is_superuser))

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return not lookup.startswith("password") and super().lookup_allowed(lookup, value, request)


@admin.register(Department)
class DepartmentAdmin(MasterAdmin):
    section = Section.PEOPLE
    list_display = ["code", "name", "parent", "sort_order", "is_active"]
    list_display_links = ["code", "name"]
    list_select_related = ["parent"]
    list_filter = ["is_active"]
    search_fields = ["code", "name"]
    autocomplete_fields = ["parent"]
    fieldsets = [(None, _CODED), ("階層", {"fields": ["parent"]})]


@admin.register(Position)
class PositionAdmin(MasterAdmin):
    section = Section.PEOPLE
    list_display = ["code", "name", "sort_order", "is_active"]
    list_display_links = ["code", "name"]
    list_filter = ["is_active"]
    search_fields = ["code", "name"]
    fieldsets = [(None, _CODED)]
