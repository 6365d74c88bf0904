"""What the admins of masters and of records have in common."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import CASCADE, PROTECT, Field, ForeignKey, Model
from django.forms import Field as FormField
from django.forms.models import _get_foreign_key
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters

from masters.models import Company

from .field_history import changes_of
from .sections import Section


def is_used(row: Model, *, own: Sequence[ForeignKey] = ()) -> bool:
    """Whether anything refers to ``row`` apart from ``own``, by which its parts belong to it."""
    for relation in row._meta.get_fields(include_hidden=True):
        if not (relation.auto_created and not relation.concrete):
            continue
        if not (relation.one_to_many or relation.one_to_one):
            continue
        model, field = relation.related_model, relation.field
        # Allow-lists and groups (many-to-many) don't keep a row alive; history has no constraint.
        if model._meta.auto_created or field in own or relation.on_delete not in (PROTECT, CASCADE):
            continue
        if model._base_manager.filter(**{field.name: row}).exists():
            return True
    return False


def belonging(model_admin: admin.ModelAdmin) -> list[ForeignKey]:
    """The foreign keys by which the rows of the inlines belong to their parent."""
    return [
        _get_foreign_key(model_admin.model, inline.model, fk_name=inline.fk_name)
        for inline in model_admin.inlines
    ]


class PlainSelects:
    """Selects without the icons beside them: other masters are edited on their own pages."""

    def formfield_for_dbfield(
        self, db_field: Field, request: HttpRequest, **kwargs: Any
    ) -> FormField | None:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            for action in ("add", "change", "delete", "view"):
                setattr(field.widget, f"can_{action}_related", False)
        return field


class MasterInline(PlainSelects, admin.TabularInline):
    """Rows that are part of a master; they are deleted with it."""

    extra = 0
    classes = ["no-row-names"]


class WithFieldHistory:
    """Shows the field history of a row, and of those that belong to it, on its history page."""

    object_history_template = "admin/field_history.html"

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        changes = None
        if hasattr(row, "history_rows") and self.has_view_permission(request, row):
            tracked = [key for key in belonging(self) if hasattr(key.model, "history_rows")]
            changes = changes_of(row, tracked)
        context = {**(extra_context or {}), "field_changes": changes}
        return super().history_view(request, object_id, context)  # type: ignore[misc]


class OfTheOption:
    """A master of the catalogue option: without its contract nobody sees it (DOMAIN §1.1)."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._contracted(request) and super().has_view_permission(request, obj)  # type: ignore[misc]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._contracted(request) and super().has_add_permission(request)  # type: ignore[misc]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._contracted(request) and super().has_change_permission(request, obj)  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._contracted(request) and super().has_delete_permission(request, obj)  # type: ignore[misc]

    def _contracted(self, request: HttpRequest) -> bool:
        # Asked several times for every page.
        if not hasattr(request, "catalog_contracted"):
            request.catalog_contracted = Company.current().catalog_contracted  # type: ignore[attr-defined]
        return bool(request.catalog_contracted)  # type: ignore[attr-defined]


class MasterAdmin(PlainSelects, WithFieldHistory, admin.ModelAdmin):
    """A master: edited here, deactivated instead of deleted once something refers to it."""

    section: Section
    listed_as: str | None = None
    """The name on the front page, where it is not the model's own."""
    fixed_once_used: tuple[str, ...] = ()
    """Fields that nobody changes once something refers to the row."""
    change_form_template = "admin/master_form.html"
    save_on_top = False
    list_per_page = 50
    show_full_result_count = False

    def get_actions(self, request: HttpRequest) -> dict:
        """No deleting of several at once: each is asked whether it is used."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def row_is_used(self, row: Model) -> bool:
        """Whether slips, settings or other masters refer to the row; its inlines don't count."""
        return is_used(row, own=belonging(self))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or not self.row_is_used(obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple:
        fields = tuple(super().get_readonly_fields(request, obj))
        if obj is not None and self.fixed_once_used and self.row_is_used(obj):
            return (*fields, *self.fixed_once_used)
        return fields

    # What is typed here must not stand in an error report.
    @method_decorator(sensitive_post_parameters())
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict | None = None,
    ) -> HttpResponse:
        context = dict(extra_context or {})
        row = self.get_object(request, object_id) if object_id else None
        if row is not None:
            context["used_row"] = self.row_is_used(row)
            if hasattr(row, "is_active"):
                context["switch"] = self.opts.get_field("is_active").verbose_name
        return super().changeform_view(request, object_id, form_url, context)


class ReadOnly:
    """For a ``ModelAdmin`` or an inline that only shows."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class RecordAdmin(ReadOnly, WithFieldHistory, admin.ModelAdmin):
    """A record: shown, never written here."""

    section: Section
    actions = None
    list_per_page = 50
    show_full_result_count = False


class RecordInline(ReadOnly, admin.TabularInline):
    """Rows that belong to a record."""

    extra = 0
    classes = ["no-row-names"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        # What is not editable anyway must be named here, or Django looks for a form field.
        return list(self.fields)


def preformatted(text: str) -> SafeString:
    """``text`` escaped, with its own line breaks."""
    return format_html('<pre class="document">{}</pre>', text)
