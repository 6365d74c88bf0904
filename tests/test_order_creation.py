"""The last approval and its order: together or not at all, and frozen from then on."""

import datetime
import hashlib
import threading

import pytest
from cxml_documents import valid
from django.db import connection as database
from ordering import GOODS, approved, at_the_last_point, nothing_approved, press, shopped
from world import World

from expenses import approval, drafts, lifecycle
from expenses.models import Kind, Voucher, VoucherLine
from expenses.signals import Blocked, voucher_transition
from expenses.transitions import Action
from masters.models import DeliveryAddress
from punchout import orders
from punchout.models import CatalogConnection, OrderLine, PurchaseOrder
from punchout.order_states import OrderState

SECRET = "s3cret<&>"
GOODS_WITH_TAX = 2816 + 1980 + 5000
SHIPPING_WITH_TAX = 550
ALL_TAX = 256 + 147 + 50

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


class TestTheDocument:
    def test_it_is_valid_and_carries_no_secret(self, world):
        document = bytes(approved(world).document)
        valid(document)
        assert b"SharedSecret" not in document
        assert not [form for form in (SECRET, "s3cret") if form.encode() in document]

    def test_its_hash_is_over_what_is_stored(self, world):
        order = approved(world)
        assert order.sha256 == hashlib.sha256(bytes(order.document)).hexdigest()

    def test_its_total_includes_tax_and_shipping_but_no_line_of_the_employees_own(self, world):
        order = approved(world)
        header = valid(bytes(order.document)).find(".//OrderRequestHeader")
        assert order.total == GOODS_WITH_TAX + SHIPPING_WITH_TAX == 10_346
        assert header.findtext("Total/Money") == "10346"
        assert header.findtext("Tax/Money") == str(ALL_TAX)
        assert header.findtext("Shipping/Money") == "500"
        assert order.voucher.total == order.total + 1100

    def test_its_lines_match_the_carts_one_to_one(self, world):
        order = approved(world)
        items = valid(bytes(order.document)).findall(".//ItemOut")
        assert [item.get("lineNumber") for item in items] == ["1", "2", "3"]
        assert [item.get("quantity") for item in items] == ["2", "1", "1"]
        assert [item.findtext("ItemID/SupplierPartID") for item in items] == [
            line.part_id for line in GOODS
        ]
        assert [item.findtext("ItemDetail/UnitPrice/Money") for item in items] == [
            "1280.00", "1833.00", "5000.00",
        ]  # fmt: skip
        assert [item.findtext("ItemDetail/Description") for item in items] == [
            line.description for line in GOODS
        ]
        kept = order.lines.values_list("line_number", "part_id", "quantity", "amount")
        assert list(kept) == [
            (1, "B08N5WRWNW", 2, 2816),
            (2, "B0FOOD", 1, 1980),
            (3, "B0ZERO", 1, 5000),
        ]

    def test_auxiliary_ids_go_back_verbatim(self, world):
        root = valid(bytes(approved(world).document))
        found = [item.findtext("ItemID/SupplierPartAuxiliaryID") for item in root.iter("ItemOut")]
        assert found == ["358-1,1", 'a&b<c>"d', " 358-1,3 "]

    def test_goods_go_where_the_slip_says(self, world):
        root = valid(bytes(approved(world).document))
        for place in ("ShipTo", "BillTo"):
            address = root.find(f".//{place}/Address")
            assert address.findtext("PostalAddress/PostalCode") == "100-0005"
            assert address.findtext("PostalAddress/State") == "東京都"
            assert address.findtext("PostalAddress/City") == "千代田区"
            streets = [street.text for street in address.iter("Street")]
            assert streets == ["丸の内1-1-1", "株式会社あおば"]

    def test_an_address_changed_after_the_submission_does_not_move_the_goods(self, world):
        voucher = at_the_last_point(world)
        DeliveryAddress.objects.update(city="横浜市")
        approval.approve(voucher, by=world.people["director"])
        root = valid(bytes(PurchaseOrder.objects.get().document))
        assert root.findtext(".//ShipTo/Address/PostalAddress/City") == "千代田区"

    def test_the_supplier_learns_the_e_mail_of_whoever_shopped(self, world):
        order = approved(world, who="full_deputy")
        root = valid(bytes(order.document))
        assert order.shopper_email == "full-deputy@example.jp"
        assert root.findtext(".//OrderRequestHeader/Contact/Email") == order.shopper_email
        assert root.findtext(".//OrderRequestHeader/Extrinsic[@name='email']") == (
            order.shopper_email
        )

    def test_it_names_the_order_as_the_row_does(self, world):
        order = approved(world)
        root = valid(bytes(order.document))
        assert root.get("payloadID") == order.payload_id
        assert datetime.datetime.fromisoformat(root.get("timestamp")) == order.timestamp.replace(
            microsecond=0
        )
        assert root.find(".//OrderRequestHeader").get("orderID") == order.number
        assert order.number == order.voucher.number

    @pytest.mark.parametrize("mode", CatalogConnection.Mode.values)
    def test_it_says_whether_it_is_a_test(self, world, mode):
        order = approved(world, mode=mode)
        assert valid(bytes(order.document)).find("Request").get("deploymentMode") == mode


