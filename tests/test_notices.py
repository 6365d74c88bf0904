"""お知らせ: committed with what they tell of, mailed once, tried again, without secrets."""

import datetime

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone
from supplier_says import confirms, ordered, post, status
from world import World

from expenses import approval, drafts, lifecycle, notices
from expenses.models import Notice
from punchout import dispatch
from punchout.models import PurchaseOrder
from punchout.order_states import OrderState

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    world = World()
    world.person("handler", world.division, None, "handle_orders", "view_all_vouchers")
    return world


@pytest.fixture
def failed(world) -> PurchaseOrder:
    """An order that nobody could deliver: somebody has to be told."""
    order = ordered(world)
    order.connection.notified_employees.add(world.people["handler"])
    PurchaseOrder.objects.filter(pk=order.pk).update(
        state=OrderState.SENDING, claimed_at=timezone.now(), tries=1
    )
    order.refresh_from_db()
    dispatch.mark_failed(order, PurchaseOrder.Failure.UNDELIVERABLE, "届きませんでした")
    return order


def to_handler() -> list:
    return [one for one in mail.outbox if one.to == ["handler@example.jp"]]


def test_an_order_error_is_mailed_once_to_the_people_named_in_the_connection(failed):
    notices.send_mails()
    notices.send_mails()
    (sent,) = to_handler()
    assert failed.number in sent.subject and "届きませんでした" in sent.body
    assert f"/punchout/orders/{failed.number}/" in sent.body


def test_without_named_people_everybody_with_the_right_is_told(world, failed):
    failed.connection.notified_employees.clear()
    Notice.objects.all().delete()
    dispatch.alerts.order_needs_person(failed, "発注エラー", "x")
    assert {notice.to.code for notice in Notice.objects.all()} == {"handler"}


def test_a_difference_goes_to_applicant_approvers_and_accounting(world):
    order = ordered(world)
    order.connection.notified_employees.add(world.people["handler"])
    PurchaseOrder.objects.filter(pk=order.pk).update(
        state=OrderState.SENDING, claimed_at=timezone.now()
    )
    post(order, confirms(order, {2: status(2, price=5000, tax=1000)}))
    told = set(
        Notice.objects.filter(kind=Notice.Kind.DIFFERENCE).values_list("to__code", flat=True)
    )
    assert told == {"applicant", "manager", "director", "handler"}


def test_a_mail_server_that_is_away_delays_the_mail_and_loses_nothing(failed, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 9, 2
    assert notices.send_mails() == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert notices.send_mails() == 0, "not before its time"
    with time_machine.travel(timezone.now() + datetime.timedelta(minutes=2)):
        assert notices.send_mails() >= 1
    assert len(to_handler()) == 1


def test_one_mail_that_cannot_go_does_not_hold_up_the_others(world, failed, monkeypatch):
    person = world.people["applicant"]
    notices.tell([person], Notice.Kind.RESULT, "改行の\n入った\r\nBcc: x@example.jp 件名")
    notices.tell([world.people["manager"]], Notice.Kind.RESULT, "次のお知らせ")
    notices.send_mails()
    subjects = {one.subject for one in mail.outbox}
    assert "[Rakuraku] 次のお知らせ" in subjects
    assert "[Rakuraku] 改行の 入った Bcc: x@example.jp 件名" in subjects


def test_people_who_left_or_have_no_address_are_not_written_to(world, failed):
    handler = world.people["handler"]
    handler.email = ""
    handler.save()
    notices.send_mails()
    assert to_handler() == []
    browser = Client()
    browser.force_login(handler)
    assert failed.number in browser.get("/notices/").content.decode(), "the page tells them"


def test_a_verb_that_is_rolled_back_tells_nobody(world, monkeypatch):
    voucher = lifecycle.submit(world.draft(), by=world.people["applicant"])
    Notice.objects.all().delete()

    def fails(*_args, **_kwargs):
        raise RuntimeError("boom")

    monkeypatch.setattr(approval, "_finish", fails)
    approval.approve(voucher, by=world.people["manager"])
    before = Notice.objects.count()
    with pytest.raises(RuntimeError):
        approval.approve(voucher, by=world.people["director"])
    assert Notice.objects.count() == before


def test_a_title_cannot_carry_a_second_line_into_a_mail(world):
    header = world.header(title="備品\r\nBcc: x@example.jp")
    applicant = world.people["applicant"]
    voucher = world.draft()
    voucher = drafts.save(
        voucher, by=applicant, version=voucher.version, header=header, lines=[world.line()]
    )
    lifecycle.submit(voucher, by=applicant)
    notices.send_mails()
    assert all("\n" not in one.subject for one in mail.outbox)


def test_no_secret_is_mailed(failed):
    notices.send_mails()
    for one in mail.outbox:
        assert failed.connection.shared_secret not in one.subject + one.body
        assert failed.connection.inbound_token not in one.subject + one.body


def told(kind: str) -> dict[str, str]:
    """Who has a new notice of that kind, and what it says."""
    return dict(
        Notice.objects.filter(kind=kind, read_at__isnull=True).values_list("to__code", "title")
    )


def test_whom_a_slip_waits_for_is_told_until_it_has_moved_on(world):
    voucher = lifecycle.submit(world.draft(), by=world.people["applicant"])
    assert told("approval") == {"manager": f"承認依頼: {voucher.number}「備品の購入」（applicant）"}
    approval.approve(voucher, by=world.people["manager"])
    assert set(told("approval")) == {"director"}
    approval.approve(voucher, by=world.people["director"])
    assert told("approval") == {}
    assert told("result") == {"applicant": f"最終承認されました: {voucher.number}「備品の購入」"}


def test_a_return_tells_the_applicant_why(world):
    voucher = lifecycle.submit(world.draft(), by=world.people["applicant"])
    approval.return_to_applicant(voucher, by=world.people["manager"], comment="見積を付けて")
    (notice,) = Notice.objects.filter(to=world.people["applicant"])
    assert "差し戻されました" in notice.title and "見積を付けて" in notice.body
    assert told("approval") == {}


def test_a_withdrawn_slip_no_longer_waits_for_anybody(world):
    voucher = lifecycle.submit(world.draft(), by=world.people["applicant"])
    lifecycle.withdraw(voucher, by=world.people["applicant"])
    assert told("approval") == {}
