"""`check_punchout`: one table of what works and what waits, and an exit code for the monitoring."""

import datetime
import re
from pathlib import Path

import pytest
import time_machine
from admin_access import administrator
from django.test import Client
from django.utils import timezone
from sandbox_buyer import IDENTITY
from sandbox_buyer import SECRET as SANDBOX_SECRET
from shell import SECRET, Done, process, run, silent, supplier, whole
from shopping import connect
from supplier_says import confirms, ordered, post, status
from test_resolution import brought_to
from test_sandbox_process import base_url, control  # noqa: F401
from test_shopping_start import ANSWER
from world import World

from punchout import cancellation, dispatch
from punchout.models import (
    CatalogConnection,
    Exchange,
    HistoryImport,
    JobRun,
    PurchaseOrder,
    ShoppingSession,
    SourceRow,
)
from punchout.models.order import CLAIM_EXPIRES_AFTER
from punchout.order_states import OrderState

pytestmark = pytest.mark.django_db

COMMANDS = Path(__file__).resolve().parents[1] / "punchout" / "management" / "commands"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def shop():
    with supplier() as running:
        yield running


@pytest.fixture
def connection(world, shop):
    """Complete, and its supplier answers; the sweep has just run."""
    JobRun.record("release_orders", {})
    return connect(world, punchout_url=shop.url, order_url=shop.url)


def rows(done: Done, mark: str) -> list[str]:
    """The lines of the table that carry ``mark``."""
    return [line for line in done.said.splitlines() if line.startswith(f"{mark} ")]


def the_problem(*arguments: str) -> str:
    """The only line that needs a person."""
    done = run("check_punchout", *arguments)
    assert done.code == 1
    (line,) = rows(done, "×")
    return line


def test_without_anything_for_a_person_it_exits_0(connection, shop):
    done = run("check_punchout")
    assert done.code == 0
    assert rows(done, "×") == []
    assert sum("応答あり（HTTP 501）" in line for line in rows(done, "○")) == 2
    assert shop.received == [], "reaching a supplier sends it no document"


def test_the_columns_stand_below_one_another(connection):
    items = ("設定", "PunchOut URL", "注文 URL", "自動発注")
    lines = rows(run("check_punchout"), "○")
    # In this encoding, as on a terminal, Japanese signs take two columns.
    begins = [
        line.encode("cp932").index(item.encode("cp932"))
        for line, item in zip(lines, items, strict=False)
    ]
    assert len(begins) == len(items)
    assert len(set(begins)) == 1


class TestConnections:
    def test_a_missing_setting_is_named(self, connection):
        CatalogConnection.objects.update(payment_method=None)
        assert "支払方法" in the_problem()

    def test_a_purchase_history_that_would_never_be_pulled_is_named(self, connection):
        CatalogConnection.objects.update(history_url="https://api.example")
        assert "購入履歴 API の認証 URL" in the_problem()

    @pytest.mark.parametrize("field", ["punchout_url", "order_url"])
    def test_an_address_where_nobody_listens_is_a_problem(self, connection, field):
        CatalogConnection.objects.update(**{field: "http://127.0.0.1:9/x"})
        said = the_problem()
        assert ("PunchOut URL" if field == "punchout_url" else "注文 URL") in said
        assert "接続できませんでした" in said

    def test_a_machine_that_gives_no_http_answer_is_a_problem(self, connection):
        with silent() as url:
            CatalogConnection.objects.update(order_url=url)
            assert "注文 URL" in the_problem()

    def test_tls_that_cannot_be_trusted_is_a_problem(self, connection, shop):
        # Plain HTTP where TLS is expected.
        CatalogConnection.objects.update(order_url=shop.url.replace("http:", "https:"))
        assert "証明書" in the_problem()

    def test_no_connection_at_all_is_a_problem(self, world):
        JobRun.record("release_orders", {})
        assert "有効な設定がありません" in the_problem()

    def test_a_name_that_is_none_is_a_problem(self, connection):
        assert "有効な設定がありません" in the_problem("--connection", "あお商店")

    def test_only_the_named_connection_and_its_orders_are_looked_at(self, world, connection):
        brought_to(ordered(world), OrderState.UNKNOWN)
        connect(world, name="あお商店", punchout_url=connection.punchout_url,
                order_url=connection.order_url)  # fmt: skip
        done = run("check_punchout", "--connection", "あお商店")
        assert done.code == 0, done.said
        assert "みどり商店" not in done.said
        assert run("check_punchout", "--connection", "みどり商店").code == 1

    def test_orders_of_a_connection_that_is_switched_off_are_still_looked_at(
        self, world, connection
    ):
        order = brought_to(ordered(world), OrderState.UNKNOWN)
        connect(world, name="あお商店", punchout_url=connection.punchout_url,
                order_url=connection.order_url)  # fmt: skip
        CatalogConnection.objects.filter(pk=connection.pk).update(is_active=False)
        assert order.number in the_problem()


