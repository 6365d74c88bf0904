"""権限マスタ: groups, with their permissions named in Japanese and limited to those that count."""

from collections import defaultdict
from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.contrib.auth.models import Group, Permission
from django.db.models import ManyToManyField, Q, QuerySet
from django.forms.models import ModelMultipleChoiceField
from django.http import HttpRequest

from .base import MasterAdmin, RecordAdmin
from .sections import Section

_ACTIONS = {"view": "閲覧", "add": "追加", "change": "変更", "delete": "削除"}


def assignable() -> QuerySet[Permission]:
    """Rights that something in the product asks for: business rights, then the admin's pages."""
    wanted = defaultdict(list)
    for model, model_admin in admin.site._registry.items():
        if not hasattr(model_admin, "section"):
            continue
        actions = ["view"] if isinstance(model_admin, RecordAdmin) else list(_ACTIONS)
        codes = [f"{action}_{model._meta.model_name}" for action in actions]
        codes += [code for code, _name in model._meta.permissions]
        wanted[model._meta.app_label] += codes
    chosen = Q()
    for app, codes in wanted.items():
        chosen |= Q(content_type__app_label=app, codename__in=codes)
    return (
        Permission.objects.filter(chosen)
        .select_related("content_type")
        .order_by("content_type__app_label", "content_type__model", "codename")
    )


class RightsField(ModelMultipleChoiceField):
    """Permissions by the names that people use."""

    def label_from_instance(self, permission: Permission) -> str:
        action, _, model_name = permission.codename.partition("_")
        if action not in _ACTIONS or model_name != permission.content_type.model:
            return f"【業務】{permission.name}"
        return f"{permission.content_type.name}: {_ACTIONS[action]}"


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(MasterAdmin):
    section = Section.PEOPLE
    listed_as = "権限マスタ（グループ）"
    list_display = ["name"]
    search_fields = ["name"]
    fields = ["name", "permissions"]

    def formfield_for_manytomany(
        self, db_field: ManyToManyField, request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField:
        chosen = {
            "form_class": RightsField,
            "queryset": assignable(),
            "label": "権限",
            "widget": FilteredSelectMultiple("権限", is_stacked=False),
        }
        field = super().formfield_for_manytomany(db_field, request, **{**kwargs, **chosen})
        field.help_text = (
            "【業務】は伝票についての権限、ほかは管理画面についての権限です。"
            "伝票は、管理画面でも閲覧の権限がある範囲だけが見えます。"
        )
        return field
