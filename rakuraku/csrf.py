"""What a person reads whose form came from a page that is no longer valid."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render


def failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A login in a second tab goes on to the product; everything else is told in words."""
    if request.path.startswith("/accounts/login") and request.user.is_authenticated:
        return redirect("expenses:list")
    context = {
        "message": "画面が古くなっているため、受け付けられませんでした",
        "what_to_do": "入力した内容は保存されていません。前の画面に戻り、読み込み直してから、"
        "もう一度操作してください。",
    }
    return render(request, "400.html", context, status=403)
