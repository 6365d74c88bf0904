"""Whether this process can do its work."""

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse


def healthz(request: HttpRequest) -> JsonResponse:
    """200 when database and Redis answer, else 503 with which one does not."""
    state = {"database": _answers(_database), "redis": _answers(_redis)}
    return JsonResponse(state, status=200 if all(state.values()) else 503)


def _answers(question) -> bool:
    try:
        question()
    except Exception:
        return False
    return True


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _redis() -> None:
    cache.get("healthz")
