"""What operators do from the shell: connect a catalogue, look at it, decide about an order."""

import datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from shopping import connect
from supplier_says import ordered
from test_shopping_start import ANSWER, PAGE, Supplier
from world import World

from masters.models import Breakdown
from punchout import dispatch
from punchout.models import CatalogConnection, Exchange, JobRun, PurchaseOrder
from punchout.order_states import OrderState

pytestmark = pytest.mark.django_db

SECRET = "s3cret-of-the-shell"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def shop():
    """A supplier that lets everybody in."""
    running = Supplier(ANSWER.format(code=200, text="OK", page=PAGE))
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("SHOP_SECRET", SECRET)


def run(*arguments: str) -> str:
    """What the command prints."""
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue()


def whole(shop, *more: str) -> list[str]:
    """A command line that names everything that is needed."""
    return [
        "connect_catalog", "--name", "みどり商店", "--punchout-url", shop.url,
        "--order-url", shop.url, "--identity", "rakuraku", "--secret-env", "SHOP_SECRET",
        "--breakdown", "10=B10", "--breakdown", "8=B8", "--breakdown", "0=B0",
        "--shipping-breakdown", "B10", "--payment-method", "M2", *more,
    ]  # fmt: skip


class TestConnectCatalog:
    def test_one_line_makes_a_complete_connection(self, world, shop):
        said = run(*whole(shop, "--test"))
        made = CatalogConnection.objects.get()
        assert made.missing_settings() == []
        assert made.shared_secret == SECRET
        assert {(row.rate, row.breakdown.code) for row in made.rates.all()} == {
            (10, "B10"), (8, "B8"), (0, "B0"),
        }  # fmt: skip
        assert f"/punchout/cxml/{made.inbound_token}" in said
        assert "開始ページを受け取りました" in said
        assert SECRET not in said

    def test_twice_changes_nothing(self, world, shop):
        run(*whole(shop))
        before = CatalogConnection.objects.values().get()
        rates = list(CatalogConnection.objects.get().rates.values())
        run(*whole(shop))
        after = CatalogConnection.objects.values().get()
        # Encrypted anew each time it is saved.
        assert {k: v for k, v in before.items() if "secret" not in k} == {
            k: v for k, v in after.items() if "secret" not in k
        }
        assert list(CatalogConnection.objects.get().rates.values()) == rates

    def test_what_is_not_named_stays(self, world, shop):
        run(*whole(shop, "--prices", "gross", "--basic-auth"))
        run("connect_catalog", "--name", "みどり商店", "--business-unit", "総務")
        made = CatalogConnection.objects.get()
        assert (made.business_unit, made.prices, made.order_basic_auth) == ("総務", "gross", True)
        assert made.shared_secret == SECRET

    def test_another_breakdown_of_the_rate_holds_from_today_on(self, world, shop):
        run(*whole(shop))
        old = world.breakdowns["10"]
        Breakdown.objects.create(
            code="B11", name="備品 10%", account=old.account, tax_category=old.tax_category
        )
        run("connect_catalog", "--name", "みどり商店", "--breakdown", "10=B11")
        rows = CatalogConnection.objects.get().rates.filter(rate=10).order_by("valid_from")
        today = timezone.localdate()
        assert [(row.breakdown.code, row.valid_to) for row in rows] == [
            ("B10", today - datetime.timedelta(days=1)),
            ("B11", None),
        ]

    @pytest.mark.parametrize(
        ("wrong", "reason"),
        [
            (["--punchout-url", "ftp://shop"], "PunchOut URL"),
            (["--breakdown", "10=B8"], "内訳 B8 の税率は 8"),
            (["--breakdown", "8=NONE"], "内訳 NONE"),
            (["--breakdown", "ten=B10"], "--breakdown ten=B10"),
            (["--payment-method", "NONE"], "支払方法 NONE"),
            (["--secret-env", "NOT_SET_ANYWHERE"], "NOT_SET_ANYWHERE"),
        ],
        ids=["url", "rate", "breakdown", "syntax", "method", "secret"],
    )
    def test_one_wrong_value_changes_nothing(self, world, shop, wrong, reason):
        with pytest.raises(CommandError, match=reason):
            run(*whole(shop, *wrong))
        assert not CatalogConnection.objects.exists()

    def test_a_breakdown_without_the_expense_function_is_refused(self, world, shop):
        Breakdown.objects.filter(code="B8").update(use_expense=False)
        with pytest.raises(CommandError, match="機能「経費」"):
            run(*whole(shop))
        assert not CatalogConnection.objects.exists()

    def test_a_supplier_that_refuses_is_told_and_the_connection_is_kept(self, world):
        shop = Supplier(ANSWER.format(code=401, text="Unauthorized", page=""))
        with pytest.raises(CommandError, match="接続テストに失敗"):
            run(*whole(shop, "--test"))
        shop.server.shutdown()
        shop.server.server_close()
        assert CatalogConnection.objects.exists()
        assert SECRET not in "".join(Exchange.objects.values_list("request", flat=True))


