"""Inlines of dated rows: periods are compared as they will be, not as the database still has them.

Ending one rate and starting the next is one edit; row by row, the new one would still overlap.
"""

from collections import defaultdict
from itertools import pairwise
from typing import Any

from django import forms


class PeriodForm(forms.ModelForm):
    """A row with ``valid_from`` and ``valid_to``."""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        start, end = data.get("valid_from"), data.get("valid_to")
        if start and end and end < start:
            self.add_error("valid_to", "有効期間の終了は開始以降にしてください。")
        return data

    def _get_validation_exclusions(self) -> set[str]:
        # Leaves out the constraints on the period: the whole set is checked for those.
        return {*super()._get_validation_exclusions(), "valid_from"}


class PeriodFormSet(forms.BaseInlineFormSet):
    """Refuses rows of one kind whose periods overlap; ``kind_field`` tells kinds apart."""

    kind_field: str | None = None

    def clean(self) -> None:
        super().clean()
        by_kind = defaultdict(list)
        for form in self.forms:
            data = getattr(form, "cleaned_data", {})
            if data.get("valid_from") and not data.get("DELETE") and form.is_valid():
                by_kind[data.get(self.kind_field)].append(form)
        for forms_of_kind in by_kind.values():
            ordered = sorted(forms_of_kind, key=lambda form: form.cleaned_data["valid_from"])
            for earlier, later in pairwise(ordered):
                end = earlier.cleaned_data["valid_to"]
                if end is None or end >= later.cleaned_data["valid_from"]:
                    later.add_error("valid_from", "ひとつ前の有効期間と重なっています。")
