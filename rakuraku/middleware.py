"""What stands around every page: who changed what, and plain answers to what no page can use."""

from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from pghistory.middleware import HistoryMiddleware as PghistoryMiddleware
from redis.exceptions import RedisError

from rakuraku.logs import without_secrets

logger = structlog.get_logger(__name__)


class HistoryMiddleware(PghistoryMiddleware):
    """Records user and page with every change; the inbound URL's secret is left out."""

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().get_context(request)
        return {**context, "url": without_secrets(context["url"])}


def _in_foreign_letters(request: HttpRequest) -> bool:
    """Whether Django would read a form in letters it may fail on; not so what suppliers post."""
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    is_form = request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data")
    if charset in ("utf-8", "utf8", "us-ascii") or not is_form:
        return False
    suppliers = (reverse("punchout:return"), reverse("punchout:inbound", args=["-"]).rstrip("-"))
    return not request.path.startswith(suppliers)


class PlainRefusalMiddleware:
    """Answers for what no page can use: odd letters, far-off dates, a login without Redis."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # PostgreSQL has no text with NUL; a filter or search with one would be an error page.
        if "%00" in request.META.get("QUERY_STRING", "") or "\x00" in request.path:
            message = "使えない文字を含むアドレスです。"
            return render(request, "400.html", {"message": message}, status=400)
        if _in_foreign_letters(request):
            message = "フォームの文字コードは UTF-8 だけを受け付けます。"
            return render(request, "400.html", {"message": message}, status=400)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, OverflowError) and request.method == "GET":
            # A number in the address that no date or column can hold.
            message = "アドレスの数字が大きすぎます。"
            return render(request, "400.html", {"message": message}, status=400)
        if not isinstance(error, RedisError):
            return None
        # Without the shared counters a login could be guessed without end: refused, not waved on.
        logger.error("redis_away", path=without_secrets(request.path))
        context = {
            "message": "ただいま処理できません。",
            "what_to_do": "少し待ってから、もう一度お試しください。",
        }
        return render(request, "400.html", context, status=503)
