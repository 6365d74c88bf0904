"""Shopping, seen from the browser: to the shop, and back with the cart."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseRedirectBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from expenses.editing import SlipEditor, totals
from expenses.models import Kind, Origin
from expenses.signals import Blocked
from masters.requests import SignedIn
from punchout import carts, cxml, limits, sessions
from punchout.identifiers import public_url
from punchout.models import CatalogConnection, ShoppingSession
from punchout.views.posted import cart_message


class SeeOther(HttpResponseRedirectBase):
    """303: the browser goes on with GET, whatever it came with."""

    status_code = 303


@login_required
@require_POST
def shop(request: SignedIn, connection_pk: int) -> HttpResponse:
    """「カタログ連携」: save the request as posted, then ask the supplier for its start page."""
    connection = get_object_or_404(CatalogConnection.objects.usable(), pk=connection_pk)
    editor = SlipEditor(request, Kind.REQUEST, request.POST.get("number") or None)
    voucher = editor.save()
    if voucher is None:
        return editor.response()
    try:
        _refuse_phone(request)
        session = sessions.start(
            voucher,
            connection,
            by=request.user,
            return_url=public_url(reverse("punchout:return")),
        )
    except Blocked as blocked:
        messages.error(request, f"{blocked.reason} {blocked.what_to_do}".strip())
        return SeeOther(reverse("expenses:edit", args=[voucher.number]))
    return SeeOther(reverse("punchout:go", args=[session.pk]))


@login_required
@require_POST
def discard(request: SignedIn) -> HttpResponse:
    """「カタログの明細をすべて外す」: save the request as posted, then without those lines."""
    editor = SlipEditor(request, Kind.REQUEST, request.POST.get("number") or None)
    voucher = editor.save()
    if voucher is None:
        return editor.response()
    carts.discard(voucher, by=request.user)
    messages.success(request, "カタログの明細を外しました。承認されても発注はされません。")
    return SeeOther(reverse("expenses:edit", args=[voucher.number]))


def _refuse_phone(request: HttpRequest) -> None:
    """Desktop browsers only (DOMAIN §1.12)."""
    agent = request.META.get("HTTP_USER_AGENT", "")
    if "Mobi" in agent or request.META.get("HTTP_SEC_CH_UA_MOBILE") == "?1":
        raise Blocked(
            "スマートフォンのブラウザーからはカタログ連携を使えません。",
            "下書きは保存しました。パソコンのブラウザーで開いてください。",
        )


@login_required
def go(request: SignedIn, pk: int) -> HttpResponse:
    """「移動します」: our own page that leads to the shop.

    A redirect to the supplier straight from a form POST would break CSP form-action.
    """
    session = _own_session(request, pk)
    if session.state != ShoppingSession.State.SHOPPING:
        return redirect("expenses:edit", session.voucher.number)
    return render(request, "punchout/go.html", {"session": session})


@csrf_exempt
@require_http_methods(["GET", "POST"])
def receive(request: HttpRequest) -> HttpResponse:
    """The cart's way back: a cross-site POST without our session cookie.

    It only stores, found by the one-time buyer cookie; the page it leads to asks for the login.
    """
    if request.method == "GET":
        return redirect("expenses:list")
    if limits.too_many("cart", limits.address_of(request), settings.CARTS_PER_MINUTE):
        reason = "短い時間に多くのカートが届きました。1 分ほど待って、再送信してください。"
        return _refused(request, reason, status=429)
    try:
        message = cart_message(request)
    except cxml.Unreadable as error:
        sessions.note_stray(error.reason)
        return _refused(request, error.reason)
    try:
        session = sessions.receive(message)
    except sessions.CartRefused as refused:
        return _refused(request, str(refused))
    return SeeOther(reverse("punchout:cart", args=[session.pk]))


def _refused(request: HttpRequest, reason: str, *, status: int = 400) -> HttpResponse:
    return render(request, "punchout/cart_refused.html", {"reason": reason}, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def cart(request: SignedIn, pk: int) -> HttpResponse:
    """The received cart becomes lines; a second one asks before it replaces the first."""
    session = _own_session(request, pk)
    number = session.voucher.number
    if session.state == ShoppingSession.State.ENDED:
        messages.info(
            request, "カタログを終了しました。カートは空だったため、明細は変わっていません。"
        )
        return redirect("expenses:edit", number)
    already = session.state == ShoppingSession.State.APPLIED
    try:
        carts.apply(session, by=request.user, replace=request.method == "POST")
    except carts.CartUnusable as unusable:
        return render(
            request, "punchout/cart_problem.html", {"session": session, "reason": str(unusable)}
        )
    except carts.NeedsConfirmation:
        return _ask(request, session)
    if not already:
        messages.success(
            request, "カートの内容を明細に反映しました。内訳を確認して申請してください。"
        )
    return redirect("expenses:edit", number)


def _ask(request: SignedIn, session: ShoppingSession) -> HttpResponse:
    cart = cxml.read_cart(bytes(session.cart.raw))
    planned = list(carts.plan_lines(cart, session.connection))
    old = list(session.voucher.lines.filter(origin=Origin.CATALOGUE).order_by("position"))
    context = {
        "session": session,
        "old": old,
        "old_totals": totals(old),
        "new": planned,
        "new_total": sum(line.amount for line in planned),
    }
    return render(request, "punchout/cart_replace.html", context)


def _own_session(request: SignedIn, pk: int) -> ShoppingSession:
    return get_object_or_404(
        ShoppingSession.objects.select_related("voucher", "connection"),
        pk=pk,
        employee=request.user,
    )
