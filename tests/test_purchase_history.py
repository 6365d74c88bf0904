"""Purchase history: the same fact never counts twice, and settling takes each fact once."""

import csv
import io
import random
import threading

import pytest
from cxml_documents import Line
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection as database
from django.test import Client
from shopping import bring_back, connect, go_shopping
from world import World

from expenses import approval, lifecycle
from expenses.models import Voucher
from punchout import carts, history, report_csv
from punchout.models import HistoryImport, PurchaseOrder, PurchaseRecord, SourceRow

pytestmark = pytest.mark.django_db

HEADINGS = [
    "注文日", "注文番号", "発注番号", "注文状況", "支払い確定日", "配送業者の問い合わせ番号",
    "ASIN", "商品名", "商品の数量", "商品の小計（税込）", "商品の小計（消費税）",
    "商品の小計（税率）", "商品の配送料および手数料（税込）", "出品者名",
    "適格請求書発行事業者登録番号",
]  # fmt: skip


def row(**changes) -> dict[str, str]:
    values = {
        "注文日": "2026/04/01",
        "注文番号": "249-1",
        "発注番号": "SH-1",
        "注文状況": "注文完了",
        "支払い確定日": "2026/04/02",
        "配送業者の問い合わせ番号": '="788"',
        "ASIN": '="B0A"',
        "商品名": "ノート",
        "商品の数量": "2",
        "商品の小計（税込）": "2,816",
        "商品の小計（消費税）": "256",
        "商品の小計（税率）": "10%",
        "商品の配送料および手数料（税込）": "0",
        "出品者名": "文具店",
        "適格請求書発行事業者登録番号": "該当無し",
    }
    return {**values, **changes}


def report(*rows, encoding="utf-8-sig", headings=HEADINGS, rename=None) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([(rename or {}).get(name, name) for name in headings])
    writer.writerows([values[name] for name in headings] for values in rows)
    return text.getvalue().encode(encoding)


@pytest.fixture
def connection():
    return connect(World())


def take(connection, *rows, **options) -> HistoryImport:
    parsed = report_csv.read(report(*rows, **options))
    return history.import_rows(connection, parsed, source=HistoryImport.Source.CSV)


