from django.urls import path

from punchout.views import inbound, settle, shopping

app_name = "punchout"
urlpatterns = [
    path("shop/<int:connection_pk>/", shopping.shop, name="shop"),
    path("go/<int:pk>/", shopping.go, name="go"),
    path("return", shopping.receive, name="return"),
    path("carts/<int:pk>/", shopping.cart, name="cart"),
    path("cxml/<str:token>", inbound.receive, name="inbound"),
    path("settle/", settle.choose_request, name="settle"),
    path("settle/<slug:number>/", settle.choose_records, name="settle-request"),
]
