"""Refusals of verbs as pages: 409 with the present state, 403, 400. Never a 500."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from expenses.refusals import Invalid, NotAllowed, Outdated, WrongStatus
from expenses.signals import Blocked


class RefusalMiddleware:
    """Answers for every view that does not show a refusal in a page of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        match error:
            case WrongStatus() | Outdated():
                number = error.voucher.number
                context = {
                    "message": str(error),
                    "voucher": error.voucher,
                    "back_url": reverse("expenses:detail", args=[number]),
                }
                return render(request, "409.html", context, status=409)
            case NotAllowed():
                return render(request, "403.html", {"message": str(error)}, status=403)
            case Invalid():
                return render(request, "400.html", {"message": str(error)}, status=400)
            case Blocked():
                context = {"message": error.reason, "what_to_do": error.what_to_do}
                return render(request, "400.html", context, status=400)
        return None
