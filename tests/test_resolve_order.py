"""`resolve_order`: a person decides from the shell, knowing what to look up, with a reason."""

import os
import pwd

import pytest
from shell import process, run
from shopping import connect
from supplier_says import confirms, ordered, post, status
from test_resolution import brought_to
from world import World

from punchout import dispatch
from punchout.models import PurchaseOrder
from punchout.order_states import OrderState

pytestmark = pytest.mark.django_db

ME = pwd.getpwuid(os.getuid()).pw_name
REASON = ("--reason", "注文一覧で確認")


@pytest.fixture
def world():
    return World()


@pytest.fixture
def unknown(world):
    connect(world, lookup_url="https://shop.example/orders")
    return brought_to(ordered(world), OrderState.UNKNOWN)


@pytest.fixture
def failed(world):
    return brought_to(ordered(world), OrderState.FAILED)


def events(order: PurchaseOrder) -> list[str]:
    return list(order.voucher.events.order_by("pk").values_list("action", flat=True))


@pytest.mark.parametrize("arguments", [[], ["--show"], ["--show", *REASON]])
def test_it_shows_what_to_look_up_and_decides_nothing(unknown, arguments):
    before = events(unknown)
    done = run("resolve_order", unknown.number, *arguments)
    assert done.code == 0
    for told in (
        unknown.number, unknown.voucher.number, "要確認", "時間切れ", "applicant@example.jp",
        "https://shop.example/orders", "（PEN）× 10", "（NOTE）× 2", f"¥{unknown.total:,}",
    ):  # fmt: skip
        assert told in done.said, told
    unknown.refresh_from_db()
    assert unknown.state == "unknown"
    assert events(unknown) == before


def test_the_suppliers_own_order_numbers_are_among_what_is_shown(unknown):
    post(unknown, confirms(unknown, {1: status(10)}, confirm_id="249-7654321"))
    assert "249-7654321" in run("resolve_order", unknown.number, "--show").said


@pytest.mark.parametrize(
    ("decision", "state"),
    [("--accepted", "ordered"), ("--resend", "pending"), ("--cancelled", "cancelled")],
)
def test_what_to_look_up_stands_before_the_decision_which_names_the_operator(
    unknown, decision, state, monkeypatch
):
    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.setenv("USER", "somebody-else")
    done = run("resolve_order", unknown.number, decision, *REASON)
    assert done.code == 0
    assert done.said.index("（PEN）× 10") < done.said.index("→")
    unknown.refresh_from_db()
    assert unknown.state == state
    event = unknown.voucher.events.order_by("pk").last()
    assert event.by is None
    assert event.comment == f"{ME}（コマンド）: 注文一覧で確認"


def test_resend_sends_the_identical_message(unknown):
    kept = (unknown.payload_id, unknown.timestamp, bytes(unknown.document))
    run("resolve_order", unknown.number, "--resend", *REASON)
    unknown.refresh_from_db()
    assert (unknown.payload_id, unknown.timestamp, bytes(unknown.document)) == kept


def test_reorder_makes_a_new_order_and_says_its_number(failed):
    done = run("resolve_order", failed.number, "--reorder", *REASON)
    assert done.code == 0
    new = PurchaseOrder.objects.get(replaces=failed)
    assert new.number == f"{failed.number}-2"
    assert f"→ {new.number}: 発注待ち" in done.said
    assert (new.payload_id, new.state) != (failed.payload_id, failed.state)


@pytest.mark.parametrize("decision", ["--accepted", "--resend", "--cancelled"])
def test_the_same_decision_again_is_refused_and_changes_nothing(unknown, decision):
    run("resolve_order", unknown.number, decision, *REASON)
    unknown.refresh_from_db()
    state, told = unknown.state, events(unknown)
    again = run("resolve_order", unknown.number, decision, *REASON)
    assert again.code == 1
    assert unknown.get_state_display() in again.said
    unknown.refresh_from_db()
    assert (unknown.state, events(unknown)) == (state, told)


def test_an_order_is_made_anew_only_once(failed):
    assert run("resolve_order", failed.number, "--reorder", *REASON).code == 0
    again = run("resolve_order", failed.number, "--reorder", *REASON)
    assert again.code == 1
    assert "すでに再発注" in again.said
    assert PurchaseOrder.objects.count() == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--accepted"],
        ["--accepted", "--reason", " "],
        ["--reorder", *REASON],
        ["--accepted", "--resend", *REASON],
    ],
    ids=["no-reason", "blank-reason", "wrong-state", "two-decisions"],
)
def test_a_refused_decision_changes_nothing(unknown, arguments):
    before = events(unknown)
    assert run("resolve_order", unknown.number, *arguments).code == 1
    unknown.refresh_from_db()
    assert unknown.state == "unknown"
    assert events(unknown) == before


def test_a_long_reason_is_cut_and_still_names_the_operator(unknown):
    assert run("resolve_order", unknown.number, "--accepted", "--reason", "長" * 1500).code == 0
    comment = unknown.voucher.events.order_by("pk").last().comment
    assert comment.startswith(f"{ME}（コマンド）: 長長")
    assert len(comment) == 1000


def test_an_account_without_a_name_is_recorded_by_its_number(unknown, monkeypatch):
    monkeypatch.setattr("os.getuid", lambda: 3_999_999)
    assert run("resolve_order", unknown.number, "--accepted", *REASON).code == 0
    assert unknown.voucher.events.order_by("pk").last().comment.startswith("uid 3999999（")


def test_an_unknown_number_is_said():
    done = run("resolve_order", "XX-1", "--show")
    assert done.code == 1
    assert "XX-1" in done.said


@pytest.mark.django_db(transaction=True)
def test_as_a_process_it_works_with_redis_away_and_tells_no_secret(unknown):
    secret = unknown.connection.shared_secret
    resent = process(
        "resolve_order", unknown.number, "--resend", *REASON, REDIS_URL="redis://127.0.0.1:9/0"
    )
    assert resent.code == 0, resent.said
    unknown.refresh_from_db()
    assert unknown.state == "pending"
    again = process("resolve_order", unknown.number, "--resend", *REASON)
    assert again.code == 1
    for done in (resent, again):
        assert secret not in done.said
        assert unknown.connection.inbound_token not in done.said
    assert dispatch.sweep()["sent"] == 1, "the row, not the message, makes it go"
