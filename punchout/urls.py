from django.urls import path

from punchout.views import inbound, orders, settle, setup, shopping

app_name = "punchout"
urlpatterns = [
    path("shop/<int:connection_pk>/", shopping.shop, name="shop"),
    path("discard/", shopping.discard, name="discard"),
    path("go/<int:pk>/", shopping.go, name="go"),
    path("return", shopping.receive, name="return"),
    path("carts/<int:pk>/", shopping.cart, name="cart"),
    path("cxml/<str:token>", inbound.receive, name="inbound"),
    path("orders/", orders.status, name="orders"),
    path("orders/rows/<int:pk>/", orders.decide_row, name="decide-row"),
    path("orders/<slug:number>/", orders.order, name="order"),
    path("orders/<slug:number>/cancel/", orders.cancel, name="cancel"),
    path("setup/", setup.check, name="setup"),
    path("setup/<int:pk>/try/", setup.try_connection, name="try-connection"),
    path("settle/", settle.choose_request, name="settle"),
    path("settle/<slug:number>/", settle.choose_records, name="settle-request"),
]
