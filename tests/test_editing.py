"""Writing a slip on its page: what is kept, what is refused, and what nobody can type."""

import datetime

import pytest
from cxml_documents import Line
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from edit_form import edit_url, held
from shopping import bring_back, connect, go_shopping
from world import World

from expenses import drafts, lifecycle
from expenses.models import Kind, Origin, Voucher
from expenses.refusals import NotAllowed
from expenses.transitions import Status
from masters.models import Deputy
from punchout.models import CatalogConnection

pytestmark = pytest.mark.django_db

NEW = "/vouchers/new/request/"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def browser(world):
    client = Client()
    client.force_login(world.people["applicant"])
    return client


def filled(world, browser, **changes) -> dict[str, str]:
    """A new request with one line, as typed."""
    typed = held(browser.get(NEW)) | {
        "title": "文具",
        "lines-0-date": "2026-04-01",
        "lines-0-breakdown": str(world.breakdowns["10"].pk),
        "lines-0-description": "ボールペン",
        "lines-0-amount": "1,100",
    }
    return typed | changes


def test_saving_keeps_everything_and_works_out_the_tax(world, browser):
    response = browser.post(NEW, filled(world, browser))
    voucher = Voucher.objects.get()
    assert response["Location"] == edit_url(voucher)
    line = voucher.lines.get()
    assert (line.amount, line.tax_amount, line.tax_rate) == (1100, 100, 10)
    assert (voucher.total, voucher.status, voucher.applicant) == (
        1100,
        "draft",
        world.people["applicant"],
    )
    again = held(browser.get(edit_url(voucher)))
    assert again["lines-0-description"] == "ボールペン"


@pytest.mark.parametrize("typed", ["１，１００", "￥1,100", " 1100 "])
def test_amounts_are_read_as_people_type_them(world, browser, typed):
    browser.post(NEW, filled(world, browser, **{"lines-0-amount": typed}))
    assert Voucher.objects.get().total == 1100


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("lines-0-amount", "abc", "1 円単位の数字"),
        ("lines-0-amount", "10.5", "1 円単位の数字"),
        ("lines-0-amount", "0", "1"),
        ("lines-0-amount", "-5", "1"),
        ("lines-0-amount", "", "金額を入力してください"),
        ("lines-0-date", "2026-02-30", "日付"),
        ("lines-0-breakdown", "999999", "選び直してください"),
        ("title", "", "件名を入力してください"),
        ("title", "長" * 61, "60"),
        ("department", "999999", "選択"),
    ],
)
def test_bad_input_is_said_at_the_field_and_what_was_typed_is_kept(
    world, browser, field, typed, says
):
    response = browser.post(NEW, filled(world, browser, **{field: typed, "note": "残る備考"}))
    assert response.status_code == 400
    page = response.content.decode()
    assert says in page
    assert "残る備考" in page
    assert not Voucher.objects.exists()


def test_untouched_blank_rows_are_not_lines(world, browser):
    typed = filled(world, browser) | {
        "lines-TOTAL_FORMS": "2",
        "lines-1-date": held(browser.get(NEW))["lines-0-date"],
        "lines-1-amount": "",
        "lines-1-description": "",
    }
    browser.post(NEW, typed)
    assert Voucher.objects.get().lines.count() == 1


def test_a_ticked_row_is_removed(world, browser):
    voucher = world.draft(world.line(), world.line(description="二行目"))
    typed = held(browser.get(edit_url(voucher))) | {"lines-0-DELETE": "on"}
    browser.post(edit_url(voucher), typed)
    assert [line.description for line in voucher.lines.all()] == ["二行目"]


def test_a_second_tab_gets_409_and_keeps_what_was_typed(world, browser):
    voucher = world.draft()
    first = held(browser.get(edit_url(voucher)))
    browser.post(edit_url(voucher), first | {"title": "先に保存"})
    response = browser.post(edit_url(voucher), first | {"title": "後から保存"})
    assert response.status_code == 409
    page = response.content.decode()
    assert "別の画面で更新されています" in page
    assert "後から保存" in page
    voucher.refresh_from_db()
    assert voucher.title == "先に保存"


def test_saving_and_submitting_in_one_go(world, browser):
    response = browser.post(NEW, filled(world, browser, then="submit"), follow=True)
    assert Voucher.objects.get().status == "submitted"
    assert "承認依頼中" in response.content.decode()


def test_submitting_without_a_line_saves_and_says_why_not(world, browser):
    typed = held(browser.get(NEW)) | {"title": "空の申請", "then": "submit"}
    response = browser.post(NEW, typed, follow=True)
    assert "明細がありません" in response.content.decode()
    assert Voucher.objects.get().status == "draft"


