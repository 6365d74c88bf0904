"""Who changed what, from which page, for the field history."""

from typing import Any

from django.http import HttpRequest
from pghistory.middleware import HistoryMiddleware as PghistoryMiddleware

from rakuraku.logs import without_secrets


class HistoryMiddleware(PghistoryMiddleware):
    """Records user and page with every change; the inbound URL's secret is left out."""

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().get_context(request)
        return {**context, "url": without_secrets(context["url"])}