class TestCheckPunchout:
    def test_all_is_well(self, world, shop):
        run(*whole(shop))
        dispatch.sweep()
        said = run("check_punchout", "--test")
        assert "対応が必要なものはありません" in said and "×" not in said
        assert SECRET not in said

    def test_a_sweep_that_has_not_run_for_five_minutes_is_told(self, world, shop):
        run(*whole(shop))
        dispatch.sweep()
        late = timezone.now() - datetime.timedelta(minutes=5, seconds=1)
        JobRun.objects.update(ran_at=late)
        with pytest.raises(CommandError, match="1 件"):
            run("check_punchout")

    def test_a_supplier_that_is_away_and_a_setting_that_is_missing_are_told(self, world):
        connect(world, order_url="")
        dispatch.sweep()
        with pytest.raises(CommandError, match="2 件"):
            run("check_punchout")

    def test_an_order_that_needs_a_person_is_told(self, world, shop):
        order = ordered(world, punchout_url=shop.url, order_url=shop.url)
        dispatch.sweep()
        PurchaseOrder.objects.filter(pk=order.pk).update(
            needs_person="届いたか分かりません", needs_person_since=timezone.now()
        )
        out = StringIO()
        with pytest.raises(CommandError, match="1 件"):
            call_command("check_punchout", stdout=out)
        assert f"× 発注 {order.number}" in out.getvalue()
        assert "届いたか分かりません" in out.getvalue()


class TestResolveOrder:
    @pytest.fixture
    def unknown(self, world):
        order = ordered(world)
        for state in (OrderState.SENDING, OrderState.UNKNOWN):
            PurchaseOrder.objects.filter(pk=order.pk).update(
                state=state, claimed_at=timezone.now(), tries=1
            )
        return order

    def test_without_a_decision_it_only_says_what_to_look_up(self, unknown):
        said = run("resolve_order", unknown.number)
        assert unknown.number in said and "PEN" in said and "applicant@example.jp" in said
        unknown.refresh_from_db()
        assert unknown.state == "unknown"

    @pytest.mark.parametrize(
        ("decision", "state"),
        [("--accepted", "ordered"), ("--resend", "pending"), ("--cancelled", "cancelled")],
    )
    def test_a_decision_with_its_reason_is_in_the_history(self, unknown, decision, state):
        run("resolve_order", unknown.number, decision, "--reason", "注文一覧で確認")
        unknown.refresh_from_db()
        assert unknown.state == state
        event = unknown.voucher.events.order_by("-pk").first()
        assert event.by is None and "注文一覧で確認" in event.comment

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (["--accepted"], "理由"),
            (["--accepted", "--reason", " "], "理由"),
            (["--reorder", "--reason", "再発注"], "要確認"),
        ],
    )
    def test_without_a_reason_or_from_another_state_nothing_happens(
        self, unknown, arguments, reason
    ):
        with pytest.raises(CommandError, match=reason):
            run("resolve_order", unknown.number, *arguments)
        unknown.refresh_from_db()
        assert unknown.state == "unknown"

    def test_an_unknown_number_is_said(self):
        with pytest.raises(CommandError, match="XX-1"):
            run("resolve_order", "XX-1", "--accepted", "--reason", "x")
