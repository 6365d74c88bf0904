"""People at their desks: real browsers, and a screenshot of what they see in var/screenshots/."""

from collections.abc import Callable
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from stack import Stack

from rakuraku.demo_accounts import ACCOUNTS

SHOTS = Path(__file__).resolve().parent.parent / "var" / "screenshots"


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
    """Put ``goods`` (product, quantity) into the cart of the shop that is open."""
    page = person.page
    for part, quantity in goods:
        card = page.locator(f'[data-test="product"][data-asin="{part}"]')
        card.get_by_label("数量").fill(str(quantity))
        card.locator('[data-test="add-to-cart"]').click()
        if page.locator(f'[data-test="product"][data-asin="{goods[-1][0]}"]').count() == 0:
            page.goto(f"{person.stack.shop}/")


def say_yes(page: Page, person: Person | None = None, shot: str = "") -> None:
    """Answer the question of a dialog, if one is asked."""
    page.wait_for_timeout(200)
    if page.locator("dialog[open]").count():
        if person:
            person.shoot(shot)
        page.locator("dialog[open] [data-confirm-yes]").click()


def until(page: Page, holds: Callable[[], bool], url: str | None = None, tries: int = 60) -> None:
    """Open the page again and again until it shows what it should; at most 30 seconds."""
    for _ in range(tries):
        page.goto(url or page.url)
        if holds():
            return
        page.wait_for_timeout(500)
    raise AssertionError(page.inner_text("body")[:800])
