"""``make bench``: every figure beside a reference of the same run; ratios decide.

Pages are served in this process through the whole middleware. The way of an order goes through
real worker and supplier processes. Exit code 1 when a ratio is over its limit.
"""

import datetime
import os
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT.parent), str(ROOT)]

ROUNDS = 30
ORDERS = 15


def main() -> int:
    """Run everything, print the table."""
    from stack import Stack

    from rakuraku.engines import Engines

    with tempfile.TemporaryDirectory() as folder, Engines(ROOT.parent / "var", "bench") as engines:
        os.environ.update(engines.environment)
        stack = Stack("bench", Path(folder))
        began = time.monotonic()
        with stack:
            from rakuraku.walk import walk_main_job

            walk_main_job(stack.base, stack.shop, lambda line: None)
            whole = time.monotonic() - began
            stack.control("PUT", "settings", {"auto_fulfil": False})
            _use(stack)
            rows = _pages() + [_orders(stack)] + _punchout(stack)
    print(f"{'figure':<44}{'median':>10}{'reference':>11}{'ratio':>8}{'limit':>7}")
    failed = False
    for name, median, reference, limit in rows:
        ratio = median / reference
        failed |= ratio > limit
        mark = "" if ratio <= limit else "  OVER"
        print(
            f"{name:<44}{median * 1000:>7.1f} ms{reference * 1000:>8.1f} ms"
            f"{ratio:>8.2f}{limit:>7}{mark}"
        )
    print(f"from an empty database to the end of the main job: {whole:.1f} s (hoped for: 60 s)")
    return int(failed)


def _use(stack) -> None:
    """This process becomes one more process of the stack."""
    os.environ.update(stack.env)
    os.environ |= {"RAKURAKU_ENV": "test", "LOG_LEVEL": "WARNING"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "rakuraku.settings"
    import django

    django.setup()
    from django.conf import settings

    settings.ROOT_URLCONF = "benchmark_urls"
    # One address does what an office does in a month.
    settings.CARTS_PER_MINUTE = settings.INBOUND_PER_MINUTE = 10**9
    settings.ALLOWED_HOSTS = ["testserver"]
    from punchout.models import CatalogConnection

    # The pull of every two seconds would keep the one worker process from the orders.
    CatalogConnection.objects.update(history_url="")


def _pages() -> list[tuple[str, float, float, float]]:
    from django.test import Client

    from expenses import lifecycle
    from expenses.models import Kind
    from masters.models import Employee

    person = Employee.objects.get(code="1001")
    for _ in range(50):
        _draft(person, 1)
    draft = _draft(person, 30)
    submitted = lifecycle.submit(_draft(person, 30), by=person)
    client = Client()
    client.force_login(person)
    assert draft.kind == Kind.REQUEST
    empty = "/benchmark/empty/"
    return [
        (name, *_paired(client, path, empty), limit)
        for name, path, limit in (
            ("slip list, 50 rows / empty page", "/", 5),
            ("reading a slip of 30 lines / empty page", f"/vouchers/{submitted.number}/", 4),
            ("editing a slip of 30 lines / empty page", f"/vouchers/{draft.number}/edit/", 15),
        )
    ]


def _punchout(stack) -> list[tuple[str, float, float, float]]:
    import benchmark_punchout

    return benchmark_punchout.rows(stack)


def _draft(person, lines: int):
    from expenses import drafts
    from expenses.models import Kind
    from masters.models import Breakdown

    header = drafts.Header(title="備品の購入", department=person.departments.first())
    breakdown = Breakdown.objects.get(code="A01")
    voucher = drafts.create(Kind.REQUEST, by=person, header=header, applicant=person)
    return drafts.save(
        voucher,
        by=person,
        version=voucher.version,
        header=header,
        lines=[
            drafts.LineInput(
                pk=None,
                date=datetime.date(2026, 4, 1),
                description=f"文具 {number}",
                amount=1100,
                breakdown=breakdown,
            )
            for number in range(lines)
        ],
    )


def _paired(client, path: str, reference: str) -> tuple[float, float]:
    """Medians of both, measured in turn so that a drifting machine hits both alike."""
    times: dict[str, list[float]] = {path: [], reference: []}
    for round_number in range(ROUNDS + 3):
        for each in (path, reference):
            began = time.perf_counter()
            response = client.get(each)
            spent = time.perf_counter() - began
            assert response.status_code == 200, (each, response.status_code)
            if round_number >= 3:
                times[each].append(spent)
    return statistics.median(times[path]), statistics.median(times[reference])


def _orders(stack) -> tuple[str, float, float, float]:
    """Last approval's commit to arrival at the supplier, against a bare Celery round trip."""
    from rakuraku.processes import Processes

    argv = [
        sys.executable, "-m", "celery", "--app", "tests.benchmark_tasks", "worker",
        "--queues", "bench", "--concurrency", "1", "--without-gossip", "--without-mingle",
    ]  # fmt: skip
    with Processes() as processes:
        processes.start("bench-worker", argv, stack.env, Path(stack.folder) / "bench-worker.log")
        _round_trip(seconds=60)
        bare, real = [], []
        for _ in range(ORDERS):
            bare.append(_round_trip())
            real.append(_order(stack))
    name = "last approval to arrival / bare Celery round trip"
    return name, statistics.median(real), statistics.median(bare), 3


def _round_trip(seconds: int = 20) -> float:
    import benchmark_tasks
    import redis

    key = f"bench-{secrets.token_hex(4)}"
    with redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=seconds + 5) as client:
        began = time.perf_counter()
        benchmark_tasks.answer.delay(key)
        assert client.blpop([key], timeout=seconds), "the bare worker does not answer"
        return time.perf_counter() - began


def _order(stack) -> float:
    from benchmark_punchout import waiting_request
    from cxml_documents import Line
    from django.db import transaction

    from expenses import approval
    from masters.models import Employee

    voucher = waiting_request([Line()])
    director = Employee.objects.get(code="1003")
    committed: list[float] = []
    with transaction.atomic():
        transaction.on_commit(lambda: committed.append(time.time()))
        approval.approve(voucher, by=director)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        # Looking more often would keep the supplier and a processor busy meanwhile.
        time.sleep(0.3)
        orders = stack.control("GET", f"orders?order_number={voucher.number}")["orders"]
        if orders:
            return orders[0]["received_at"] - committed[0]
    raise AssertionError("the order did not arrive")


if __name__ == "__main__":
    sys.exit(main())
