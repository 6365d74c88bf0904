"""The tabs at the top of every page."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from expenses.models import Voucher


def tabs(request: HttpRequest) -> dict:
    """Context processor: ``nav_tabs`` as ``base.html`` shows them, and ``waiting_count``."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    path = request.path
    waiting = Voucher.objects.waiting_for(user, on=timezone.localdate()).count()
    found = [
        {
            "label": "申請・承認",
            "url": reverse("expenses:list"),
            "active": path == "/" or path.startswith(("/inbox", "/vouchers", "/punchout")),
            "count": waiting,
        },
        {
            "label": "閲覧",
            "url": reverse("expenses:browse"),
            "active": path.startswith("/browse"),
            "count": 0,
        },
    ]
    if user.is_staff:
        found.append({"label": "管理", "url": reverse("admin:index"), "active": False, "count": 0})
    return {"nav_tabs": found, "waiting_count": waiting}
