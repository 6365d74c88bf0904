"""Shopping in a real browser, rule by rule (DOMAIN §6.1 to 6.5 and 6.13)."""

import re
from collections.abc import Iterator

import pytest
from desk import Person, say_yes, shop_for, until
from playwright.sync_api import Page, expect
from stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.xdist_group("shopping")]

TEN, EIGHT, ZERO, SHIPPED = "B0MDR00101", "B0MDR00401", "B0MDR00701", "B0MDR00303"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack("shopping", tmp_path_factory.mktemp("shopping")) as running:
        yield running


@pytest.fixture(scope="module")
def people(stack, chromium) -> dict[str, Person]:
    """Logged in once: logins are counted."""
    found = {}
    for role in ("applicant", "section_manager", "department_manager", "administrator"):
        found[role] = Person(chromium, stack, role)
        found[role].log_in()
    return found


@pytest.fixture
def applicant(stack, people) -> Iterator[Person]:
    stack.control("PUT", "settings", {"cart_fault": ""})
    yield people["applicant"]
    assert not people["applicant"].complaints


def write(person: Person, title: str) -> Page:
    """A new request with its title."""
    page = person.page
    page.goto(f"{person.stack.base}/vouchers/new/request/")
    page.get_by_label("件名").fill(title)
    return page


def to_the_shop(person: Person) -> None:
    """「カタログ連携」, and over our own page to the shop."""
    person.page.get_by_role("button", name="カタログ連携").click()
    say_yes(person.page)
    person.page.wait_for_url(f"{person.stack.shop}/**")


def come_back(person: Person, *goods: tuple[str, int]) -> None:
    """With those goods in the cart."""
    page = person.page
    shop_for(person, list(goods))
    page.goto(f"{person.stack.shop}/cart")
    page.locator('[data-test="checkout"]').click()
    page.locator('[data-test="request-approval"]').click()
    page.wait_for_url(re.compile(f"{person.stack.base}/.*"))


def shop(person: Person, *goods: tuple[str, int]) -> str:
    """There and back; the slip's number."""
    to_the_shop(person)
    come_back(person, *goods)
    return number_of(person.page)


def number_of(page: Page) -> str:
    return re.search(r"SH-\d+", page.url)[0]


def submit(person: Person) -> None:
    person.page.get_by_role("button", name="申請する").click()
    say_yes(person.page)


def approve(people: dict[str, Person], number: str) -> None:
    for role in ("section_manager", "department_manager"):
        page = people[role].page
        page.goto(f"{people[role].stack.base}/vouchers/{number}/")
        page.get_by_role("button", name=re.compile("^承認")).first.click()
        say_yes(page)
        expect(page.get_by_text("承認しました").first).to_be_visible()


def catalogue_rows(page: Page):
    return page.locator("[data-row]", has=page.locator(".origin"))


class TestBeforeLeaving:
    def test_without_a_delivery_address_it_is_said(self, applicant):
        page = write(applicant, "配送先なし")
        page.get_by_label("配送先").select_option("")
        page.get_by_role("button", name="カタログ連携").click()
        expect(page.get_by_text("配送先が選ばれていません")).to_be_visible()
        applicant.shoot("50-no-address")
        assert "/edit/" in page.url, "the draft was saved"

    def test_without_an_e_mail_it_is_said_whom_to_ask(self, stack, applicant):
        code, email = applicant.account.code, applicant.account.email
        stack.sql("UPDATE masters_employee SET email = '' WHERE code = %s", code)
        page = write(applicant, "E-MAIL なし")
        page.get_by_role("button", name="カタログ連携").click()
        expect(page.get_by_text("E-MAIL の登録をシステム管理者に連絡")).to_be_visible()
        stack.sql("UPDATE masters_employee SET email = %s WHERE code = %s", email, code)

    def test_an_incomplete_connection_names_what_is_missing(self, stack, applicant):
        stack.sql("UPDATE punchout_catalogconnection SET order_url = '|' || order_url")
        stack.sql("UPDATE punchout_catalogconnection SET lookup_url = order_url, order_url = ''")
        page = write(applicant, "設定不足")
        page.get_by_role("button", name="カタログ連携").click()
        expect(page.get_by_text("未設定: 注文（PO Request）URL")).to_be_visible()
        stack.sql("UPDATE punchout_catalogconnection SET order_url = substr(lookup_url, 2)")

    def test_a_phone_is_refused_with_the_reason(self, stack, chromium, applicant):
        context = chromium.new_context(
            storage_state=applicant.page.context.storage_state(),
            user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148",
            viewport={"width": 390, "height": 844},
            locale="ja-JP",
        )
        page = context.new_page()
        page.goto(f"{stack.base}/vouchers/new/request/")
        page.get_by_label("件名").fill("外出先から")
        page.get_by_role("button", name="カタログ連携").click()
        expect(page.get_by_text("スマートフォンのブラウザーからは")).to_be_visible()
        assert "/edit/" in page.url
        context.close()


