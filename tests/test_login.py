"""Login by 社員コード or E-MAIL, lock-out, and the one way into the admin."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import NoReverseMatch, reverse

from masters.models import Employee

pytestmark = pytest.mark.django_db

PASSWORD = "とても長い合言葉-2026"
LOGIN = "/accounts/login/"


@pytest.fixture
def employee():
    return Employee.objects.create_user("1001", "田中 美咲", PASSWORD, email="Tanaka@Example.JP")


def log_in(client, login, password=PASSWORD, **extra):
    return client.post(LOGIN, {"login": login, "password": password, **extra})


@pytest.mark.parametrize("login", ["1001", "tanaka@example.jp", "TANAKA@example.jp"])
def test_employee_code_or_email_in_any_case_logs_in(client, employee, login):
    response = log_in(client, login)
    assert response.status_code == 302
    assert client.get("/").status_code == 200


def test_logout_ends_the_session(client, employee):
    log_in(client, "1001")
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get("/")["Location"].startswith(LOGIN)


@pytest.mark.parametrize("login", ["1001", "9999", "nobody@example.jp"])
def test_a_wrong_login_does_not_tell_which_part_was_wrong(client, employee, login):
    page = log_in(client, login, "wrong").content.decode()
    assert "社員コードまたは E-MAIL か、パスワードが違います" in page


def test_wrong_tries_lock_the_account_out_even_with_the_right_password(client, employee):
    for _ in range(5):
        log_in(client, "1001", "wrong")
    page = log_in(client, "1001")
    assert page.status_code != 302
    assert "しばらくログインできません" in page.content.decode()


def test_too_many_tries_from_one_address_get_a_page_that_says_what_to_do(client):
    for number in range(60):
        log_in(client, f"nobody-{number}", "")
    page = log_in(client, "1001")
    assert page.status_code == 429
    assert "しばらく待って" in page.content.decode()


def test_behind_a_proxy_one_address_does_not_stop_another(client, employee, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for number in range(61):
        client.post(LOGIN, {"login": f"n{number}"}, HTTP_X_FORWARDED_FOR="203.0.113.7")
    assert client.post(LOGIN, HTTP_X_FORWARDED_FOR="203.0.113.7").status_code == 429
    fresh = {"login": "1001", "password": PASSWORD}
    assert client.post(LOGIN, fresh, HTTP_X_FORWARDED_FOR="203.0.113.8").status_code == 302


def test_lock_out_is_per_account(client, employee):
    Employee.objects.create_user("1002", "佐藤", PASSWORD)
    for _ in range(5):
        log_in(client, "1001", "wrong")
    assert log_in(client, "1002").status_code == 302


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"is_active": False, "employment": "retired"}]
)
def test_who_may_not_log_in_does_not(client, employee, change):
    Employee.objects.filter(pk=employee.pk).update(**change)
    log_in(client, "1001")
    assert client.get("/").status_code == 302


def test_the_admin_is_entered_by_the_same_login_only(client, employee):
    Employee.objects.filter(pk=employee.pk).update(is_staff=True)
    for path in ("/admin/", "/admin/login/"):
        assert LOGIN in client.get(path, follow=True).redirect_chain[-1][0]
    posted = client.post("/admin/login/", {"username": "1001", "password": PASSWORD})
    assert posted.status_code == 302
    assert LOGIN in posted["Location"]
    assert client.get("/admin/").status_code == 302
    log_in(client, "1001")
    assert client.get("/admin/").status_code == 200


def test_an_employee_without_the_right_does_not_enter_the_admin(client, employee):
    log_in(client, "1001")
    assert client.get("/admin/").status_code in (302, 403)


@pytest.mark.parametrize(
    "path",
    ["signup/", "password/reset/", "email/", "confirm-email/", "password/set/"],
)
def test_sign_up_and_the_librarys_mail_pages_do_not_exist(client, path):
    assert client.get(f"/accounts/{path}").status_code == 404
    with pytest.raises(NoReverseMatch):
        reverse("account_signup")


def test_the_next_page_is_one_of_ours(client, employee):
    response = log_in(client, "1001", next="https://evil.example/")
    assert "evil" not in response["Location"]


def test_email_is_optional_lower_case_and_unique_when_present(employee):
    assert employee.email == "tanaka@example.jp"
    Employee.objects.create_user("2", "無し1")
    Employee.objects.create_user("3", "無し2")
    for email in ("Upper@example.jp", "tanaka@example.jp"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Employee.objects.filter(code="2").update(email=email)


def test_nul_in_an_address_is_a_400(client, employee):
    log_in(client, "1001")
    for path in ("/?q=%00", "/admin/punchout/purchaseorder/?state__exact=%00"):
        assert client.get(path).status_code == 400


def test_a_login_while_redis_is_away_is_a_sentence_and_not_waved_through(
    client, employee, settings
):
    away = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:9/0"}
    settings.CACHES = {"default": away}
    response = log_in(client, "1001")
    assert response.status_code == 503
    assert "もう一度お試しください" in response.content.decode()
