"""What goes wrong with an order, and how people put it right, in a real browser."""

import re

import pytest
from desk import Person, say_yes, until
from playwright.sync_api import expect
from stack import Stack

from rakuraku.walk import MainJob

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.xdist_group("stack")]


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack("orders", tmp_path_factory.mktemp("orders")) as running:
        yield running


@pytest.fixture
def accountant(stack, chromium):
    person = Person(chromium, stack, "accounting")
    person.log_in()
    yield person
    assert not person.complaints, person.complaints


def approved(stack: Stack, *faults: dict) -> str:
    """A request approved while the supplier misbehaves like that."""
    stack.control("DELETE", "faults")
    for fault in faults:
        stack.control("POST", "faults", fault)
    return MainJob(stack.base, stack.shop, lambda _line: None).order()


def shows(person: Person, address: str, text: str) -> None:
    """The page at ``address`` shows ``text`` within half a minute."""
    page = person.page
    until(page, lambda: page.get_by_text(text).count() > 0, f"{person.stack.base}{address}")


def test_an_unknown_outcome_is_decided_by_a_person_who_looked(stack, accountant):
    # Else its confirmation would decide before anybody could.
    stack.control("PUT", "settings", {"auto_fulfil": False})
    number = approved(stack, {"endpoint": "order", "kind": "drop_after_read", "times": 1})
    stack.control("PUT", "settings", {"auto_fulfil": True})
    page = accountant.page
    shows(accountant, "/punchout/orders/", number)
    accountant.shoot("30-orders-overview")
    accountant.check_accessibility()
    page.get_by_role("link", name=number).click()
    expect(page.get_by_text("見つからないことは、届いていない証拠になりません")).to_be_visible()
    accountant.shoot("31-order-unknown")
    accountant.check_accessibility()
    page.get_by_label("確認した内容").fill("みどり商店に電話し、受付番号を確認した")
    page.get_by_role("button", name="届いている").click()
    say_yes(page)
    expect(page.get_by_text("発注済にしました")).to_be_visible()
    page.goto(f"{stack.base}/vouchers/{number}/")
    accountant.shoot("32-order-settled-by-a-person")
    taken = stack.control("GET", f"orders?order_number={number}")["orders"]
    assert len(taken) == 1, "the decision sent nothing"


def test_a_refused_order_is_ordered_anew(stack, accountant):
    number = approved(stack, {"endpoint": "order", "kind": "reject", "status": 417, "times": 1})
    page = accountant.page
    shows(accountant, f"/punchout/orders/{number}/", "発注エラー")
    accountant.shoot("33-order-refused")
    page.get_by_label("理由").fill("設定を直したため、発注し直す")
    page.get_by_role("button", name="再発注する").click()
    accountant.shoot("34-reorder-asks")
    say_yes(page)
    expect(page.get_by_text(f"{number}-2 を発注します")).to_be_visible()
    shows(accountant, f"/vouchers/{number}/", "発注済")
    accountant.shoot("35-ordered-anew")


def test_a_cancellation_is_followed_to_its_end(stack, chromium, accountant):
    number = approved(stack, {"endpoint": "fulfilment", "kind": "partial", "times": 1})
    applicant = Person(chromium, stack, "applicant")
    applicant.log_in()
    page = applicant.page
    shows(applicant, f"/vouchers/{number}/", "入荷待ち")
    applicant.shoot("36-backordered")
    page.get_by_role("link", name="キャンセル依頼").click()
    waiting = page.locator("input[type=number]:not([disabled])").first
    waiting.fill("1")
    page.get_by_label("理由").fill("別の店で買えたため")
    applicant.shoot("37-cancel-request")
    applicant.check_accessibility()
    page.get_by_role("button", name="キャンセルを依頼する").click()
    expect(page.get_by_text("まだ取り消されていません")).to_be_visible()
    applicant.shoot("38-cancel-waiting")
    shows(accountant, "/punchout/orders/", "キャンセル依頼中")
    accountant.page.get_by_role("link", name=number).first.click()
    accountant.page.get_by_label("確認した内容").fill("仕入先の画面でキャンセルした")
    accountant.page.get_by_role("button", name="キャンセル済").click()
    expect(accountant.page.get_by_text("キャンセル済にしました")).to_be_visible()
    page.goto(f"{stack.base}/notices/")
    expect(page.get_by_text(re.compile("キャンセルの結果"))).to_be_visible()
    applicant.shoot("39-notices")
    applicant.check_accessibility()
    assert not applicant.complaints


def test_a_dearer_confirmation_is_flagged_on_the_page(stack, chromium, accountant):
    number = approved(
        stack,
        {"endpoint": "fulfilment", "kind": "price_change", "percent": 20, "line": 1, "times": 1},
    )
    shows(accountant, f"/vouchers/{number}/", "承認との差異")
    accountant.shoot("40-difference")
    accountant.page.get_by_role("link", name="発注の詳細・確認").click()
    accountant.shoot("41-difference-to-decide")
    accountant.page.get_by_label("確認した内容と対応").fill("価格改定のため了承")
    accountant.page.get_by_role("button", name="確認済みにする").click()
    expect(accountant.page.get_by_text("確認済みにしました")).to_be_visible()
