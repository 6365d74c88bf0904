"""発注状況, and the page on which a person decides about one order."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from expenses.models import Voucher
from expenses.refusals import Invalid
from expenses.signals import Blocked
from masters.requests import SignedIn
from punchout import cancellation, history, progress, resolution, waiting
from punchout.models import CancelRequest, PurchaseOrder, RowDecision, SourceRow

_handles_orders = permission_required("punchout.handle_orders", raise_exception=True)


@login_required
@_handles_orders
@require_GET
def status(request: SignedIn) -> HttpResponse:
    """What waits, since when, and what needs a person."""
    return render(request, "punchout/orders.html", waiting.overview(request.user))


@login_required
@_handles_orders
@require_http_methods(["GET", "POST"])
def order(request: SignedIn, number: str) -> HttpResponse:
    """One order: what came of it, what to look up at the supplier, and the decisions."""
    found = _order(request, number)
    problems: list[str] = []
    if request.method == "POST":
        action = request.POST.get("action", "")
        verb = _DECISIONS.get(action)
        if verb is None:
            raise Http404
        try:
            done = verb(request, found)
        except Invalid as refused:
            problems = refused.problems
        except Blocked as refused:
            problems = [text for text in (refused.reason, refused.what_to_do) if text]
        else:
            messages.success(request, done)
            return redirect("punchout:orders")
    placed = progress.of_order(found)
    context = {
        "order": found,
        "placed": placed,
        "orders": [placed],
        "lookup": waiting.lookup(found),
        "attempts": found.attempts.all(),
        "cancel_requests": waiting.cancel_requests(found),
        "problems": problems,
        "typed": request.POST,
    }
    return render(request, "punchout/order.html", context, status=400 if problems else 200)


@login_required
@require_http_methods(["GET", "POST"])
def cancel(request: SignedIn, number: str) -> HttpResponse:
    """キャンセル依頼: which goods, why, and what happens then."""
    found = _order(request, number)
    if not cancellation.may_request(request.user, found):
        raise Http404
    problems: list[str] = []
    if request.method == "POST":
        try:
            quantities = _quantities(request)
            cancellation.request(found, quantities, reason=_reason(request), by=request.user)
        except Invalid as refused:
            problems = refused.problems
        else:
            messages.success(
                request,
                "キャンセルを依頼しました。まだ取り消されていません。"
                f"次に {found.connection.supplier_name} の画面でキャンセルしてください。",
            )
            return redirect("punchout:cancel", number)
    asked = waiting.cancel_requests(found)
    asked_lines = {one.order_line_id for one in asked if one.state == CancelRequest.State.REQUESTED}
    lines = [
        {
            "line": line,
            "most": 0 if line.pk in asked_lines else cancellation.cancellable(line),
            "asked": line.pk in asked_lines,
            "typed": request.POST.get(f"quantity-{line.line_number}", ""),
        }
        for line in found.lines.order_by("line_number")
    ]
    context = {
        "order": found,
        "lines": lines,
        "can_ask": any(row["most"] for row in lines),
        "lookup": waiting.lookup(found),
        "cancel_requests": asked,
        "problems": problems,
        "reason": _reason(request),
        "now": timezone.now(),
    }
    return render(request, "punchout/cancel.html", context, status=400 if problems else 200)


@login_required
@_handles_orders
@require_POST
def decide_row(request: SignedIn, pk: int) -> HttpResponse:
    """What a person says about a 要確認 row of the purchase history."""
    row = get_object_or_404(SourceRow.objects.select_related("history_import"), pk=pk)
    verdict = request.POST.get("verdict", "")
    if verdict not in RowDecision.Verdict.values:
        raise Http404
    try:
        history.decide(
            row, verdict=RowDecision.Verdict(verdict), reason=_reason(request), by=request.user
        )
    except Invalid as refused:
        context = {**waiting.overview(request.user), "problems": refused.problems}
        return render(request, "punchout/orders.html", context, status=400)
    messages.success(request, "購入データの行を処理しました。")
    return redirect("punchout:orders")


def _order(request: SignedIn, number: str) -> PurchaseOrder:
    slips = Voucher.objects.visible_to(request.user)
    orders = PurchaseOrder.objects.defer("document").select_related(
        "connection", "voucher__applicant", "replaces"
    )
    return get_object_or_404(orders.filter(voucher__in=slips), number=number)


def _reason(request: SignedIn) -> str:
    return request.POST.get("reason", "").replace("\x00", "").strip()[:500]


def _quantities(request: SignedIn) -> dict[int, int]:
    found = {}
    for name, value in request.POST.items():
        prefix, _, number = name.partition("quantity-")
        text = str(value).strip()
        if prefix or not number.isdecimal() or len(number) > 6 or text in ("", "0"):
            continue
        if not (text.isdecimal() and len(text) <= 6):
            raise Invalid(f"{number} 行目の数量は 0 以上の整数で入力してください。")
        found[int(number)] = int(text)
    return found


def _close(*, done: bool) -> Callable[[SignedIn, PurchaseOrder], str]:
    def run(request: SignedIn, order: PurchaseOrder) -> str:
        key = request.POST.get("cancel_request", "")
        if not (key.isdecimal() and len(key) <= 18):
            raise Http404
        asked = get_object_or_404(CancelRequest, pk=int(key), order_line__order=order)
        cancellation.close(asked, done=done, reason=_reason(request), by=request.user)
        return "キャンセル済にしました。" if done else "キャンセル失敗にしました。"

    return run


def _decide(verb: Callable, said: str) -> Callable[[SignedIn, PurchaseOrder], str]:
    def run(request: SignedIn, order: PurchaseOrder) -> str:
        result = verb(order, reason=_reason(request), by=request.user)
        return f"発注 {order.number} {said}".replace("{new}", result.number)

    return run


_DECISIONS: dict[str, Callable[[SignedIn, PurchaseOrder], str]] = {
    "accept": _decide(resolution.accept, "を発注済にしました。"),
    "resend": _decide(resolution.resend, "の同じ注文をもう一度送ります。"),
    "cancel": _decide(resolution.cancel, "を取り消しました。必要なら再発注できます。"),
    "reorder": _decide(resolution.reorder, "の代わりに {new} を発注します。"),
    "acknowledge": _decide(resolution.acknowledge, "を確認済みにしました。"),
    "cancel-done": _close(done=True),
    "cancel-failed": _close(done=False),
}
