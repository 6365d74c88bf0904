"""Forms of a slip. Field checks only; never a status, an applicant or a computed amount."""

import unicodedata

from django import forms
from django.utils import timezone

from expenses.choices import OptionField, Options
from expenses.drafts import Header, LineInput, choosable_breakdowns
from expenses.models import Kind, VoucherLine
from masters.models import (
    Breakdown,
    DeliveryAddress,
    Department,
    Employee,
    PaymentMethod,
    Project,
)

MAX_LINES = 2500
"""More than a cart may bring, with room for lines of the employee's own."""


class YenField(forms.IntegerField):
    """Whole yen as people type them: 10,466, ￥10466, full-width digits."""

    def to_python(self, value):
        if isinstance(value, str):
            value = unicodedata.normalize("NFKC", value).replace(",", "").replace("¥", "").strip()
        return super().to_python(value)


class _AddressField(forms.ModelChoiceField):
    def label_from_instance(self, obj: DeliveryAddress) -> str:  # type: ignore[override]
        return f"{obj.name}（{obj.one_line()}）"


class HeaderForm(forms.Form):
    """件名, 申請部門, 配送先 and 備考."""

    title = forms.CharField(
        label="件名",
        max_length=60,
        error_messages={"required": "件名を入力してください。"},
        widget=forms.TextInput(
            attrs={"placeholder": "例: 開発部の備品購入", "autocomplete": "off"}
        ),
    )
    department = forms.ModelChoiceField(
        label="申請部門", queryset=Department.objects.none(), empty_label=None
    )
    delivery_address = _AddressField(
        label="配送先",
        queryset=DeliveryAddress.objects.none(),
        required=False,
        empty_label="選択してください",
    )
    note = forms.CharField(
        label="備考", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args, kind: str, applicant: Employee, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department"].queryset = applicant.departments.order_by("affiliations__slot")
        if kind == Kind.REQUEST:
            places = DeliveryAddress.objects.usable_by(applicant)
            self.fields["delivery_address"].queryset = places
        else:
            del self.fields["delivery_address"]

    def header(self) -> Header:
        """The checked values."""
        data = self.cleaned_data
        return Header(
            title=data["title"],
            department=data["department"],
            note=data["note"],
            delivery_address=data.get("delivery_address"),
        )


class LineChoices:
    """What the selects of all rows offer, read once."""

    def __init__(self, lines: list[VoucherLine]) -> None:
        rows = Breakdown.objects.for_expenses().select_related("account", "tax_category")
        self.breakdowns = Options(rows.prefetch_related("tax_category__rates"))
        self.departments = Options(Department.objects.active())
        self.projects = Options(Project.objects.active())
        self.payment_methods = Options(PaymentMethod.objects.active())
        self._by_rate: dict = {}
        for line in lines:
            key = (line.date, line.tax_rate)
            if not line.is_manual and key not in self._by_rate:
                allowed = set(choosable_breakdowns(line).values_list("pk", flat=True))
                chosen = [row for row in self.breakdowns.rows.values() if row.pk in allowed]
                self._by_rate[key] = Options(chosen)

    def breakdowns_of(self, line: VoucherLine | None) -> Options:
        """Those a line may carry."""
        if line is None or line.is_manual:
            return self.breakdowns
        return self._by_rate[line.date, line.tax_rate]


class LineForm(forms.Form):
    """One line. On a supplier's line everything but 内訳, 負担部門, プロジェクト, 備考 is text."""

    pk = forms.IntegerField(required=False, widget=forms.HiddenInput)
    date = forms.DateField(
        label="利用日",
        initial=timezone.localdate,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "利用日を入力してください。"},
    )
    breakdown = OptionField(label="内訳", required=False)
    description = forms.CharField(
        label="内容", max_length=500, error_messages={"required": "内容を入力してください。"}
    )
    payee = forms.CharField(
        label="支払先",
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "支払先"}),
    )
    amount = YenField(
        label="金額（税込）",
        min_value=1,
        max_value=9_999_999_999,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "data-total": ""}),
        error_messages={
            "required": "金額を入力してください。",
            "invalid": "金額は 1 円単位の数字で入力してください。",
        },
    )
    payment_method = OptionField(label="支払方法", required=False)
    department = OptionField(label="負担部門", required=False, empty_label="部門")
    project = OptionField(label="プロジェクト", required=False, empty_label="プロジェクト")
    note = forms.CharField(label="備考", max_length=200, required=False)

    SUPPLIERS = ("date", "description", "payee", "amount", "payment_method")

    def __init__(
        self, *args, choices: LineChoices, known: dict[int, VoucherLine], **kwargs
    ) -> None:
        super().__init__(*args, **kwargs)
        self.line = known.get(self._posted_pk() or 0)
        self.fields["breakdown"].offer(choices.breakdowns_of(self.line))
        self.fields["department"].offer(choices.departments)
        self.fields["project"].offer(choices.projects)
        self.fields["payment_method"].offer(choices.payment_methods)
        if self.line is not None and not self.line.is_manual:
            for name in self.SUPPLIERS:
                del self.fields[name]
        for name in self.fields:
            # The table's header names the column; a screen reader needs it at the control.
            self.fields[name].widget.attrs.setdefault("aria-label", self.fields[name].label or "")

    def _posted_pk(self) -> int | None:
        value = self.data.get(self.add_prefix("pk")) if self.is_bound else self.initial.get("pk")
        try:
            return int(value or "")
        except (TypeError, ValueError):
            return None

    def entry(self) -> LineInput:
        """The checked values."""
        data = {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in ("pk", forms.formsets.DELETION_FIELD_NAME)
        }
        return LineInput(pk=self.line.pk if self.line else None, **data)


class LineFormSet(
    forms.formset_factory(  # type: ignore[misc]
        LineForm, extra=0, can_delete=True, max_num=MAX_LINES, validate_max=True
    )
):
    """All lines of a slip."""

    def entries(self) -> list[LineInput]:
        """Lines to keep, in their order; untouched blank rows and deleted ones are left out."""
        return [
            form.entry()
            for form in self.forms
            if (form.has_changed() or form.line is not None)
            and not (form.cleaned_data or {}).get(forms.formsets.DELETION_FIELD_NAME)
        ]
