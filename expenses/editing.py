"""The edit page of a slip: binds the forms, saves through the verbs, shows what is wrong.

Used by the page itself and by other apps' buttons on it, which save first and then go on.
"""

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from expenses import drafts
from expenses.forms import HeaderForm, LineChoices, LineFormSet
from expenses.models import Kind, Voucher, VoucherLine
from expenses.refusals import Invalid, NotAllowed, Outdated, WrongStatus
from expenses.roles import possible_actions
from expenses.tax import totals_by_rate
from expenses.transitions import EDITABLE, Action
from masters.models import DeliveryAddress, Deputy, Employee
from masters.requests import SignedIn

BLANK_ROWS = 1


class SlipEditor:
    """One slip on the edit page; ``voucher`` is None until a new one is first saved."""

    def __init__(self, request: SignedIn, kind: str, number: str | None = None) -> None:
        self.request = request
        self.voucher = None
        if number:
            self.voucher = get_object_or_404(
                Voucher.objects.visible_to(request.user).select_related(
                    "applicant", "department", "delivery_address", "request"
                ),
                # PostgreSQL has no text with NUL; no number has it either.
                number=number.replace("\x00", "?"),
            )
            kind = self.voucher.kind
        self.kind = Kind(kind)
        self._new_for = self._chosen_applicant()
        self.problems: list[str] = []
        self._status = 400 if request.method == "POST" else 200
        self.version = self._version()
        self.lines = self._lines()
        data = request.POST if request.method == "POST" else None
        self._bind(data)

    @property
    def applicant(self):
        """Whose slip it is."""
        return self.voucher.applicant if self.voucher else self._new_for

    def save(self) -> Voucher | None:
        """Save what was posted; None when something is wrong, and ``response()`` shows it.

        Raises ``WrongStatus`` and ``NotAllowed`` like the verb.
        """
        if not (self.header.is_valid() & self.rows.is_valid()):
            return None
        try:
            with transaction.atomic():
                voucher = self.voucher or drafts.create(
                    self.kind,
                    by=self.request.user,
                    header=self.header.header(),
                    applicant=self.applicant,
                )
                return drafts.save(
                    voucher,
                    by=self.request.user,
                    version=self.version if self.voucher else voucher.version,
                    header=self.header.header(),
                    lines=self.rows.entries(),
                )
        except (Invalid, Outdated) as refused:
            self.problems += getattr(refused, "problems", [str(refused)])
            if isinstance(refused, Outdated):
                self._status = 409
                # They have been told: saving once more is meant.
                self.version = refused.voucher.version
            return None

    def response(self) -> HttpResponse:
        """The page, with what was typed and what is wrong with it."""
        if self.voucher and self.voucher.status not in EDITABLE:
            raise WrongStatus(self.voucher, Action.EDIT)
        if self.voucher and Action.EDIT not in possible_actions(self.request.user, self.voucher):
            raise NotAllowed(Action.EDIT)
        return render(
            self.request,
            "expenses/edit.html",
            {
                "voucher": self.voucher,
                "version": self.version,
                "kind": self.kind,
                "applicant": self.applicant,
                "principals": [] if self.voucher else self._principals(),
                "form": self.header,
                "formset": self.rows,
                "problems": self.problems,
                "lines": self.lines,
                "totals": totals(self.lines),
            },
            status=self._status,
        )

    def _principals(self) -> list[Employee]:
        """Those for whom the person may write a new slip today."""
        powers = [Deputy.Power.FULL, Deputy.Power.ENTRY]
        deputised = Deputy.objects.on(timezone.localdate()).filter(power__in=powers)
        return list(
            Employee.objects.active()
            .filter(deputies__in=deputised.filter(deputy=self.request.user))
            .distinct()
        )

    def _chosen_applicant(self) -> Employee:
        """Whose new slip it is: one's own, unless another employee's code is named."""
        code = self.request.POST.get("applicant") or self.request.GET.get("for")
        if self.voucher or not code or code == self.request.user.code:
            return self.request.user
        found = [person for person in self._principals() if person.code == code]
        if not found:
            raise NotAllowed(Action.EDIT)
        return found[0]

    def _lines(self) -> list[VoucherLine]:
        if self.voucher is None:
            return []
        return list(self.voucher.lines.order_by("position"))

    def _version(self) -> int:
        """That of the slip when the page was opened."""
        if self.voucher is None:
            return 0
        if self.request.method != "POST":
            return self.voucher.version
        try:
            return int(self.request.POST.get("version", ""))
        except ValueError:
            return 0

    def _bind(self, data) -> None:
        voucher = self.voucher
        initial = {
            "title": voucher.title if voucher else "",
            "department": voucher.department_id if voucher else _first_department(self.applicant),
            "note": voucher.note if voucher else "",
            "delivery_address": voucher.delivery_address_id if voucher else _default_address(),
        }
        self.header = HeaderForm(data, initial=initial, kind=self.kind, applicant=self.applicant)
        known = {line.pk: line for line in self.lines}
        rows = [_row(line) for line in self.lines]
        blank = 0 if any(not line.is_manual for line in self.lines) else BLANK_ROWS
        self.rows = LineFormSet(
            data,
            prefix="lines",
            initial=rows,
            form_kwargs={"choices": LineChoices(self.lines), "known": known},
        )
        self.rows.extra = blank


def totals(lines: list[VoucherLine]) -> dict:
    """Sums by rate and overall, as ``shared/_totals.html`` shows them; amounts in 円."""
    rows = [
        {
            "label": "税率の記載なし" if row.rate is None else f"{row.rate.normalize():f}% 対象",
            "net": row.amount - row.tax,
            "tax": row.tax,
            "gross": row.amount,
        }
        for row in totals_by_rate(lines)
    ]
    return {
        "rows": rows,
        "net": sum(row["net"] for row in rows),
        "tax": sum(row["tax"] for row in rows),
        "gross": sum(row["gross"] for row in rows),
    }


def _row(line: VoucherLine) -> dict:
    return {
        "pk": line.pk,
        "date": line.date,
        "breakdown": line.breakdown_id,
        "description": line.description,
        "payee": line.payee,
        "amount": line.amount,
        "payment_method": line.payment_method_id,
        "department": line.department_id,
        "project": line.project_id,
        "note": line.note,
    }


def _first_department(person) -> int | None:
    affiliation = person.affiliations.order_by("slot").first()
    return affiliation.department_id if affiliation else None


def _default_address() -> int | None:
    place = DeliveryAddress.objects.active().filter(is_default=True).first()
    return place.pk if place else None
