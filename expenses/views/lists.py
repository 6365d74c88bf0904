"""Lists of slips."""

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from expenses.models import Kind, Voucher
from expenses.transitions import Status
from masters.requests import SignedIn

PAGE = 50


class Filters(forms.Form):
    """What narrows a list; anything unreadable is left out rather than refused."""

    q = forms.CharField(
        label="検索",
        required=False,
        max_length=60,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "伝票No.・件名・申請者", "autocomplete": "off"}
        ),
    )
    kind = forms.ChoiceField(
        label="種別",
        required=False,
        choices=[("", "すべて"), *Kind.choices],
        widget=forms.Select(attrs={"data-auto-submit": ""}),
    )
    status = forms.ChoiceField(
        label="状態",
        required=False,
        choices=[
            ("", "すべて"),
            *(choice for choice in Status.choices if choice[0] != Status.DELETED),
        ],
        widget=forms.Select(attrs={"data-auto-submit": ""}),
    )

    def narrow(self, slips):
        """``slips`` that match everything set."""
        self.is_valid()
        chosen = self.cleaned_data
        if chosen.get("kind"):
            slips = slips.filter(kind=chosen["kind"])
        if chosen.get("status"):
            slips = slips.filter(status=chosen["status"])
        if chosen.get("q"):
            word = chosen["q"].strip()
            slips = slips.filter(
                Q(number__icontains=word)
                | Q(title__icontains=word)
                | Q(applicant__name__icontains=word)
            )
        return slips


@login_required
@require_GET
def mine(request: SignedIn) -> HttpResponse:
    """申請・承認: the person's own slips."""
    return _list(request, Voucher.objects.written_by(request.user), "mine")


@login_required
@require_GET
def inbox(request: SignedIn) -> HttpResponse:
    """申請・承認: slips that wait for the person's decision."""
    slips = Voucher.objects.waiting_for(request.user, on=timezone.localdate())
    return _list(request, slips, "inbox")


@login_required
@require_GET
def browse(request: SignedIn) -> HttpResponse:
    """閲覧: every slip the person may see."""
    return _list(request, Voucher.objects.visible_to(request.user), "browse")


def _list(request: SignedIn, slips, section: str) -> HttpResponse:
    filters = Filters(request.GET or None)
    if filters.is_bound:
        slips = filters.narrow(slips)
    slips = slips.select_related("applicant").order_by("-created_at", "-pk")
    page = Paginator(slips, PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "expenses/list.html",
        {
            "section": section,
            "page_obj": page,
            "filters": filters,
            "is_filtered": any(request.GET.get(name) for name in filters.fields),
        },
    )
