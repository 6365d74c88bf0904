"""Options of masters for line forms, read once per page and shared by every row.

Thirty rows with five selects each would otherwise run 150 queries and render thousands of options.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from django import forms
from django.db.models import Model
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe


class Options:
    """The rows a select offers, and their HTML."""

    def __init__(self, rows: Iterable[Model], label: Callable[[Any], str] = str) -> None:
        self.rows = {str(row.pk): row for row in rows}
        self._label = label

    @cached_property
    def _html(self) -> SafeString:
        return format_html_join(
            "",
            '<option value="{}">{}</option>',
            ((pk, self._label(row)) for pk, row in self.rows.items()),
        )

    def html(self, selected: str) -> SafeString:
        """All options, the one with the primary key ``selected`` chosen."""
        if selected not in self.rows:
            return self._html
        plain = f'<option value="{selected}">'
        chosen = f'<option value="{selected}" selected>'
        # Built from the escaped text above and a primary key that is known to be among the rows.
        return mark_safe(self._html.replace(plain, chosen, 1))  # noqa: S308


class OptionSelect(forms.Widget):
    """A select over :class:`Options`."""

    empty_label = "選択"

    def __init__(self, options: Options | None = None, attrs: dict | None = None) -> None:
        super().__init__(attrs)
        self.options = options or Options([])

    def render(self, name, value, attrs=None, renderer=None) -> SafeString:
        final = forms.utils.flatatt({**self.build_attrs(self.attrs, attrs), "name": name})
        chosen = "" if value is None else str(getattr(value, "pk", value))
        return format_html(
            '<select{}><option value="">{}</option>{}</select>',
            final,
            self.empty_label,
            self.options.html(chosen),
        )


class OptionField(forms.Field):
    """A choice among the shared options; gives the model instance, or None when empty."""

    widget = OptionSelect
    default_error_messages = {"invalid_choice": "選択肢にない値です。選び直してください。"}

    def __init__(self, *, empty_label: str = OptionSelect.empty_label, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.empty_label = empty_label

    def offer(self, options: Options) -> None:
        """Offer these rows, whatever was offered before."""
        self.options = options
        self.widget.options = options

    def prepare_value(self, value: Any) -> Any:
        return getattr(value, "pk", value)

    def to_python(self, value: Any) -> Model | None:
        if value in self.empty_values:
            return None
        try:
            return self.options.rows[str(value)]
        except KeyError:
            raise forms.ValidationError(
                self.error_messages["invalid_choice"], code="invalid_choice"
            ) from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return str(getattr(initial, "pk", initial) or "") != str(data or "")
