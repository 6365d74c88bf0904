"""`connect_catalog`: a whole connection from the shell, by the rules of its admin page."""

import datetime

import pytest
from admin_access import administrator, url
from django.db import connection as database
from django.utils import timezone
from shell import SECRET, process, run, supplier, whole
from test_shopping_start import ANSWER
from world import World

from masters.models import Breakdown, Company
from punchout.management.commands.connect_catalog import MASTERS, PLAIN, SECRETS
from punchout.models import CatalogConnection, CatalogRate, Exchange

pytestmark = pytest.mark.django_db

URL = "http://127.0.0.1:9/shop"
HISTORY = [
    "--history-url", "https://api.example", "--history-client-id", "client",
    "--history-secret-env", "HISTORY_SECRET", "--history-refresh-token-env", "HISTORY_TOKEN",
]  # fmt: skip


@pytest.fixture
def world():
    return World()


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("SHOP_SECRET", SECRET)
    monkeypatch.setenv("HISTORY_SECRET", "h1story-secret")
    monkeypatch.setenv("HISTORY_TOKEN", "refresh-t0ken")


def written() -> list[tuple]:
    """Where every row of a connection lies: PostgreSQL moves a row with each write."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT 'c', id, ctid::text FROM punchout_catalogconnection"
            " UNION ALL SELECT 'r', id, ctid::text FROM punchout_catalograte ORDER BY 1, 2"
        )
        return cursor.fetchall()


def test_every_option_reaches_the_connection(world):
    done = run(
        *whole(
            URL, "--to-identity", "Green", "--domain", "DUNS", "--basic-auth", "--prices", "gross",
            "--business-unit", "総務", "--history-token-url", "https://login.example", *HISTORY,
        )
    )  # fmt: skip
    assert done.code == 0
    made = CatalogConnection.objects.get()
    assert (made.to_identity, made.credential_domain, made.prices) == ("Green", "DUNS", "gross")
    assert (made.order_basic_auth, made.business_unit) == (True, "総務")
    assert made.shipping_breakdown == world.breakdowns["10"]
    assert made.payment_method == world.paid_by_company
    assert (made.history_client_secret, made.history_refresh_token) == (
        "h1story-secret",
        "refresh-t0ken",
    )
    assert made.has_history_api
    assert f"/punchout/cxml/{made.inbound_token}" in done.said


def test_the_same_line_again_writes_nothing(world):
    first = run(*whole(URL))
    before = written()
    again = run(*whole(URL))
    assert written() == before
    assert "登録しました" in first.said
    assert "変更はありません" in again.said
    CatalogConnection.objects.update(business_unit="営業")
    assert "変更しました" in run(*whole(URL, "--business-unit", "総務")).said


def test_http_basic_can_be_switched_off_again(world):
    run(*whole(URL, "--basic-auth"))
    assert run("connect_catalog", "--name", "みどり商店", "--no-basic-auth").code == 0
    assert not CatalogConnection.objects.get().order_basic_auth


def test_what_is_missing_is_said(world):
    done = run("connect_catalog", "--name", "みどり商店", "--punchout-url", URL)
    assert done.code == 0
    missing = CatalogConnection.objects.get().missing_settings()
    assert missing
    assert f"未設定: {'、'.join(missing)}" in done.said


def test_a_purchase_history_that_would_never_be_pulled_is_said(world):
    done = run(*whole(URL, *HISTORY))
    assert not CatalogConnection.objects.get().has_history_api
    assert "購入履歴 API の認証 URL" in done.said


def test_each_wrong_option_has_its_sentence_and_nothing_is_changed(world):
    run(*whole(URL))
    before = written()
    done = run(
        *whole(
            "ftp://shop", "--prices", "both", "--mode", "live", "--payment-method", "M9",
            "--shipping-breakdown", "X1", "--breakdown", "ten=B10", "--breakdown", "8=X8",
            "--breakdown", "5=B10", "--breakdown", "120=B10", "--secret-env", "NOT_SET",
            "--history-secret-env", "NOT_SET_EITHER", "--business-unit", "総務",
        )
    )  # fmt: skip
    assert done.code == 1
    lines = done.said.splitlines()
    for option in (
        "--punchout-url", "--order-url", "--prices", "--mode", "--payment-method",
        "--shipping-breakdown", "--breakdown ten=B10", "--breakdown 8=X8", "--breakdown 5=B10",
        "--breakdown 120=B10", "--secret-env", "--history-secret-env",
    ):  # fmt: skip
        assert [line for line in lines if line.startswith(option)], option
    assert written() == before


def test_a_new_connection_with_wrong_options_is_not_made(world):
    done = run(*whole("ftp://shop", "--breakdown", "5=B10"))
    assert done.code == 1
    assert "--punchout-url" in done.said
    assert "--breakdown 5=B10" in done.said
    assert not CatalogConnection.objects.exists()


def test_one_rate_named_twice_is_refused(world):
    Breakdown.objects.create(
        code="C10",
        name="備品 10%",
        account=world.breakdowns["10"].account,
        tax_category=world.breakdowns["10"].tax_category,
    )
    done = run(*whole(URL, "--breakdown", "10.00=C10"))
    assert done.code == 1
    assert "--breakdown 10.00=C10" in done.said
    assert not CatalogConnection.objects.exists()


@pytest.mark.parametrize("begins", [-400, 400])
def test_a_mapping_fills_the_gap_beside_those_of_other_periods(world, begins):
    run(*whole(URL))
    day = timezone.localdate() + datetime.timedelta(days=begins)
    CatalogRate.objects.filter(rate=10).update(
        valid_from=day, valid_to=day + datetime.timedelta(days=30)
    )
    done = run(*whole(URL))
    assert done.code == 0, done.said
    today = timezone.localdate()
    rows = CatalogRate.objects.filter(rate=10, valid_from__lte=today).exclude(valid_to__lt=today)
    assert rows.get().breakdown == world.breakdowns["10"]


def test_the_admin_page_refuses_the_mapping_that_the_command_refuses(world, client):
    client.force_login(administrator())
    Company.objects.update_or_create(pk=1, defaults={"catalog_contracted": True})
    form = {
        "name": "みどり商店", "supplier_name": "みどり商店", "is_active": "on", "mode": "test",
        "to_identity": "Amazon", "credential_domain": "NetworkId", "prices": "net",
        "header_total": "items", "tolerance_percent": "0", "tolerance_yen": "0",
        "session_hours": "24", "cart_warning_days": "5", "cart_limit_days": "7",
        "history_region": "JP", "rates-TOTAL_FORMS": "1", "rates-INITIAL_FORMS": "0",
        "rates-0-rate": "10", "rates-0-valid_from": "2019-10-01",
    }  # fmt: skip
    wrong = {**form, "rates-0-breakdown": world.breakdowns["8"].pk}
    page = client.post(url(CatalogConnection, "add"), wrong)
    assert "内訳 B8 の税率は 8%" in page.content.decode()
    assert "内訳 B8 の税率は 8%" in run(*whole(URL, "--breakdown", "10=B8")).said
    assert not CatalogConnection.objects.exists()
    right = {**form, "rates-0-breakdown": world.breakdowns["10"].pk}
    assert client.post(url(CatalogConnection, "add"), right).status_code == 302


def test_the_admin_page_has_a_field_for_every_option(world, client):
    client.force_login(administrator())
    page = client.get(url(CatalogConnection, "add"))
    on_page = set(page.context["adminform"].form.fields)
    assert {*PLAIN, *SECRETS, *MASTERS, "order_basic_auth", "resend_unknown"} <= on_page


def test_values_are_stripped_as_the_admin_page_strips_them(world, monkeypatch):
    monkeypatch.setenv("SHOP_SECRET", f"{SECRET}\n")
    run(*whole(URL, "--identity", " rakuraku "))
    made = CatalogConnection.objects.get()
    assert (made.from_identity, made.shared_secret) == ("rakuraku", SECRET)


def test_a_secret_given_instead_of_its_name_is_refused_and_not_repeated(world):
    done = run(*whole(URL, "--secret-env", SECRET))
    assert done.code == 1
    assert "--secret-env" in done.said
    assert SECRET not in done.said
    assert not CatalogConnection.objects.exists()


def test_an_empty_secret_variable_is_refused(world, monkeypatch):
    monkeypatch.setenv("SHOP_SECRET", " ")
    done = run(*whole(URL))
    assert done.code == 1
    assert "SHOP_SECRET" in done.said
    assert not CatalogConnection.objects.exists()


class TestTrial:
    def test_one_setup_request_goes_out_and_no_order(self, world):
        with supplier() as shop:
            done = run(*whole(shop.url, "--test", "--as", "manager"))
        assert done.code == 0, done.said
        (sent,) = shop.received
        assert b"<PunchOutSetupRequest" in sent
        assert b"manager@example.jp" in sent
        assert "manager" in done.said

    def test_nobody_outside_the_allow_list_gets_an_account_by_it(self, world):
        with supplier() as shop:
            run(*whole(shop.url))
            CatalogConnection.objects.get().allowed_employees.add(world.people["reader"])
            assert run(*whole(shop.url, "--test")).code == 0
            refused = run(*whole(shop.url, "--test", "--as", "manager"))
        assert refused.code == 1
        (sent,) = shop.received
        assert b"reader@example.jp" in sent

    def test_a_secret_that_the_supplier_quotes_is_not_repeated(self, world, capfd):
        answer = ANSWER.format(code=400, text=f"bad secret {SECRET}", page="")
        with supplier(answer) as shop:
            done = run(*whole(shop.url, "--test"))
        assert done.code == 1
        assert "bad secret" in done.said
        shown = capfd.readouterr()
        assert SECRET not in done.said + shown.out + shown.err
        kept = Exchange.objects.get()
        assert SECRET not in kept.request + kept.response + kept.reason


@pytest.mark.django_db(transaction=True)
def test_as_a_process_it_exits_0_and_1_and_tells_no_secret(world):
    env = {"SHOP_SECRET": SECRET}
    with supplier() as shop:
        right = process(*whole(shop.url, "--test"), **env)
        assert right.code == 0, right.said
        wrong = process(*whole("ftp://shop"), **env)
    assert wrong.code == 1
    assert "Traceback" not in wrong.said
    assert "--punchout-url" in wrong.said
    assert SECRET not in right.said + wrong.said
    assert CatalogConnection.objects.get().punchout_url == shop.url
