from django.urls import path, register_converter

from expenses.models import Kind
from expenses.views import detail, edit, lists, notices


class KindConverter:
    """種別 in a URL."""

    regex = "|".join(Kind.values)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return str(value)


register_converter(KindConverter, "kind")

app_name = "expenses"
urlpatterns = [
    path("", lists.mine, name="list"),
    path("inbox/", lists.inbox, name="inbox"),
    path("browse/", lists.browse, name="browse"),
    path("notices/", notices.listing, name="notices"),
    path("notices/<int:pk>/", notices.open_one, name="notice"),
    path("vouchers/new/<kind:kind>/", edit.new, name="new"),
    path("vouchers/<slug:number>/", detail.detail, name="detail"),
    path("vouchers/<slug:number>/edit/", edit.edit, name="edit"),
    path("vouchers/<slug:number>/<slug:action>/", detail.act, name="act"),
]