class TestTheCartBecomesLines:
    def test_a_line_for_each_item_and_shipping_with_the_breakdown_of_its_rate(self, applicant):
        page = write(applicant, "三つの税率")
        shop(applicant, (TEN, 2), (EIGHT, 1), (ZERO, 1), (SHIPPED, 1))
        rows = catalogue_rows(page)
        expect(rows).to_have_count(5)
        chosen = [row.locator("select").first for row in rows.all()]
        names = [one.locator("option:checked").inner_text() for one in chosen]
        assert all(names), names
        # What the supplier states is text; the person types only what is theirs to say.
        assert rows.locator("input[name$='-amount'], input[name$='-description']").count() == 0

    def test_an_unknown_rate_leaves_the_breakdown_to_the_employee(self, stack, applicant):
        stack.control("PUT", "settings", {"cart_fault": "unknown_rate"})
        page = write(applicant, "知らない税率")
        shop(applicant, (TEN, 1))
        expect(page.get_by_text("内訳を選んでください").first).to_be_visible()
        applicant.shoot("51-unknown-rate")
        submit(applicant)
        expect(page.get_by_text(re.compile("内訳を選んでください")).first).to_be_visible()
        assert "/edit/" in page.url
        for row in catalogue_rows(page).all():
            if not row.locator("select").first.input_value():
                row.locator("select").first.select_option(index=1)
        submit(applicant)
        expect(page.get_by_text("承認依頼中").first).to_be_visible()

    def test_a_header_that_does_not_add_up_makes_no_lines_and_says_why(self, stack, applicant):
        stack.control("PUT", "settings", {"cart_fault": "header_mismatch"})
        page = write(applicant, "合わない合計")
        to_the_shop(applicant)
        come_back(applicant, (TEN, 1))
        expect(page.get_by_text("一致しません")).to_be_visible()
        applicant.shoot("52-header-mismatch")


class TestShoppingAgain:
    def test_it_replaces_the_cart_only_after_a_confirmation(self, stack, applicant):
        page = write(applicant, "二度目の買い物")
        number = shop(applicant, (TEN, 2))
        to_the_shop(applicant)
        come_back(applicant, (EIGHT, 3))
        applicant.shoot("53-replace-asks")
        page.get_by_role("link", name="いまの明細を残す").click()
        expect(catalogue_rows(page)).to_have_count(1)
        expect(catalogue_rows(page).first).to_contain_text("10%")
        page.get_by_role("link", name="受け取ったカートを反映する").click()
        page.get_by_role("button", name="新しいカートに入れ替える").click()
        page.wait_for_url(f"{stack.base}/vouchers/{number}/edit/")
        expect(catalogue_rows(page)).to_have_count(1)
        expect(catalogue_rows(page).first).to_contain_text("8%")

    def test_a_trip_from_a_second_tab_comes_back_to_the_same_draft(self, stack, applicant):
        page = write(applicant, "二つのタブ")
        page.get_by_role("button", name="一時保存").click()
        address = page.url
        to_the_shop(applicant)
        other = page.context.new_page()
        other.goto(address)
        second = Person.__new__(Person)
        second.stack, second.page = stack, other
        to_the_shop(second)
        come_back(second, (EIGHT, 1))
        expect(catalogue_rows(other)).to_have_count(1)
        other.close()
        # The shop knows one visit per browser; the first tab's ends with nothing brought back.
        page.goto(address)
        expect(catalogue_rows(page)).to_have_count(1)

    def test_an_older_tab_is_told_and_nothing_is_lost(self, applicant):
        page = write(applicant, "古いタブ")
        page.get_by_role("button", name="一時保存").click()
        other = page.context.new_page()
        other.goto(page.url)
        page.get_by_label("件名").fill("新しいほう")
        page.get_by_role("button", name="一時保存").click()
        expect(page.get_by_text("一時保存しました")).to_be_visible()
        other.get_by_label("件名").fill("古いほう")
        other.get_by_role("button", name="一時保存").click()
        expect(other.get_by_role("alert").first).to_be_visible()
        assert other.get_by_label("件名").input_value() == "古いほう"
        page.reload()
        assert page.get_by_label("件名").input_value() == "新しいほう"
        other.close()
        applicant.complaints.clear()  # The browser reports the 409 itself.

    def test_the_back_button_and_the_same_cart_again_change_nothing(self, stack, applicant):
        page = write(applicant, "戻るボタン")
        number = shop(applicant, (TEN, 1))
        page.go_back()
        page.wait_for_load_state()
        assert page.locator("body").inner_text()
        page.goto(f"{stack.base}/vouchers/{number}/edit/")
        expect(catalogue_rows(page)).to_have_count(1)

    def test_leaving_the_shop_without_a_cart_changes_nothing(self, stack, applicant):
        page = write(applicant, "買わずに戻る")
        to_the_shop(applicant)
        page.locator('[data-test="sign-out"]').first.click()
        page.wait_for_url(re.compile(f"{stack.base}/.*"))
        expect(catalogue_rows(page)).to_have_count(0)


