"""Writing a slip."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from expenses import lifecycle
from expenses.editing import SlipEditor
from expenses.models import Kind
from expenses.refusals import Invalid
from expenses.signals import Blocked
from masters.requests import SignedIn


@login_required
@require_http_methods(["GET", "POST"])
def new(request: SignedIn, kind: str) -> HttpResponse:
    """A slip that is not saved yet."""
    return _edit(request, SlipEditor(request, Kind(kind)))


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: SignedIn, number: str) -> HttpResponse:
    """A draft, or a slip that came back."""
    return _edit(request, SlipEditor(request, Kind.REQUEST, number))


def _edit(request: SignedIn, editor: SlipEditor) -> HttpResponse:
    if request.method == "GET":
        return editor.response()
    voucher = editor.save()
    if voucher is None:
        return editor.response()
    if request.POST.get("then") != "submit":
        messages.success(request, f"{voucher.number} を一時保存しました。")
        return redirect("expenses:edit", voucher.number)
    try:
        lifecycle.submit(voucher, by=request.user)
    except (Invalid, Blocked) as refused:
        # Saved, but not submitted: show the saved slip with the reasons.
        for text in getattr(refused, "problems", None) or [str(refused)]:
            messages.error(request, text)
        if isinstance(refused, Blocked) and refused.what_to_do:
            messages.warning(request, refused.what_to_do)
        return redirect("expenses:edit", voucher.number)
    messages.success(request, f"{voucher.number} を申請しました。")
    return redirect("expenses:detail", voucher.number)
