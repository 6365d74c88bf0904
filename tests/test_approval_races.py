"""Two people at one slip in the same instant; each race with its control."""

import threading
from collections.abc import Callable

import pytest
from ordering import approved, at_once, at_the_last_point
from supplier_says import confirms, post, status
from world import World

from expenses import approval, lifecycle, locking
from expenses.models import Voucher
from expenses.refusals import WrongStatus
from punchout import dispatch
from punchout.models import OrderAttempt, PurchaseOrder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def no_lock(monkeypatch):
    """Who comes second reads before who came first has written: what the row lock prevents."""
    both_have_read = threading.Barrier(2)

    def read_only(voucher: Voucher) -> Voucher:
        found = Voucher.objects.get(pk=voucher.pk)
        try:
            both_have_read.wait(2)
        except threading.BrokenBarrierError:
            pass
        return found

    monkeypatch.setattr(locking, "locked", read_only)


def _no_lock(queryset, **_options):
    return queryset.all()


def final_approvals(world: World, voucher: Voucher, count: int) -> list[Callable[[], object]]:
    """The last approval, pressed so many times."""
    director = world.people["director"]
    return [lambda: approval.approve(voucher, by=director)] * count


def refused(results: list[object]) -> int:
    """How many were told that the slip has moved on."""
    return sum(isinstance(result, WrongStatus) for result in results)


class TestTwoFinalApprovals:
    def test_one_counts_and_orders_once(self, world):
        voucher = at_the_last_point(world)
        assert refused(at_once(*final_approvals(world, voucher, 3))) == 2
        assert PurchaseOrder.objects.count() == 1
        assert voucher.events.filter(action="final_approve").count() == 1

    def test_control_without_the_lock_both_try_and_only_the_database_stops_the_second(
        self, world, no_lock
    ):
        voucher = at_the_last_point(world)
        results = at_once(*final_approvals(world, voucher, 2))
        assert refused(results) == 0, "else the race did not happen"
        assert sum(isinstance(result, Exception) for result in results) == 1
        assert PurchaseOrder.objects.count() == 1


class TestWithdrawalAgainstTheFinalApproval:
    def both(self, world: World, voucher: Voucher) -> list[object]:
        return at_once(
            *final_approvals(world, voucher, 1),
            lambda: lifecycle.withdraw(voucher, by=world.people["applicant"]),
        )

    def test_one_wins_cleanly(self, world):
        voucher = at_the_last_point(world)
        assert refused(self.both(world, voucher)) == 1
        voucher.refresh_from_db()
        assert voucher.status in ("approved", "withdrawn")
        assert PurchaseOrder.objects.exists() == (voucher.status == "approved")

    def test_control_without_the_lock_the_loser_runs_into_an_error_untold(self, world, no_lock):
        voucher = at_the_last_point(world)
        results = self.both(world, voucher)
        assert refused(results) == 0, "else the race did not happen"
        assert sum(isinstance(result, Exception) for result in results) == 1


class TestTheAnswerAgainstTheConfirmation:
    def both(self, order: PurchaseOrder, attempt: OrderAttempt) -> list[Callable[[], object]]:
        answer = dispatch.Result(OrderAttempt.Outcome.ACCEPTED, "200 OK", 200, 200)
        document = confirms(order, {1: status(2)})
        return [lambda: dispatch._settle(attempt, answer, 1), lambda: post(order, document)]

    def ordered_once(self, order: PurchaseOrder) -> bool:
        order.refresh_from_db()
        return (
            order.state == "ordered"
            and order.voucher.events.filter(action="order_ordered").count() == 1
            and order.lines.get(line_number=1).confirmed == 2
        )

    @pytest.mark.parametrize("turn", [1, -1])
    def test_it_is_ordered_once_whoever_is_first(self, world, turn):
        order = approved(world)
        for arrive in self.both(order, dispatch._claim(order.pk))[::turn]:
            arrive()
        assert self.ordered_once(order)

    def test_it_is_ordered_once_if_both_arrive_together(self, world):
        order = approved(world)
        results = at_once(*self.both(order, dispatch._claim(order.pk)))
        assert not [result for result in results if isinstance(result, Exception)]
        assert self.ordered_once(order)

    def test_control_without_the_lock_it_would_be_ordered_twice(self, world, monkeypatch):
        both_have_read = threading.Barrier(2)
        mark = dispatch.mark_ordered

        def mark_after_both_have_read(*args, **kwargs) -> None:
            both_have_read.wait(5)
            mark(*args, **kwargs)

        monkeypatch.setattr(dispatch, "mark_ordered", mark_after_both_have_read)
        monkeypatch.setattr(
            PurchaseOrder.objects.__class__._queryset_class, "select_for_update", _no_lock
        )
        order = approved(world)
        results = at_once(*self.both(order, dispatch._claim(order.pk)))
        assert not [result for result in results if isinstance(result, Exception)]
        assert order.voucher.events.filter(action="order_ordered").count() == 2
