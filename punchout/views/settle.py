"""経費精算 from purchase data: choose the 申請No., then what to settle."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from expenses.models import Kind, Voucher
from expenses.refusals import Invalid
from expenses.transitions import Status
from masters.requests import SignedIn
from punchout import settling
from punchout.models import PurchaseRecord


@login_required
@require_GET
def choose_request(request: SignedIn) -> HttpResponse:
    """Approved requests of the person, those with purchase data to settle first."""
    unsettled = PurchaseRecord.objects.unsettled().values("pk")
    slips = (
        _own_requests(request)
        .select_related("applicant")
        .annotate(
            unsettled=Count(
                "purchase_orders__records",
                filter=Q(purchase_orders__records__in=unsettled),
                distinct=True,
            )
        )
        .order_by("-unsettled", "-approved_at")[:100]
    )
    return render(request, "punchout/settle_choose.html", {"vouchers": slips})


@login_required
@require_http_methods(["GET", "POST"])
def choose_records(request: SignedIn, number: str) -> HttpResponse:
    """The purchase data of one request; what is ticked becomes the lines of a 経費精算."""
    voucher = get_object_or_404(_own_requests(request), number=number)
    problems: list[str] = []
    if request.method == "POST":
        chosen = [
            int(pk) for pk in request.POST.getlist("record") if pk.isdecimal() and len(pk) <= 18
        ]
        try:
            settlement = settling.start(voucher, by=request.user, record_ids=chosen)
        except Invalid as refused:
            problems = refused.problems
        else:
            messages.success(
                request,
                f"{settlement.number} を作りました。内容を確認して申請してください。",
            )
            return redirect("expenses:edit", settlement.number)
    rows = settling.choices(voucher)
    context = {
        "voucher": voucher,
        "rows": rows,
        "can_settle": any(row.selectable for row in rows),
        "has_difference": any(row.selectable and row.differs for row in rows),
        "problems": problems,
    }
    return render(request, "punchout/settle_records.html", context, status=400 if problems else 200)


def _own_requests(request: SignedIn):
    return Voucher.objects.written_by(request.user).filter(
        kind=Kind.REQUEST, status=Status.APPROVED
    )