def test_a_submitted_slip_has_no_edit_page(world, browser):
    voucher = lifecycle.submit(world.draft(), by=world.people["applicant"])
    assert browser.get(edit_url(voucher)).status_code == 409


def test_nothing_of_the_form_can_set_status_applicant_or_totals(world, browser):
    typed = filled(
        world,
        browser,
        status="approved",
        total="1",
        number="SH-777777",
        **{"lines-0-tax_amount": "0", "lines-0-origin": "catalogue", "lines-0-tax_rate": "0"},
    )
    browser.post(NEW, typed)
    voucher = Voucher.objects.get()
    assert (voucher.status, voucher.applicant.code, voucher.total) == ("draft", "applicant", 1100)
    assert (voucher.lines.get().tax_amount, voucher.lines.get().origin) == (100, "manual")


class TestCatalogueLines:
    @pytest.fixture
    def voucher(self, world, browser):
        connection = connect(world)
        session = go_shopping(world, connection, world.draft())
        bring_back(session, Line(unit_price=1000, quantity=2), Line(rate="8.00", unit_price=500))
        browser.get(f"/punchout/carts/{session.pk}/")
        return Voucher.objects.get()

    def test_price_quantity_item_and_seller_cannot_be_typed(self, world, browser, voucher):
        before = list(voucher.lines.values("amount", "quantity", "description", "payee", "date"))
        typed = held(browser.get(edit_url(voucher)))
        for row in range(3):
            typed |= {f"lines-{row}-{name}": "1" for name in ("quantity", "unit_price", "payee")}
            if row:
                typed |= {f"lines-{row}-amount": "1", f"lines-{row}-description": "安い物"}
        typed["lines-0-payee"] = ""
        assert browser.post(edit_url(voucher), typed).status_code == 302
        after = list(voucher.lines.values("amount", "quantity", "description", "payee", "date"))
        assert after == before

    def test_a_breakdown_of_another_rate_is_refused(self, world, browser, voucher):
        typed = held(browser.get(edit_url(voucher)))
        typed["lines-1-breakdown"] = str(world.breakdowns["8"].pk)
        assert browser.post(edit_url(voucher), typed).status_code == 400
        assert voucher.lines.get(position=2).breakdown == world.breakdowns["10"]

    def test_a_single_catalogue_line_cannot_be_left_out(self, world, browser, voucher):
        typed = held(browser.get(edit_url(voucher)))
        typed["lines-1-DELETE"] = "on"
        response = browser.post(edit_url(voucher), typed)
        assert response.status_code == 400
        assert voucher.lines.filter(origin=Origin.CATALOGUE).count() == 2

    def test_note_and_burden_department_can_be_typed(self, world, browser, voucher):
        typed = held(browser.get(edit_url(voucher)))
        typed |= {"lines-1-note": "会議室用", "lines-1-department": str(world.division.pk)}
        browser.post(edit_url(voucher), typed)
        line = voucher.lines.get(position=2)
        assert (line.note, line.department) == ("会議室用", world.division)

    def test_the_rate_of_the_supplier_is_frozen_not_the_masters(self, world, browser, voucher):
        lifecycle.submit(voucher, by=world.people["applicant"])
        world.breakdowns["10"].tax_category.rates.update(rate=12)
        line = voucher.lines.get(position=2)
        assert line.tax_rate == 10


def test_a_manual_line_has_the_rate_of_its_own_date_frozen_at_submission(world, browser):
    import datetime

    from masters.models import TaxRate

    category = world.breakdowns["10"].tax_category
    category.rates.update(valid_to=datetime.date(2026, 9, 30))
    TaxRate.objects.create(category=category, rate=12, valid_from=datetime.date(2026, 10, 1))
    voucher = world.draft(world.line(), world.line(date=datetime.date(2026, 10, 1)))
    voucher = lifecycle.submit(voucher, by=world.people["applicant"])
    assert [line.tax_rate for line in voucher.lines.order_by("position")] == [10, 12]
    category.rates.update(rate=1)
    assert [line.tax_rate for line in voucher.lines.order_by("position")] == [10, 12]


def test_old_slips_keep_names_when_masters_change(world, browser):
    voucher = lifecycle.submit(world.draft(), by=world.people["applicant"])
    world.breakdowns["10"].name = "別の名前"
    world.breakdowns["10"].save()
    page = browser.get(f"/vouchers/{voucher.number}/").content.decode()
    assert "消耗品 10%" in page
    assert "別の名前" not in page


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("applicant", 200),
        ("full_deputy", 200),
        ("entry_deputy", 200),
        ("colleague", 404),
        ("manager", 404),
        ("reader", 200),
    ],
)
def test_who_sees_a_draft(world, who, code):
    voucher = world.draft()
    client = Client()
    client.force_login(world.people[who])
    assert client.get(f"/vouchers/{voucher.number}/").status_code == code
    shown = voucher.number in client.get("/browse/").content.decode()
    assert shown == (code == 200)


