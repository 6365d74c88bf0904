"""The main job in a real browser, a screenshot per step in var/screenshots/."""

import os
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_setup import installed_browser
from playwright.sync_api import Browser, Page, expect, sync_playwright
from stack import Stack

from rakuraku.demo_accounts import ACCOUNTS

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.xdist_group("stack")]

SHOTS = Path(__file__).resolve().parent.parent / "var" / "screenshots"
EXECUTABLE = installed_browser()

if EXECUTABLE is None and os.environ.get("CI") != "true":
    pytest.skip("NO BROWSER: install Chromium to run the browser journey", allow_module_level=True)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack("journey", tmp_path_factory.mktemp("journey")) as running:
        yield running


@pytest.fixture(scope="module")
def chromium():
    assert EXECUTABLE, "CI=true needs a browser"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=EXECUTABLE,
            args=["--no-sandbox", "--disable-background-networking", "--disable-gpu", "--lang=ja"],
        )
        yield browser
        browser.close()


class Person:
    """Somebody at a desk: a browser of their own, and screenshots as they go."""

    def __init__(self, browser: Browser, stack: Stack, role: str) -> None:
        self.stack = stack
        self.account = ACCOUNTS[role]
        context = browser.new_context(
            viewport={"width": 1440, "height": 900}, locale="ja-JP", timezone_id="Asia/Tokyo"
        )
        context.set_default_timeout(15_000)
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text) if message.type == "error" else None
            ),
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def log_in(self) -> None:
        self.page.goto(self.stack.base)
        self.page.get_by_label("社員コードまたは E-MAIL").fill(self.account.email)
        self.page.get_by_label("パスワード").fill(self.account.password)
        self.shoot(f"login-{self.account.code}")
        self.page.get_by_role("button", name="ログイン").click()
        expect(self.page.get_by_text(self.account.name).first).to_be_visible()

    def shoot(self, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=True)

    def check_accessibility(self) -> None:
        found = Axe().run(self.page, options={"resultTypes": ["violations"]})
        serious = [
            f"{violation['id']}: {violation['nodes'][0]['html'][:120]}"
            for violation in found.response["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        assert not serious, serious


def shop_for(person: Person, goods: list[tuple[str, int]]) -> None:
    page = person.page
    for part, quantity in goods:
        card = page.locator(f'[data-test="product"][data-asin="{part}"]')
        card.get_by_label("数量").fill(str(quantity))
        card.locator('[data-test="add-to-cart"]').click()
        if page.locator(f'[data-test="product"][data-asin="{goods[-1][0]}"]').count() == 0:
            page.goto(f"{person.stack.shop}/")


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
    _say_yes(page)
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
        _say_yes(superior.page, superior, "10-final-approval-asks")
        expect(superior.page.get_by_text("承認しました").first).to_be_visible()
        assert not superior.complaints

    page.goto(f"{stack.base}/vouchers/{number}/")
    _until(page, lambda: page.locator(".step--done", has_text="出荷済").count() == 1)
    applicant.shoot("11-ordered-confirmed-shipped")
    applicant.check_accessibility()
    _until(page, lambda: page.get_by_role("link", name=re.compile("精算")).count() > 0)
    page.goto(f"{stack.base}/punchout/settle/")
    applicant.shoot("12-choose-the-request")
    _until(
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
    _say_yes(page)
    expect(page.get_by_text("承認依頼中").first).to_be_visible()

    for role in ("section_manager", "department_manager"):
        superior = Person(chromium, stack, role)
        superior.log_in()
        superior.page.goto(f"{stack.base}/vouchers/{settlement}/")
        superior.page.get_by_role("button", name=re.compile("^承認")).first.click()
        _say_yes(superior.page)
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


def _say_yes(page: Page, person: Person | None = None, shot: str = "") -> None:
    """Answer the question of a dialog, if one is asked."""
    page.wait_for_timeout(200)
    if page.locator("dialog[open]").count():
        if person:
            person.shoot(shot)
        page.locator("dialog[open] [data-confirm-yes]").click()


def _until(page: Page, holds, url: str | None = None, tries: int = 60) -> None:
    for _ in range(tries):
        page.goto(url or page.url)
        if holds():
            return
        page.wait_for_timeout(500)
    raise AssertionError(page.inner_text("body")[:800])
