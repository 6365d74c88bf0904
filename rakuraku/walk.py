"""The main job, once, through the real pages and endpoints over HTTP, a line per step.

An employee asks, shops and submits; two superiors approve; the order goes out by itself; the
supplier confirms, ships and reports; the employee settles without retyping.
"""

import time
from collections.abc import Callable

from rakuraku.browsing import Browser, Page, PageError, form_of
from rakuraku.demo_accounts import ACCOUNTS

Progress = Callable[[str], None]
Step = tuple[str, Callable[[], str]]
"""A step's name, and what does it and says what came of it."""


class StepFailed(Exception):
    """The step of the main job that did not hold, and why."""


class MainJob:
    """One run. ``base`` and ``shop`` are the addresses of the product and the sandbox supplier."""

    def __init__(
        self,
        base: str,
        shop: str,
        progress: Progress,
        *,
        verify: str | bool = True,
        patience: float = 60.0,
    ) -> None:
        self.base = base.rstrip("/")
        self.shop_url = shop.rstrip("/")
        self.progress = progress
        self.verify = verify
        self.patience = patience
        self.browsers: dict[str, Browser] = {}
        self.request = ""
        self.settlement = ""

    def run(self) -> None:
        """All steps in order; raises ``StepFailed`` at the first that does not hold."""
        self._take(
            [
                *self._until_the_order(),
                ("自動発注", lambda: self._wait_for("発注済")),
                ("注文確認の受信", lambda: self._wait_for("確認済")),
                ("出荷通知の受信", lambda: self._wait_for("出荷済")),
                ("購入履歴の取込と経費精算の作成", self._settle),
                ("精算の申請", self._submit_settlement),
                ("課長の承認（精算）", lambda: self._approve("section_manager", self.settlement)),
                (
                    "部長の最終承認（精算）",
                    lambda: self._approve("department_manager", self.settlement),
                ),
                ("精算済みの確認", self._check_settled),
            ]
        )

    def order(self) -> str:
        """The steps up to the final approval; the number of the approved request."""
        self._take(self._until_the_order())
        return self.request

    def _until_the_order(self) -> list[Step]:
        return [
            ("ログイン", self._log_in),
            ("経費申請を書き、カタログ連携へ", self._start_shopping),
            ("カタログで買い物をして、カートを持ち帰る", self._shop),
            ("申請", self._submit_request),
            ("課長の承認", lambda: self._approve("section_manager", self.request)),
            ("部長の最終承認", lambda: self._approve("department_manager", self.request)),
        ]

    def _take(self, steps: list[Step]) -> None:
        for number, (name, step) in enumerate(steps, start=1):
            began = time.monotonic()
            try:
                said = step()
            except Exception as error:
                raise StepFailed(f"{number}. {name}: {error}") from error
            seconds = time.monotonic() - began
            self.progress(f"  {number:>2}/{len(steps)}  {name} … {said}（{seconds:.1f} 秒）")

    def _log_in(self) -> str:
        names = []
        for role in ("applicant", "section_manager", "department_manager"):
            account = ACCOUNTS[role]
            browser = Browser(self.verify)
            page = browser.open(f"{self.base}/accounts/login/")
            form = page.first("//form[.//input[@type='password']]")
            page = browser.submit(page, form, login=account.email, password=account.password)
            if "/accounts/login" in page.url:
                raise PageError(f"{account.name} がログインできません: {page.text[:200]}")
            self.browsers[role] = browser
            names.append(account.name)
        return "、".join(names)

    @property
    def _applicant(self) -> Browser:
        return self.browsers["applicant"]

    def _start_shopping(self) -> str:
        page = self._applicant.open(f"{self.base}/vouchers/new/request/")
        button = page.first("//button[contains(@formaction, '/punchout/shop/')]")
        page = self._applicant.submit(
            page, form_of(page, button), button, title="新しい執務室の備品"
        )
        if "/punchout/go/" not in page.url:
            raise PageError(page.text[:300])
        self._way = page.first("//a[starts-with(@href, '" + self.shop_url + "')]").get("href")
        return "移動ページを表示"

    def _shop(self) -> str:
        browser = self._applicant
        page = browser.open(self._way)
        for asin, quantity in self._choose(page):
            card = page.first(f"//*[@data-test='product'][@data-asin='{asin}']")
            form = card.xpath(".//form")[0]
            browser.submit(page, form, quantity=str(quantity))
            page = browser.open(f"{self.shop_url}/")
        page = browser.open(f"{self.shop_url}/checkout")
        page = browser.submit(page, form_of(page, page.first("//*[@data-test='request-approval']")))
        page = browser.submit(page, page.first("//form[@data-test='return-form']"))
        if "/edit/" not in page.url:
            raise PageError(page.text[:300])
        self.request = page.url.rstrip("/").split("/")[-2]
        self._page = page
        return f"{self.request} に明細が入りました"

    def _choose(self, page: Page) -> list[tuple[str, int]]:
        """A product of each rate, and one that has a shipping charge, as the shop shows them."""
        cards = page.tree.xpath("//*[@data-test='product']")
        wanted: dict[str, tuple[str, int]] = {}
        for card in cards:
            text = card.text_content()
            rate = "8" if "軽減税率" in text else "0" if "非課税" in text else "10"
            kind = rate if "配送料無料" in text else f"{rate}+送料"
            if kind in ("10", "8", "0", "10+送料"):
                wanted.setdefault(kind, (card.get("data-asin"), 2 if kind == "10" else 1))
        if len(wanted) < 4:
            raise PageError(f"商品が足りません: {sorted(wanted)}")
        return list(wanted.values())

    def _submit_request(self) -> str:
        page = self._press_submit(self._page)
        if not page.has("承認依頼中"):
            raise PageError(page.text[:300])
        return "承認依頼中"

    def _press_submit(self, page: Page) -> Page:
        button = page.first("//button[@name='then' and @value='submit']")
        return self._applicant.submit(page, form_of(page, button), button)

    def _approve(self, role: str, number: str) -> str:
        browser = self.browsers[role]
        page = browser.open(f"{self.base}/vouchers/{number}/")
        form = page.first(f"//form[contains(@action, '/vouchers/{number}/approve/')]")
        page = browser.submit(page, form, comment="確認しました。")
        expected = "最終承認済み" if role == "department_manager" else "承認依頼中"
        if not page.has(expected):
            raise PageError(page.text[:300])
        return expected

    def _wait_for(self, word: str) -> str:
        deadline = time.monotonic() + self.patience
        path = f"//*[contains(@class, 'step--done')][.//*[normalize-space(.)='{word}']]"
        while time.monotonic() < deadline:
            page = self._applicant.open(f"{self.base}/vouchers/{self.request}/")
            if page.tree.xpath(path):
                return word
            time.sleep(0.3)
        raise PageError(f"{self.patience:.0f} 秒待っても「{word}」になりません: {page.text[:400]}")

    def _settle(self) -> str:
        deadline = time.monotonic() + self.patience
        address = f"{self.base}/punchout/settle/{self.request}/"
        while True:
            page = self._applicant.open(address)
            records = page.tree.xpath("//input[@name='record']/@value")
            # Four goods and at least one shipping charge; the report may come in two pulls.
            if len(records) >= 5:
                break
            if time.monotonic() > deadline:
                raise PageError(f"購入履歴が {len(records)} 件しか届きません: {page.text[:300]}")
            time.sleep(0.5)
        form = page.first("//form[.//input[@name='record']]")
        page = self._applicant.submit(page, form, record=[str(value) for value in records])
        if "/edit/" not in page.url:
            raise PageError(page.text[:300])
        self._page = page
        self.settlement = page.url.rstrip("/").split("/")[-2]
        return f"{self.settlement}（{len(records)} 行、入力なし）"

    def _submit_settlement(self) -> str:
        page = self._press_submit(self._page)
        if not page.has("承認依頼中"):
            raise PageError(page.text[:300])
        return "承認依頼中"

    def _check_settled(self) -> str:
        return self._wait_for("精算済")


def walk_main_job(
    base: str, shop: str, progress: Progress, *, verify: str | bool = True, patience: float = 60.0
) -> None:
    """Run the main job once; raises ``StepFailed`` naming the step that did not hold."""
    MainJob(base, shop, progress, verify=verify, patience=patience).run()