def test_a_settlement_can_be_written_by_hand(world, browser):
    url = "/vouchers/new/settlement/"
    typed = held(browser.get(url)) | {
        "title": "立替",
        "lines-0-date": "2026-04-01",
        "lines-0-breakdown": str(world.breakdowns["8"].pk),
        "lines-0-description": "お茶",
        "lines-0-amount": "1080",
    }
    browser.post(url, typed)
    voucher = Voucher.objects.get()
    assert (voucher.kind, voucher.lines.get().tax_amount) == (Kind.SETTLEMENT, 80)
    assert not CatalogConnection.objects.exists()


def test_a_submitted_slip_keeps_its_address_when_the_master_changes(world, browser):
    voucher = lifecycle.submit(world.draft(), by=world.people["applicant"])
    world.address.street = "別の番地9-9-9"
    world.address.save()
    page = browser.get(f"/vouchers/{voucher.number}/").content.decode()
    assert "丸の内1-1-1" in page
    assert "別の番地" not in page
    withdrawn = lifecycle.withdraw(voucher, by=world.people["applicant"])
    again = lifecycle.submit(withdrawn, by=world.people["applicant"])
    assert again.delivery.street == "別の番地9-9-9"


@pytest.mark.parametrize("field", ["title", "note", "total", "delivery_copy"])
def test_the_header_of_a_submitted_slip_is_fixed_in_the_database(world, field):
    voucher = lifecycle.submit(world.draft(), by=world.people["applicant"])
    with pytest.raises(IntegrityError), transaction.atomic():
        Voucher.objects.filter(pk=voucher.pk).update(**{field: 1})


def test_nul_and_endless_numbers_are_no_error_page(world, browser):
    voucher = world.draft()
    url = f"/vouchers/{voucher.number}/"
    assert browser.post(f"{url}submit/", {"comment": "a\x00b"}).status_code == 302
    manager = Client()
    manager.force_login(world.people["manager"])
    assert manager.post(f"{url}approve/", {"step": "9" * 5000}).status_code == 302
    typed = filled(world, browser, title="a\x00b", note="c\x00d")
    assert browser.post(NEW, typed).status_code == 400


def test_a_line_named_twice_is_not_counted_twice(world, browser):
    voucher = world.draft()
    values = held(browser.get(edit_url(voucher)))
    twice = values | {
        name.replace("lines-0-", "lines-1-"): value
        for name, value in values.items()
        if name.startswith("lines-0-")
    }
    twice |= {"lines-TOTAL_FORMS": "2"}
    assert browser.post(edit_url(voucher), twice).status_code == 409
    voucher.refresh_from_db()
    assert voucher.total == 1100


def test_a_deputy_whose_time_is_over_neither_reads_nor_writes_for_the_other(world):
    voucher = world.draft()
    deputy = world.people["full_deputy"]
    yesterday = timezone.localdate() - datetime.timedelta(days=1)
    client = Client()
    client.force_login(deputy)
    assert client.get(edit_url(voucher)).status_code == 200
    Deputy.objects.filter(deputy=deputy).update(valid_to=yesterday)
    assert client.get(edit_url(voucher)).status_code == 404
    with pytest.raises(NotAllowed):
        drafts.create(
            Kind.REQUEST, by=deputy, header=world.header(), applicant=world.people["applicant"]
        )


def test_who_may_only_read_gets_no_form(world):
    voucher = world.slip_in(Status.RETURNED)
    client = Client()
    client.force_login(world.people["manager"])
    assert client.get(f"/vouchers/{voucher.number}/").status_code == 200
    assert client.get(edit_url(voucher)).status_code == 403


def test_a_deputy_writes_a_new_slip_for_the_other_and_both_are_recorded(world):
    client = Client()
    client.force_login(world.people["entry_deputy"])
    assert "applicant さんの代理で作成" in client.get(NEW).content.decode()
    page = client.get(f"{NEW}?for=applicant")
    typed = held(page) | {"title": "代理で", "department": world.section.pk}
    typed |= {"delivery_address": world.address.pk}
    assert client.post(NEW, typed).status_code == 302
    slip = Voucher.objects.get()
    assert (slip.applicant.code, slip.entered_by.code) == ("applicant", "entry_deputy")


@pytest.mark.parametrize("who", ["colleague", "manager_deputy"])
def test_nobody_else_writes_a_slip_for_another(world, who):
    client = Client()
    client.force_login(world.people[who])
    assert client.get(f"{NEW}?for=applicant").status_code == 403
    assert client.post(NEW, {"applicant": "applicant", "title": "x"}).status_code == 403
    assert not Voucher.objects.exists()
