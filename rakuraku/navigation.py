"""The tabs at the top of every page."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from expenses.models import Notice, Voucher


def tabs(request: HttpRequest) -> dict:
    """Context processor: ``nav_tabs`` as ``base.html`` shows them, and ``waiting_count``."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    path = request.path
    accounting = path.startswith(reverse("punchout:orders"))
    setting_up = path.startswith(reverse("punchout:setup"))
    own = path == "/" or path.startswith(("/inbox", "/vouchers", "/punchout"))
    waiting = Voucher.objects.waiting_for(user, on=timezone.localdate()).count()
    found = [
        {
            "label": "申請・承認",
            "url": reverse("expenses:list"),
            "active": own and not (accounting or setting_up),
            "count": waiting,
        },
        {
            "label": "閲覧",
            "url": reverse("expenses:browse"),
            "active": path.startswith("/browse"),
            "count": 0,
        },
    ]
    if user.has_perm("punchout.handle_orders"):
        found.append(
            {
                "label": "経理処理",
                "url": reverse("punchout:orders"),
                "active": accounting,
                "count": 0,
            }
        )
    found.append(
        {
            "label": "お知らせ",
            "url": reverse("expenses:notices"),
            "active": path.startswith("/notices"),
            "count": Notice.objects.unread(user).count(),
        }
    )
    if user.has_perm("punchout.change_catalogconnection"):
        found.append(
            {
                "label": "初期設定",
                "url": reverse("punchout:setup"),
                "active": setting_up,
                "count": 0,
            }
        )
    if user.is_staff:
        found.append({"label": "管理", "url": reverse("admin:index"), "active": False, "count": 0})
    return {"nav_tabs": found, "waiting_count": waiting, "help_url": reverse("help")}
