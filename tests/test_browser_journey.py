"""The main job in a real browser, a screenshot per step in var/screenshots/."""

import re

import pytest
from desk import Person, say_yes, shop_for, until
from playwright.sync_api import expect
from stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.xdist_group("stack")]


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack("journey", tmp_path_factory.mktemp("journey")) as running:
        yield running


GOODS = [("B0MDR00101", 2), ("B0MDR00401", 1), ("B0MDR00701", 1), ("B0MDR00303", 1)]


def test_the_whole_main_job_in_a_browser(stack, chromium):
    applicant = Person(chromium, stack, "applicant")
    applicant.log_in()
    page = applicant.page
    applicant.shoot("01-list-empty")
    page.get_by_role("link", name="経費申請を作成").first.click()
    applicant.shoot("02-request-new")
    page.get_by_label("件名").fill("新しい執務室の備品と来客用の飲料")
    applicant.check_accessibility()
    page.get_by_role("button", name="カタログ連携").click()
    expect(page.get_by_role("heading", name="みどり商店へ移動します")).to_be_visible()
    applicant.shoot("03-going-to-the-shop")
    page.wait_for_url(f"{stack.shop}/**")
    applicant.shoot("04-shop")
    shop_for(applicant, GOODS)
    page.goto(f"{stack.shop}/cart")
    applicant.shoot("05-shop-cart")
    page.locator('[data-test="checkout"]').click()
    applicant.shoot("06-shop-checkout")
    page.locator('[data-test="request-approval"]').click()
    page.wait_for_url(re.compile(r"/vouchers/SH-\d+/edit/"))
    number = re.search(r"SH-\d+", page.url)[0]
    applicant.shoot("07-cart-became-lines")
    applicant.check_accessibility()
    expect(page.get_by_text("送料（10%）").first).to_be_attached()
    page.get_by_role("button", name="申請する").click()
    say_yes(page)
    expect(page.get_by_text("承認依頼中").first).to_be_visible()
    applicant.shoot("08-submitted")

    for step, role in ((9, "section_manager"), (10, "department_manager")):
        superior = Person(chromium, stack, role)
        superior.log_in()
        superior.page.get_by_role("link", name=re.compile("承認待ち")).click()
        superior.shoot(f"{step:02}-inbox-{role}")
        superior.page.get_by_role("link", name=number).click()
        superior.shoot(f"{step:02}-deciding-{role}")
        superior.check_accessibility()
        superior.page.get_by_label("コメント").first.fill("必要な備品です。承認します。")
        superior.page.get_by_role("button", name=re.compile("^承認")).first.click()
        say_yes(superior.page, superior, "10-final-approval-asks")
        expect(superior.page.get_by_text("承認しました").first).to_be_visible()
        assert not superior.complaints

    page.goto(f"{stack.base}/vouchers/{number}/")
    until(page, lambda: page.locator(".step--done", has_text="出荷済").count() == 1)
    applicant.shoot("11-ordered-confirmed-shipped")
    applicant.check_accessibility()
    until(page, lambda: page.get_by_role("link", name=re.compile("精算")).count() > 0)
    page.goto(f"{stack.base}/punchout/settle/")
    applicant.shoot("12-choose-the-request")
    until(
        page,
        lambda: page.locator("input[name=record]").count() >= 5,
        f"{stack.base}/punchout/settle/{number}/",
    )
    applicant.shoot("13-purchase-data")
    applicant.check_accessibility()
    page.get_by_role("button", name=re.compile("精算を作る|明細にする")).click()
    page.wait_for_url(re.compile(r"/vouchers/SE-\d+/edit/"))
    settlement = re.search(r"SE-\d+", page.url)[0]
    applicant.shoot("14-settlement-filled")
    page.get_by_role("button", name="申請する").click()
    say_yes(page)
    expect(page.get_by_text("承認依頼中").first).to_be_visible()

    for role in ("section_manager", "department_manager"):
        superior = Person(chromium, stack, role)
        superior.log_in()
        superior.page.goto(f"{stack.base}/vouchers/{settlement}/")
        superior.page.get_by_role("button", name=re.compile("^承認")).first.click()
        say_yes(superior.page)
        expect(superior.page.get_by_text("承認しました").first).to_be_visible()
    page.goto(f"{stack.base}/vouchers/{number}/")
    expect(page.locator(".step--done", has_text="精算済")).to_be_visible()
    applicant.shoot("15-settled")
    page.goto(stack.base)
    applicant.shoot("16-list")
    assert not applicant.complaints, applicant.complaints
    assert len(stack.control("GET", "orders")["orders"]) == 1


def test_the_administrator_sees_masters_in_japanese(stack, chromium):
    admin = Person(chromium, stack, "administrator")
    admin.log_in()
    admin.page.goto(f"{stack.base}/admin/")
    admin.shoot("20-admin")
    admin.page.goto(f"{stack.base}/admin/punchout/catalogconnection/1/change/")
    admin.shoot("21-admin-connection")
    assert stack.env["SANDBOX_SECRET"] not in admin.page.content()