class TestTrial:
    def test_one_setup_request_goes_out_in_the_chosen_name(self, connection, shop):
        done = run("check_punchout", "--test", "--as", "manager")
        assert done.code == 0, done.said
        (sent,) = shop.received
        assert b"<PunchOutSetupRequest" in sent
        assert b"manager@example.jp" in sent
        assert not ShoppingSession.objects.exists()

    def test_a_person_who_is_not_there_is_a_problem_and_nothing_is_sent(self, connection, shop):
        assert "社員コード nobody" in the_problem("--test", "--as", "nobody")
        assert shop.received == []

    @pytest.mark.parametrize("code", [401, 500])
    def test_a_refusal_is_a_problem_and_no_secret_is_repeated(self, connection, code, capfd):
        answer = ANSWER.format(code=code, text=f"you sent {SECRET}", page="")
        CatalogConnection.objects.update(from_identity="rakuraku")
        connection.refresh_from_db()
        connection.shared_secret = SECRET
        connection.save()
        with supplier(answer) as angry:
            CatalogConnection.objects.update(punchout_url=angry.url)
            said = the_problem("--test")
        assert "接続テスト" in said
        shown = capfd.readouterr()
        assert SECRET not in said + shown.out + shown.err
        assert SECRET not in Exchange.objects.get().reason


class TestSweep:
    def test_exactly_five_minutes_ago_is_in_time_and_later_is_not(self, connection):
        with time_machine.travel(timezone.now(), tick=False):
            now = timezone.now()
            JobRun.objects.update(ran_at=now - datetime.timedelta(minutes=5))
            assert run("check_punchout").code == 0
            JobRun.objects.update(ran_at=now - datetime.timedelta(minutes=5, seconds=1))
            said = the_problem()
        assert "定期処理" in said
        assert "5 分前" in said

    def test_a_sweep_that_never_ran_is_a_problem(self, connection):
        JobRun.objects.all().delete()
        assert "未実行" in the_problem()


class TestOrders:
    @pytest.fixture
    def order(self, world, connection):
        return ordered(world)

    @staticmethod
    def age(order: PurchaseOrder, **changes) -> None:
        PurchaseOrder.objects.filter(pk=order.pk).update(**changes)

    def test_an_order_on_its_way_is_listed_and_no_problem(self, order):
        done = run("check_punchout")
        assert done.code == 0
        (line,) = [line for line in rows(done, "○") if order.number in line]
        assert "発注待ち" in line
        assert "0 分前" in line

    def test_an_order_that_nobody_has_taken_for_five_minutes_is_stuck(self, order):
        long_ago = timezone.now() - datetime.timedelta(hours=3)
        self.age(order, created_at=long_ago, due_at=timezone.now() - datetime.timedelta(minutes=6))
        said = the_problem()
        assert order.number in said
        assert "3 時間前" in said

    def test_an_order_that_waits_for_its_next_try_is_not_stuck(self, order):
        self.age(order, created_at=timezone.now() - datetime.timedelta(days=3))
        self.age(order, due_at=timezone.now() + datetime.timedelta(minutes=20))
        done = run("check_punchout")
        assert done.code == 0
        assert "3 日前" in done.said

    def test_an_order_in_the_hands_of_a_dead_worker_is_stuck(self, order):
        brought_to(order, OrderState.SENDING)
        assert run("check_punchout").code == 0
        before = timezone.now() - CLAIM_EXPIRES_AFTER - datetime.timedelta(seconds=1)
        self.age(order, claimed_at=before)
        said = the_problem()
        assert order.number in said
        assert "送信中" in said

    @pytest.mark.parametrize(
        ("state", "shown", "reason"),
        [
            (OrderState.UNKNOWN, "要確認", "時間切れ"),
            (OrderState.FAILED, "発注エラー", "401 Unauthorized"),
        ],
    )
    def test_an_order_that_needs_a_person_is_told_with_reason_and_age(
        self, order, state, shown, reason
    ):
        brought_to(order, state)
        self.age(order, needs_person_since=timezone.now() - datetime.timedelta(hours=5))
        said = the_problem()
        for told in (order.number, shown, reason, "5 時間前"):
            assert told in said, told

    def test_what_a_person_has_decided_is_no_problem_any_more(self, order):
        brought_to(order, OrderState.UNKNOWN)
        assert run("check_punchout").code == 1
        decided = run("resolve_order", order.number, "--cancelled", "--reason", "電話で確認")
        assert decided.code == 0
        assert run("check_punchout").code == 0

    def test_a_cancel_request_waits_with_its_age(self, world, order):
        brought_to(order, OrderState.ORDERED)
        post(order, confirms(order, {1: status(10), 2: status(2)}))
        with time_machine.travel(timezone.now() - datetime.timedelta(hours=4)):
            cancellation.request(order, {1: 3}, reason="重複", by=world.people["applicant"])
        JobRun.record("release_orders", {})
        said = the_problem()
        for told in (order.number, "キャンセル依頼中", "明細 1 数量 3", "4 時間前", "applicant"):
            assert told in said, told


