from allauth.account import views as account
from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from rakuraku import help_pages
from rakuraku.health import healthz

# The admin's own login would be a way around the lock-out.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = "Rakuraku 管理"
admin.site.site_title = "Rakuraku 管理"
admin.site.index_title = "マスタと記録"

urlpatterns = [
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("admin/", admin.site.urls),
    path("punchout/", include("punchout.urls")),
    path("help/", help_pages.page, {"name": "index"}, name="help"),
    path("help/<slug:name>.md", help_pages.page, name="help-page"),
    path("healthz", healthz, name="healthz"),
    path("", include("expenses.urls")),
]
