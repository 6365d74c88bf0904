"""What the supplier confirms is compared with what was approved (DOMAIN §6.8)."""

import pytest
from cxml_documents import Line
from django.test import Client
from supplier_says import confirms, ordered, post, status
from world import World

from expenses.models import Notice
from punchout.models import CatalogConnection

pytestmark = pytest.mark.django_db

# Ten pieces at ¥1,000 and 10 %: approved ¥11,000.
GOODS = Line(part_id="A", auxiliary_id="1", quantity=10, unit_price=1000)


@pytest.fixture
def world():
    return World()


def flagged(order) -> str:
    order.refresh_from_db()
    return order.difference


class TestPrice:
    @pytest.mark.parametrize(
        ("percent", "tax", "beyond"),
        [
            ("0", 1000, False),
            ("0", 1001, True),
            ("2.5", 1275, False),
            ("2.5", 1276, True),
            ("0.1", 1011, False),
            ("0.1", 1012, True),
        ],
    )
    def test_exactly_at_the_tolerance_is_not_beyond_it(self, world, percent, tax, beyond):
        order = ordered(world, GOODS, tolerance_percent=percent, tolerance_yen=10_000)
        post(order, confirms(order, {1: status(10, price=1000, tax=tax)}))
        assert bool(flagged(order)) is beyond

    def test_a_lower_price_is_shown_and_not_flagged(self, world):
        order = ordered(world, GOODS)
        post(order, confirms(order, {1: status(10, price=900, tax=900)}))
        assert flagged(order) == ""
        assert order.real_total == 9900
        assert order.lines.get().real_unit_price == 900

    def test_a_price_without_a_tax_takes_its_tax_along(self, world):
        order = ordered(world, GOODS)
        post(order, confirms(order, {1: status(10, price=1100)}))
        assert "¥11,000 に対して ¥12,100" in flagged(order)

    def test_nothing_stated_means_as_approved(self, world):
        order = ordered(world, GOODS)
        post(order, confirms(order, {1: status(10)}))
        assert (flagged(order), order.real_total) == ("", 11_000)

    def test_a_part_is_compared_with_its_share(self, world):
        order = ordered(world, Line(part_id="A", quantity=3, unit_price=33, rate="10.00"))
        # 99 + 10 = 109; a third is 36.33: half a yen is no difference.
        post(order, confirms(order, {1: status(1, price=33, tax=4)}))
        assert flagged(order) == ""
        post(order, confirms(order, {1: status(1, price=34, tax=4)}, confirm_id="249-2"))
        assert "2 点の金額" in flagged(order)

    def test_a_catalogue_with_prices_including_tax_is_compared_including_tax(self, world):
        order = ordered(world, GOODS, prices=CatalogConnection.Prices.GROSS)
        approved = order.total
        post(order, confirms(order, {1: status(10, price=order.lines.get().unit_price)}))
        assert (order.real_total, approved, flagged(order)) == (approved, approved, "")


class TestTotal:
    @pytest.mark.parametrize(("yen", "beyond"), [(549, True), (550, False)])
    def test_carriage_added_at_confirmation_counts_to_the_total(self, world, yen, beyond):
        order = ordered(world, GOODS, tolerance_yen=yen)
        carriage = (
            '<Total><Money currency="JPY">11550.00</Money></Total>'
            '<Shipping><Money currency="JPY">500.00</Money>'
            '<Description xml:lang="ja">配送料</Description></Shipping>'
            '<Tax><Money currency="JPY">1050.00</Money>'
            '<Description xml:lang="ja">税</Description></Tax>'
        )
        lines = {1: status(10, price=1000, tax=1000)}
        post(order, confirms(order, lines, header=carriage))
        assert order.real_total == 11_550
        assert ("合計" in flagged(order)) is beyond

    def test_carriage_of_lines_counts_too(self, world):
        order = ordered(world, GOODS)
        post(order, confirms(order, {1: status(10, price=1000, tax=1000, shipping=300)}))
        assert order.real_total == 11_300
        assert "¥11,300" in flagged(order)


class TestGoods:
    def test_a_dropped_item_is_flagged(self, world):
        order = ordered(world, GOODS)
        post(order, confirms(order, {1: status(7) + status(3, "reject")}))
        assert "10 点のうち 3 点がキャンセルされました" in flagged(order)

    def test_an_item_that_nobody_ordered_is_flagged(self, world):
        order = ordered(world, GOODS)
        post(order, confirms(order, {1: status(10), 9: status(1)}))
        assert "発注していない 9 行目" in flagged(order)

    def test_another_item_instead_is_flagged(self, world):
        order = ordered(world, GOODS)
        post(order, confirms(order, {1: status(10, price=1000, instead="B")}))
        assert "A の代わりに B" in order.lines.get().contradiction
        assert "代わりに B" in order.needs_person


class TestWhoIsTold:
    def test_applicant_approvers_and_accounting_by_notice_and_on_the_page(self, world):
        accountant = world.person("accountant", world.division, None, "handle_orders")
        order = ordered(world, GOODS)
        post(order, confirms(order, {1: status(10, price=1100, tax=1100)}))
        told = set(Notice.objects.filter(kind="difference").values_list("to__name", flat=True))
        assert told == {"applicant", "manager", "director", accountant.name}
        page = Client()
        page.force_login(world.people["applicant"])
        shown = page.get(f"/vouchers/{order.voucher.number}/").content.decode()
        assert "承認との差異" in shown and "¥12,100" in shown

    def test_the_people_named_in_the_connection_stand_for_accounting(self, world):
        world.person("accountant", world.division, None, "handle_orders")
        order = ordered(world, GOODS)
        order.connection.notified_employees.set([world.people["reader"]])
        post(order, confirms(order, {1: status(10, price=1100, tax=1100)}))
        told = set(Notice.objects.filter(kind="difference").values_list("to__name", flat=True))
        assert "reader" in told and "accountant" not in told

    def test_the_same_difference_is_told_once(self, world):
        order = ordered(world, GOODS)
        document = confirms(order, {1: status(10, price=1100, tax=1100)})
        post(order, document)
        before = Notice.objects.count()
        post(order, document)
        update = confirms(
            order, {1: status(10, price=1100, tax=1100)}, operation="update", on="2026-04-03"
        )
        post(order, update)
        assert Notice.objects.count() == before

    def test_a_difference_that_the_supplier_takes_back_is_gone(self, world):
        order = ordered(world, GOODS)
        post(order, confirms(order, {1: status(10, price=1100, tax=1100)}))
        mended = {1: status(10, price=1000, tax=1000)}
        post(order, confirms(order, mended, operation="update", on="2026-04-03"))
        assert flagged(order) == ""
