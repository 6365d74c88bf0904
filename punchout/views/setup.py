"""初期設定チェック: what is missing for the catalogue, with the way to it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from expenses.signals import Blocked
from masters.requests import SignedIn
from punchout import probe, setup_check
from punchout.models import CatalogConnection

_sets_up = permission_required("punchout.change_catalogconnection", raise_exception=True)


@login_required
@_sets_up
@require_GET
def check(request: SignedIn) -> HttpResponse:
    """Every rule as a line."""
    findings = setup_check.check()
    context = {
        "findings": findings,
        "open_count": sum(not finding.holds for finding in findings),
        "connections": CatalogConnection.objects.usable(),
    }
    return render(request, "punchout/setup.html", context)


@login_required
@_sets_up
@require_POST
def try_connection(request: SignedIn, pk: int) -> HttpResponse:
    """「接続テスト」: ask the supplier for a start page in one's own name."""
    connection = get_object_or_404(CatalogConnection.objects.usable(), pk=pk)
    try:
        probe.ask_to_enter(connection, by=request.user)
    except Blocked as refused:
        messages.error(request, f"接続テストに失敗しました。{refused.reason}")
    else:
        messages.success(request, f"{connection.supplier_name}に接続できました。")
    return redirect("punchout:setup")