class TestWhatIsOrdered:
    def test_only_catalogue_lines_though_others_stand_beside_them(self, stack, applicant, people):
        page = write(applicant, "自分の行もある")
        shop(applicant, (TEN, 2))
        page.get_by_role("button", name="行を追加").click()
        row = page.locator("[data-row]").last
        row.get_by_label("内容").fill("配送先までの切手")
        row.get_by_label("金額（税込）").fill("110")
        row.get_by_label("内訳").select_option(index=1)
        number = number_of(page)
        submit(applicant)
        expect(page.get_by_text("承認依頼中").first).to_be_visible()
        approve(people, number)
        until(page, lambda: bool(orders(stack, number)), f"{stack.base}/vouchers/{number}/")
        assert orders(stack, number)[0]["body"].count("<ItemOut") == 1

    def test_nothing_when_no_catalogue_line_is_left(self, stack, applicant, people):
        page = write(applicant, "やはり要らない")
        number = shop(applicant, (TEN, 1))
        page.get_by_role("button", name="カタログの明細をすべて外す").click()
        say_yes(page, applicant, "54-discard-asks")
        expect(page.get_by_text("承認されても発注はされません")).to_be_visible()
        page.get_by_role("button", name="行を追加").click()
        row = page.locator("[data-row]").last
        row.get_by_label("内容").fill("封筒")
        row.get_by_label("金額（税込）").fill("330")
        row.get_by_label("内訳").select_option(index=1)
        submit(applicant)
        approve(people, number)
        page.goto(f"{stack.base}/vouchers/{number}/")
        applicant.shoot("55-nothing-ordered")
        expect(page.get_by_text("発注待ち")).to_have_count(0)
        assert orders(stack, number) == []

    def test_a_single_line_may_go_by_the_setting_and_the_supplier_refuses_the_rest(
        self, stack, applicant, people
    ):
        page = write(applicant, "一つ減らす")
        number = shop(applicant, (TEN, 1), (EIGHT, 1))
        assert catalogue_rows(page).locator("[data-remove-row]").count() == 0
        stack.sql("UPDATE punchout_catalogconnection SET allow_line_removal = true")
        page.reload()
        catalogue_rows(page).locator("[data-remove-row]").first.click()
        submit(applicant)
        expect(page.get_by_text("承認依頼中").first).to_be_visible()
        stack.sql("UPDATE punchout_catalogconnection SET allow_line_removal = false")
        approve(people, number)
        address = f"{stack.base}/vouchers/{number}/"
        until(page, lambda: page.get_by_text("発注エラー").count() > 0, address)
        applicant.shoot("56-partial-cart-refused")
        expect(page.get_by_text(re.compile("018-007")).first).to_be_visible()


def test_a_deputy_shops_in_their_own_name_for_the_other(stack, people):
    stack.sql(
        "INSERT INTO masters_deputy (principal_id, deputy_id, power)"
        " SELECT p.id, d.id, 'full' FROM masters_employee p, masters_employee d"
        " WHERE p.code = '1001' AND d.code = '1002'"
    )
    deputy = people["section_manager"]
    page = deputy.page
    page.goto(f"{stack.base}/vouchers/new/request/")
    page.get_by_role("link", name="田中 美咲 さんの代理で作成").click()
    page.get_by_label("件名").fill("代理の買い物")
    page.get_by_role("button", name="カタログ連携").click()
    expect(page.get_by_text(deputy.account.email)).to_be_visible()
    page.wait_for_url(f"{stack.shop}/**")
    come_back(deputy, (TEN, 1))
    deputy.shoot("57-deputy")
    expect(page.get_by_text("申請者 田中 美咲")).to_be_visible()
    expect(catalogue_rows(page)).to_have_count(1)
    stack.sql("DELETE FROM masters_deputy")


def orders(stack: Stack, number: str) -> list[dict]:
    """What the supplier received of that number."""
    return stack.control("GET", f"orders?order_number={number}")["orders"]
