"""The way to an order and what becomes of it, for tests of sending."""

import datetime
import threading
from collections.abc import Callable

import time_machine
from cxml_documents import Line
from django.db import connection as database
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from shopping import bring_back, connect, go_shopping
from world import World

from expenses import approval, lifecycle
from expenses.models import Voucher
from expenses.transitions import Action
from punchout import carts, dispatch
from punchout.models import OrderAttempt, OrderLine, PurchaseOrder

GOODS = (
    Line(auxiliary_id="358-1,1", unit_price=1280, quantity=2, rate="10.00", shipping=500),
    Line(part_id="B0FOOD", auxiliary_id='a&b<c>"d', unit_price=1833, quantity=1, rate="8.00"),
    Line(part_id="B0ZERO", auxiliary_id=" 358-1,3 ", unit_price=5000, quantity=1, rate="0.00"),
)


def shopped(world: World, *goods: Line, who: str = "applicant", **connection) -> Voucher:
    """A draft with a manual line and the lines of a cart that ``who`` brought back."""
    session = go_shopping(world, connect(world, **connection), world.draft(), who)
    bring_back(session, *(goods or GOODS))
    carts.apply(session, by=world.people[who])
    return session.voucher


def at_the_last_point(world: World, *goods: Line, **connection) -> Voucher:
    """The same, waiting for the 部長."""
    voucher = shopped(world, *goods, **connection)
    lifecycle.submit(voucher, by=world.people["applicant"])
    return approval.approve(voucher, by=world.people["manager"])


def approved(world: World, *goods: Line, **connection) -> PurchaseOrder:
    """The order of the same after the final approval."""
    voucher = at_the_last_point(world, *goods, **connection)
    approval.approve(voucher, by=world.people["director"])
    return voucher.purchase_orders.get()


def press(world: World, who: str, action: str, voucher: Voucher, comment: str = "理由"):
    """The button on the page of the slip."""
    browser = Client()
    browser.force_login(world.people[who])
    page = reverse("expenses:act", args=[voucher.number, action])
    return browser.post(page, {"comment": comment})


def nothing_approved(voucher: Voucher) -> bool:
    voucher.refresh_from_db()
    return (
        voucher.status == "submitted"
        and voucher.approved_at is None
        and list(voucher.steps.values_list("state", flat=True)) == ["approved", "current"]
        and not voucher.events.filter(action=Action.FINAL_APPROVE).exists()
        and not PurchaseOrder.objects.exists()
        and not OrderLine.objects.exists()
    )


def ordered_at(url: str, world: World, **connection) -> PurchaseOrder:
    """A pending order for the supplier at ``url``."""
    return approved(world, Line(), order_url=url, **connection)


def sent(order: PurchaseOrder) -> OrderAttempt:
    """The only try, after a sweep has made it."""
    assert dispatch.sweep() == {"sent": 1, "abandoned": 0}
    order.refresh_from_db()
    return order.attempts.get()


def sweep_for_days(order: PurchaseOrder) -> None:
    """What sweeps do at any later time."""
    for days in (0.01, 1, 8, 30):
        with time_machine.travel(timezone.now() + datetime.timedelta(days=days)):
            dispatch.sweep()
    order.refresh_from_db()


def cells_with(text: str) -> list[str]:
    """Every table.column of the database that holds ``text``."""
    found = []
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type IN"
            " ('text', 'character varying', 'character', 'bytea', 'json', 'jsonb', 'ARRAY')"
        )
        for table, column, kind in cursor.fetchall():
            if kind == "bytea":
                holds, sought = f'position(%s in "{column}") > 0', text.encode()
            else:
                holds, sought = f'position(%s in "{column}"::text) > 0', text
            cursor.execute(f'SELECT EXISTS (SELECT 1 FROM "{table}" WHERE {holds})', [sought])
            if cursor.fetchone()[0]:
                found.append(f"{table}.{column}")
    return found


def page_of(world: World, order: PurchaseOrder) -> str:
    """The page of the order's request, as the applicant reads it."""
    browser = Client()
    browser.force_login(world.people["applicant"])
    return browser.get(f"/vouchers/{order.voucher.number}/").content.decode()


def at_once(*jobs: Callable[[], object]) -> list[object]:
    """What the jobs gave, run in threads that start together, each with its own connection."""
    start, results = threading.Barrier(len(jobs)), []

    def run(job: Callable[[], object]) -> None:
        try:
            start.wait(10)
            results.append(job())
        except Exception as error:
            results.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
