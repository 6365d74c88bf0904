"""The demo's data: complete enough to work with, and safe to make twice."""

import io
from decimal import Decimal

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.core.serializers import serialize
from django.urls import reverse
from django.utils import timezone

from expenses import drafts, lifecycle
from expenses.models import ApprovalFlow, ApprovalPoint, Kind
from expenses.route_check import obstacles
from masters.models import (
    Account,
    Affiliation,
    Breakdown,
    Company,
    DeliveryAddress,
    Department,
    Employee,
    PaymentMethod,
    Position,
    TaxCategory,
    TaxRate,
)
from punchout import setup_check
from punchout.models import CatalogConnection, CatalogRate
from rakuraku.demo_accounts import ACCOUNTS

pytestmark = pytest.mark.django_db

SANDBOX = {
    "SANDBOX_PUBLIC_URL": "http://localhost:8899",
    "SANDBOX_IDENTITY": "demo-login",
    "SANDBOX_SECRET": "demo<&>secret",
    "SANDBOX_LWA_CLIENT_ID": "client",
    "SANDBOX_LWA_CLIENT_SECRET": "client-secret",
    "SANDBOX_LWA_REFRESH_TOKEN": "refresh",
    "SANDBOX_INBOUND_TOKEN": "inbound-token",
}
MADE = [
    Company,
    Department,
    Position,
    Employee,
    Affiliation,
    Group,
    TaxCategory,
    TaxRate,
    Account,
    Breakdown,
    PaymentMethod,
    DeliveryAddress,
    ApprovalFlow,
    ApprovalPoint,
    CatalogConnection,
    CatalogRate,
]


@pytest.fixture
def seed(monkeypatch, settings):
    # Thirteen people's passwords: the strength of the hash is not what is tested here.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    for name, value in SANDBOX.items():
        monkeypatch.setenv(name, value)

    def run():
        out = io.StringIO()
        call_command("seed_demo", stdout=out)
        return out.getvalue()

    return run


def everything():
    return {model: serialize("json", model.objects.order_by("pk")) for model in MADE}


def test_twice_is_once(seed):
    seed()
    before = everything()
    seed()
    assert everything() == before


def test_what_people_changed_stays_and_the_connection_follows_the_running_supplier(
    seed, monkeypatch
):
    seed()
    Employee.objects.filter(code="1001").update(name="改名 美咲", email="new@example.jp")
    Breakdown.objects.filter(code="A02").update(is_active=False)
    Group.objects.get(name="承認者").permissions.clear()
    CatalogConnection.objects.update(name="別の名前", tolerance_yen=100)
    monkeypatch.setenv("SANDBOX_PUBLIC_URL", "http://localhost:9999/")
    monkeypatch.setenv("SANDBOX_SECRET", "changed")
    seed()
    assert Employee.objects.get(code="1001").email == "new@example.jp"
    assert not Breakdown.objects.get(code="A02").is_active
    assert not Group.objects.get(name="承認者").permissions.exists()
    connection = CatalogConnection.objects.get()
    assert (connection.name, connection.tolerance_yen) == ("別の名前", 100)
    assert connection.shared_secret == "changed"
    assert connection.punchout_url == "http://localhost:9999/cxml/setup"
    assert connection.order_url == "http://localhost:9999/cxml/orders"
    assert connection.history_token_url == "http://localhost:9999/auth/o2/token"


def test_everything_that_shopping_needs_is_there(seed):
    printed = seed()
    connection = CatalogConnection.objects.get()
    assert connection.missing_settings() == []
    assert connection.has_history_api
    assert reverse("punchout:inbound", args=["inbound-token"]) in printed
    today = timezone.localdate()
    rates = Breakdown.objects.for_expenses().with_rate_on(today).values_list("rate", flat=True)
    assert {Decimal(10), Decimal(8), Decimal(0)} <= set(rates)
    for rate in connection.rates.select_related("breakdown"):
        assert rate.breakdown.rate_on(today) == rate.rate
    applicant = Employee.objects.get(code=ACCOUNTS["applicant"].code)
    assert DeliveryAddress.objects.usable_by(applicant).exists()


@pytest.mark.parametrize("kind", Kind)
def test_an_applicants_slip_goes_to_the_section_then_the_department_manager(seed, kind):
    seed()
    applicant = Employee.objects.get(code=ACCOUNTS["applicant"].code)
    header = drafts.Header(title="備品", department=applicant.departments.get())
    voucher = drafts.create(kind, by=applicant, header=header, applicant=applicant)
    line = drafts.LineInput(
        pk=None,
        date=timezone.localdate(),
        description="文具",
        amount=1100,
        breakdown=Breakdown.objects.get(code="A02"),
    )
    voucher = drafts.save(
        voucher, by=applicant, version=voucher.version, header=header, lines=[line]
    )
    voucher = lifecycle.submit(voucher, by=applicant)
    route = [[p.code for p in step.candidates.all()] for step in voucher.steps.all()]
    wanted = [ACCOUNTS["section_manager"].code, ACCOUNTS["department_manager"].code]
    assert route == [[code] for code in wanted]


@pytest.mark.parametrize("who", ACCOUNTS)
def test_every_demo_account_logs_in_by_code_and_by_email(seed, rf, who):
    seed()
    account = ACCOUNTS[who]
    request = rf.post(reverse("account_login"))
    by_code = authenticate(request, username=account.code, password=account.password)
    by_email = authenticate(request, email=account.email, password=account.password)
    assert by_code == by_email == Employee.objects.get(code=account.code)


def test_every_right_that_a_group_names_exists(seed):
    seed()
    from rakuraku.demo_company import GROUPS

    known = set(Permission.objects.values_list("codename", flat=True))
    assert {code for codes in GROUPS.values() for code in codes} <= known


def test_production_gets_no_accounts_with_public_passwords(seed, settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="本番環境"):
        seed()
    assert not Employee.objects.exists()


def test_everybody_of_the_demo_company_finds_approvers(seed):
    seed()
    assert obstacles() == []
    assert [one.rule for one in setup_check.check() if not one.holds] == [
        "「みどり商店」への接続テスト"
    ]