class TestTogetherOrNotAtAll:
    def test_a_receiver_that_forbids_it_takes_the_approval_back(self, world):
        voucher = at_the_last_point(world)

        def refuse(action, **_kwargs):
            if action == Action.FINAL_APPROVE:
                raise Blocked("予算を超えています。", "経理に相談してください。")

        voucher_transition.connect(refuse, sender=Voucher)
        try:
            response = press(world, "director", "approve", voucher)
        finally:
            voucher_transition.disconnect(refuse, sender=Voucher)
        assert response.status_code == 400
        assert "予算を超えています。" in response.content.decode()
        assert "経理に相談してください。" in response.content.decode()
        assert nothing_approved(voucher)

    @pytest.mark.parametrize("failing", ["new_payload_id", "_session_of", "_wake"])
    def test_an_order_that_fails_takes_the_approval_back_unless_only_the_wake_up_failed(
        self, world, monkeypatch, django_capture_on_commit_callbacks, failing
    ):
        def fail(*_args):
            raise RuntimeError("boom")

        voucher = at_the_last_point(world)
        monkeypatch.setattr(orders, failing, fail)
        director = world.people["director"]
        if failing == "_wake":
            with django_capture_on_commit_callbacks(execute=True):
                approval.approve(voucher, by=director)
            assert voucher.purchase_orders.get().state == OrderState.PENDING
        else:
            with pytest.raises(RuntimeError):
                approval.approve(voucher, by=director)
            assert nothing_approved(voucher)

    def test_a_failure_after_the_order_row_takes_that_row_back_too(self, world, monkeypatch):
        def fail(*_args, **_kwargs):
            raise RuntimeError("boom")

        voucher = at_the_last_point(world)
        monkeypatch.setattr(OrderLine.objects, "bulk_create", fail)
        with pytest.raises(RuntimeError):
            approval.approve(voucher, by=world.people["director"])
        assert nothing_approved(voucher)

    @pytest.mark.parametrize("change", [{"is_active": False}, {"shared_secret": ""}])
    def test_a_connection_that_cannot_order_blocks_the_approval_in_words(self, world, change):
        voucher = at_the_last_point(world)
        CatalogConnection.objects.update(**change)
        response = press(world, "director", "approve", voucher)
        assert response.status_code == 400
        assert "カタログ連携設定が無効か未完了" in response.content.decode()
        assert nothing_approved(voucher)

    @pytest.mark.django_db(transaction=True)
    def test_nobody_ever_sees_one_without_the_other(self, world):
        voucher = at_the_last_point(world)
        seen = []

        def look(action, **_kwargs):
            if action == Action.FINAL_APPROVE:
                seen.extend(elsewhere(_both))

        # Connected last, so the order has just been written when it looks from outside.
        voucher_transition.connect(look, sender=Voucher)
        try:
            approval.approve(voucher, by=world.people["director"])
        finally:
            voucher_transition.disconnect(look, sender=Voucher)
        assert seen == ["submitted", 0]
        assert elsewhere(_both) == ["approved", 1]


def _both() -> list:
    return [Voucher.objects.get().status, PurchaseOrder.objects.count()]


def elsewhere(read):
    """What ``read`` gives on a database connection of its own."""
    result = []

    def run() -> None:
        try:
            result.append(read())
        finally:
            database.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return result[0]


class TestWhatOrdersNothing:
    def test_a_request_without_catalogue_lines(self, world):
        world.slip_in("approved")
        assert not PurchaseOrder.objects.exists()

    def test_a_settlement_not_even_one_that_came_to_hold_catalogue_lines(self, world):
        request = shopped(world)
        applicant = world.people["applicant"]
        settlement = drafts.create(
            Kind.SETTLEMENT, by=applicant, header=world.header(), applicant=applicant
        )
        assert VoucherLine.objects.filter(voucher=request).update(voucher=settlement) == 5
        lifecycle.submit(settlement, by=applicant)
        approval.approve(settlement, by=world.people["manager"])
        settlement = approval.approve(settlement, by=world.people["director"])
        assert settlement.status == "approved"
        assert not PurchaseOrder.objects.exists()

    def test_a_point_before_the_last(self, world):
        at_the_last_point(world)
        assert not PurchaseOrder.objects.exists()


def test_the_worker_is_woken_after_the_commit_never_before(
    world, monkeypatch, django_capture_on_commit_callbacks
):
    voucher = at_the_last_point(world)
    woken = []
    monkeypatch.setattr(orders, "_wake", woken.append)
    with django_capture_on_commit_callbacks(execute=True):
        approval.approve(voucher, by=world.people["director"])
        assert not woken
    assert woken == [PurchaseOrder.objects.get().pk]