def test_a_message_about_an_order_nobody_knows_waits_for_a_person(connection):
    stranger = PurchaseOrder(number="NOBODY-1", payload_id="n@x")
    address = f"/punchout/cxml/{connection.inbound_token}"
    document = confirms(stranger, {1: status(1)})
    assert Client().post(address, document, content_type="text/xml").status_code == 200
    said = the_problem()
    assert "該当する発注のない通知" in said
    assert "1 件" in said


def test_a_row_that_nobody_has_decided_about_waits_for_a_person(connection):
    pulled = HistoryImport.objects.create(connection=connection, source="csv")
    HistoryImport.objects.update(at=timezone.now() - datetime.timedelta(days=3))
    SourceRow.objects.create(
        history_import=pulled, number=1, raw={}, sha256="a" * 64, outcome="ambiguous"
    )
    said = the_problem()
    assert "対応を決めていない購入データ" in said
    assert "1 件（最も古いものは 3 日前）" in said


@pytest.mark.parametrize("command", ["check_punchout", "connect_catalog", "resolve_order"])
def test_the_help_tells_the_exit_codes(command):
    done = process(command, "--help")
    assert done.code == 0
    assert re.search("終了コード:0.+、1", "".join(done.said.split()))


def test_an_option_that_is_none_is_told_from_a_problem_by_its_exit_code():
    assert process("check_punchout", "--nonsense").code == 2


def test_the_manual_describes_every_command_and_its_links_find_their_headings():
    client = Client()
    client.force_login(administrator())
    page = client.get("/help/operations.md").content.decode()
    commands = {path.stem for path in COMMANDS.glob("[a-z]*.py")}
    assert commands <= set(re.findall('<h3 id="([^"]+)"', page))
    inside = set(re.findall('href="#([^"]+)"', page))
    assert commands <= inside
    index = client.get("/help/index.md").content.decode()
    there = re.findall('href="operations.md#([^"]+)"', index)
    assert there
    assert {*inside, *there} <= set(re.findall(' id="([^"]+)"', page))


@pytest.mark.django_db(transaction=True)
def test_as_a_process_against_the_sandbox_it_exits_0_then_1(world, base_url):  # noqa: F811
    control(base_url, "POST", "reset")
    env = {"SHOP_SECRET": SANDBOX_SECRET}
    line = whole(f"{base_url}/cxml/setup", "--order-url", f"{base_url}/cxml/orders")
    done = process(*line, "--identity", IDENTITY, **env)
    assert done.code == 0, done.said
    dispatch.sweep()
    well = process("check_punchout", "--test")
    assert well.code == 0, well.said
    asked = control(base_url, "GET", "requests")
    assert (asked.get("setup"), asked.get("order", 0)) == (1, 0)
    JobRun.objects.all().delete()
    ill = process("check_punchout")
    assert ill.code == 1
    assert "Traceback" not in ill.said
    for told in (done, well, ill):
        assert SANDBOX_SECRET not in told.said
    token = CatalogConnection.objects.get().inbound_token
    assert token not in well.said + ill.said
