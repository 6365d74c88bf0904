"""The product's pages, and an empty one in its base template: the unit of page cost."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import include, path

urlpatterns = [
    path("benchmark/empty/", login_required(lambda request: render(request, "base.html"))),
    path("", include("rakuraku.urls")),
]
