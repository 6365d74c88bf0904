"""お知らせ: what a person was told."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from expenses.models import Notice
from masters.requests import SignedIn

PER_PAGE = 50


@login_required
@require_http_methods(["GET", "POST"])
def listing(request: SignedIn) -> HttpResponse:
    """All notices of the person, newest first; a POST marks them as read."""
    mine = Notice.objects.filter(to=request.user)
    if request.method == "POST":
        mine.filter(read_at__isnull=True).update(read_at=timezone.now())
        return redirect("expenses:notices")
    page = Paginator(mine, PER_PAGE).get_page(request.GET.get("page"))
    unread = Notice.objects.unread(request.user).exists()
    return render(request, "expenses/notices.html", {"page_obj": page, "has_unread": unread})


@login_required
@require_POST
def open_one(request: SignedIn, pk: int) -> HttpResponse:
    """Mark one as read and go where it leads."""
    notice = get_object_or_404(Notice, pk=pk, to=request.user)
    Notice.objects.unread(request.user).filter(pk=pk).update(read_at=timezone.now())
    return redirect(notice.path or "expenses:notices")