def facts() -> list[tuple]:
    return sorted(
        PurchaseRecord.objects.values_list("supplier_order", "title", "quantity", "amount")
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_a_report_is_read_in_every_encoding_it_comes_in(connection, encoding):
    take(connection, row(), encoding=encoding)
    record = PurchaseRecord.objects.get()
    assert (record.part_id, record.quantity, record.amount, record.tax) == ("B0A", 2, 2816, 256)
    assert (record.rate, record.registration_number, record.tracking) == (10, "", "788")


def test_headings_are_found_whatever_their_brackets_and_order(connection):
    rename = {name: name.replace("（", "(").replace("）", ") ") for name in HEADINGS}
    take(connection, row(), headings=HEADINGS[::-1], rename=rename)
    assert PurchaseRecord.objects.get().amount == 2816


def test_importing_twice_changes_nothing(connection):
    rows = [row(), row(商品名="ペン", ASIN="B0B", 商品の数量="1")]
    take(connection, *rows)
    before = facts()
    again = take(connection, *rows)
    assert facts() == before
    assert (again.added, again.matched) == (0, 2)


def test_shuffled_overlapping_and_repeated_files_give_the_same_facts(connection):
    rows = [
        row(
            注文番号=f"249-{n % 3}",
            商品名=f"品 {n % 4}",
            ASIN=f"B{n % 4}",
            支払い確定日=f"2026/04/{n + 1:02}",
        )
        for n in range(12)
    ]
    take(connection, *rows)
    once = facts()
    PurchaseRecord.objects.all()
    rng = random.Random(7)
    for _ in range(6):
        take(connection, *rng.sample(rows, rng.randint(1, 12)))
    assert facts() == once


def test_two_equal_supplies_in_one_file_are_two_facts(connection):
    twins = [row(配送業者の問い合わせ番号=""), row(配送業者の問い合わせ番号="")]
    take(connection, *twins)
    take(connection, *twins)
    assert PurchaseRecord.objects.count() == 2


def test_unshipped_first_and_shipped_later_is_one_fact(connection):
    waiting = row(支払い確定日="該当無し", 配送業者の問い合わせ番号="", 注文状況="出荷準備中")
    take(connection, waiting)
    assert not PurchaseRecord.objects.exists()
    assert SourceRow.objects.get().outcome == "not_yet"
    take(connection, row())
    assert PurchaseRecord.objects.count() == 1


def test_a_cancelled_row_is_no_supply(connection):
    take(connection, row(注文状況="キャンセル済み"))
    assert not PurchaseRecord.objects.exists()


def test_a_refund_is_a_negative_fact_of_its_own(connection):
    take(connection, row(), row(商品の数量="-2", **{"商品の小計（税込）": "-2,816"}))
    assert [amount for *_, amount in facts()] == [-2816, 2816]


def test_a_bad_row_is_reported_with_its_line_and_the_good_ones_stay(connection, tmp_path, capsys):
    path = tmp_path / "注文履歴.csv"
    path.write_bytes(report(row(), row(**{"商品の小計（税込）": "12.5"}), row(注文番号="")))
    with pytest.raises(CommandError):
        call_command("import_purchase_history", str(path))
    printed = capsys.readouterr().out
    assert "3 行: 新規 1" in printed
    assert "3 行目 エラー" in printed
    assert "4 行目 エラー" in printed
    assert PurchaseRecord.objects.count() == 1


def test_a_file_that_is_no_report_is_refused_with_what_is_missing(connection, tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(CommandError, match="注文番号"):
        call_command("import_purchase_history", str(path))
    assert not HistoryImport.objects.exists()


def test_rows_of_an_unknown_order_are_kept(connection):
    take(connection, row(発注番号="誰も知らない"))
    assert PurchaseRecord.objects.get().order is None


def test_carriage_is_a_record_of_its_own(connection):
    take(connection, row(**{"商品の配送料および手数料（税込）": "550"}))
    assert list(PurchaseRecord.objects.values_list("amount", "is_shipping_charge")) == [
        (2816, False),
        (550, True),
    ]


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_count_once():
    connection = connect(World())
    start = threading.Barrier(3)

    def run() -> None:
        try:
            start.wait()
            take(connection, row(), row(商品名="ペン", ASIN="B0B"))
        finally:
            database.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert PurchaseRecord.objects.count() == 2


class TestSettling:
    @pytest.fixture
    def world(self):
        world = World()
        self.connection = connect(world)
        session = go_shopping(world, self.connection, world.draft())
        bring_back(session, Line(part_id="B0A", unit_price=1280, quantity=2))
        carts.apply(session, by=world.people["applicant"])
        voucher = lifecycle.submit(session.voucher, by=world.people["applicant"])
        approval.approve(voucher, by=world.people["manager"])
        self.request = approval.approve(voucher, by=world.people["director"])
        return world

    def deliver(self, **changes):
        return take(self.connection, row(発注番号=PurchaseOrder.objects.get().number, **changes))

    def browser(self, world, who="applicant"):
        client = Client()
        client.force_login(world.people[who])
        return client

    def settle(self, world, who="applicant", records=None):
        chosen = records or list(PurchaseRecord.objects.values_list("pk", flat=True))
        url = f"/punchout/settle/{self.request.number}/"
        return self.browser(world, who).post(url, {"record": chosen})

    def test_the_purchase_data_fill_the_lines_without_retyping(self, world):
        self.deliver()
        response = self.settle(world)
        assert response.status_code == 302
        settlement = Voucher.objects.get(kind="settlement")
        line = settlement.lines.get()
        assert (line.amount, line.tax_amount, line.tax_stated, line.payee) == (
            2816, 256, True, "文具店",
        )  # fmt: skip
        assert line.payment_method == world.paid_by_company
        assert line.breakdown == world.breakdowns["10"]
        assert settlement.request == self.request
        assert not settlement.has_difference
        lifecycle.submit(settlement, by=world.people["applicant"])

    def test_a_record_is_settled_once(self, world):
        self.deliver()
        assert self.settle(world).status_code == 302
        response = self.settle(world)
        assert response.status_code == 400
        assert "すでに精算中" in response.content.decode()
        assert Voucher.objects.filter(kind="settlement").count() == 1

    def test_deleting_the_settlement_sets_the_record_free(self, world):
        self.deliver()
        self.settle(world)
        first = Voucher.objects.get(kind="settlement")
        lifecycle.delete(first, by=world.people["applicant"])
        assert self.settle(world).status_code == 302

    def test_a_returned_settlement_keeps_its_records(self, world):
        self.deliver()
        self.settle(world)
        settlement = Voucher.objects.get(kind="settlement")
        lifecycle.submit(settlement, by=world.people["applicant"])
        approval.return_to_applicant(settlement, by=world.people["manager"], comment="直して")
        assert self.settle(world).status_code == 400

    def test_another_price_marks_the_settlement_as_different(self, world):
        self.deliver(**{"商品の小計（税込）": "2,817"})
        self.settle(world)
        assert Voucher.objects.get(kind="settlement").has_difference

    def test_partial_shipments_make_several_settlements(self, world):
        half = {"商品の数量": "1", "商品の小計（税込）": "1,408", "商品の小計（消費税）": "128"}
        self.deliver(**half, 配送業者の問い合わせ番号="1")
        assert self.settle(world).status_code == 302
        self.deliver(**half, 配送業者の問い合わせ番号="2")
        second = PurchaseRecord.objects.unsettled().get()
        assert self.settle(world, records=[second.pk]).status_code == 302
        assert Voucher.objects.filter(kind="settlement", has_difference=False).count() == 2

    def test_more_than_was_ordered_waits_for_a_person(self, world):
        self.deliver()
        done = self.deliver(配送業者の問い合わせ番号="999")
        assert (done.added, done.ambiguous) == (0, 1)
        assert PurchaseRecord.objects.count() == 1

    @pytest.mark.parametrize(
        ("who", "code"), [("colleague", 404), ("manager", 404), ("reader", 404)]
    )
    def test_others_do_not_settle_it(self, world, who, code):
        self.deliver()
        assert self.settle(world, who).status_code == code

    def test_the_request_cannot_be_denied_while_a_settlement_lives(self, world):
        self.deliver()
        self.settle(world)
        url = f"/vouchers/{self.request.number}/deny/"
        response = self.browser(world, "denier").post(url, {"comment": "誤り"})
        assert response.status_code == 400
        assert "経費精算がある" in response.content.decode()
