"""``make faults``: many orders through real processes while everything around them breaks.

Requests are shopped at the sandbox and approved; meanwhile the supplier drops, stalls and lies as
it may, workers are killed, Redis is emptied, PostgreSQL crashes and messages come twice. Then the
supplier's books are laid beside ours. What breaks when is drawn from the seed before it starts.
"""

import argparse
import logging
import os
import random
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT.parent), str(ROOT)]

from fault_stack import POST_SECONDS, Break, FaultStack  # noqa: E402

PATIENCE = 180.0
"""Seconds within which everything must have come to rest once nothing breaks any more."""

SUPPLIER_FAULTS: list[dict] = [
    {"kind": "drop_before_read"},
    {"kind": "drop_after_read"},
    {"kind": "http_500", "processed": True},
    {"kind": "http_500"},
    {"kind": "cxml_500", "processed": True},
    {"kind": "cxml_500"},
    {"kind": "cxml_560"},
    {"kind": "garbage", "processed": True},
    {"kind": "unauthorized"},
    {"kind": "reject", "status": 406},
    {"kind": "slow", "seconds": POST_SECONDS * 2},
    {"kind": "slow", "seconds": POST_SECONDS * 2, "drip": True},
]
FULFILMENT_FAULTS: list[dict] = [
    {"kind": "reject", "code": "018-007"},
    {"kind": "partial"},
    {"kind": "duplicate"},
    {"kind": "reorder"},
]
BREAKS: list[tuple[Break, int]] = [
    # What, and after how many orders on average.
    (FaultStack.kill_worker, 15),
    (FaultStack.empty_redis, 60),
    (FaultStack.restart_redis, 80),
    (FaultStack.restart_postgres, 60),
    (FaultStack.kill_supplier, 60),
    (FaultStack.kill_web, 90),
]


@dataclass(frozen=True)
class Plan:
    """Everything that chance decides, drawn before the start."""

    faults: dict[int, dict]
    """What the supplier does wrong, armed before the order of that place is approved."""
    doubled: frozenset[int]
    """The orders whose message to the worker is sent twice more."""
    breaks: list[tuple[int, Break]] = field(default_factory=list)
    """What breaks once so many orders are approved."""

    @classmethod
    def draw(cls, orders: int, chance: random.Random) -> "Plan":
        """For so many orders; every kind of break happens once at least."""
        faults = {}
        for place in range(orders):
            if chance.random() < 0.35:
                faults[place] = {"endpoint": "order", **chance.choice(SUPPLIER_FAULTS)}
            elif chance.random() < 0.15:
                faults[place] = {"endpoint": "fulfilment", **chance.choice(FULFILMENT_FAULTS)}
        doubled = frozenset(place for place in range(orders) if chance.random() < 0.3)
        breaks = [
            (chance.randrange(orders), what)
            for what, every in BREAKS
            for _ in range(max(1, orders // every))
        ]
        return cls(faults, doubled, sorted(breaks, key=lambda one: one[0]))


def main() -> int:
    """Run a campaign, print what came of it; 0 when nothing was doubled, lost or left open."""
    parser = argparse.ArgumentParser(description=__doc__, prog="make faults")
    parser.add_argument("--orders", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--control",
        action="store_true",
        help="send unknown outcomes again to a supplier that does not drop doubles",
    )
    options = parser.parse_args()
    # Engines of its own: those that a person or a test run uses are not to be broken.
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    from rakuraku.engines import Engines, discard_abandoned

    var = ROOT.parent / "var"
    discard_abandoned(var, "faults-")
    engines = Engines(var, f"faults-{os.getpid()}")
    try:
        with engines, tempfile.TemporaryDirectory() as folder:
            os.environ.update(engines.environment)
            with FaultStack(engines, Path(folder)) as stack:
                return Campaign(stack, options.orders, options.seed, options.control).run()
    finally:
        engines.discard()


class Campaign:
    """One run on a started stack."""

    def __init__(self, stack: FaultStack, orders: int, seed: int, control: bool) -> None:
        self.stack = stack
        self.orders = orders
        self.seed = seed
        self.control = control
        self.chance = random.Random(seed)
        self.plan = Plan.draw(orders, self.chance)
        if control:
            dropped = {"endpoint": "order", "kind": "drop_after_read"}
            self.plan = Plan(dict.fromkeys(range(0, orders, 3), dropped), frozenset())
        self.approved = 0
        self._next_break = 0
        self._stop = threading.Event()

    def run(self) -> int:
        """All of it; the exit code."""
        _use(self.stack)
        import fault_orders
        import fault_verdict

        # Without confirmations nothing tells a sender that the first try had arrived.
        fulfils = {"auto_fulfil": not self.control, "auto_fulfil_delay": 0.5}
        self.stack.control("PUT", "settings", fulfils)
        began = time.monotonic()
        with ThreadPoolExecutor(2) as pool:
            requests = list(pool.map(fault_orders.waiting_request, range(self.orders)))
        if self.control:
            fault_orders.resend_unknown()
        print(f"{self.orders} requests wait for their last approval", flush=True)
        approver = threading.Thread(target=self._approve_all, args=(requests,), daemon=True)
        approver.start()
        counts = self._break_things(approver)
        self.stack.mend()
        fault_orders.wait_until_quiet(PATIENCE)
        unknown = fault_verdict.unknown_orders()
        by_data = fault_verdict.resolved_by_data()
        by_person = fault_orders.decide(unknown, fault_verdict.Books(self.stack))
        fault_orders.wait_until_quiet(PATIENCE)
        books = fault_verdict.Books(self.stack)
        rows = [
            ("seed", self.seed),
            ("seconds", int(time.monotonic() - began)),
            *counts,
            ("messages doubled", len(self.plan.doubled)),
            ("faults of the supplier", len(self.plan.faults)),
            *fault_verdict.states(),
            ("in 要確認 at the end of the faults", len(unknown)),
            ("resolved by the supplier's data", by_data),
            ("resolved by a person", by_person),
            ("sent again on a person's word", fault_verdict.resent_by_person()),
        ]
        wrong = books.wrong()
        for name, count in [*rows, *wrong]:
            print(f"{name:<44}{count:>8}")
        bad = sum(count for _name, count in wrong)
        print("exactly once" if not bad else "NOT exactly once", flush=True)
        return int(bool(bad))

    def _approve_all(self, requests: list[int]) -> None:
        import fault_orders

        for place, request in enumerate(requests):
            # Approvals go on during a break, but not past the next one's place.
            while place > self._next_break + 2:
                if self._stop.wait(0.02):
                    return
            fault_orders.wait_for_workers(most=8)
            if place in self.plan.faults:
                self._arm(self.plan.faults[place])
            fault_orders.approve(request)
            if place in self.plan.doubled:
                fault_orders.wake_again(request)
            self.approved = place + 1

    def _arm(self, fault: dict) -> None:
        import requests

        try:
            self.stack.control("POST", "faults", {"times": 1, **fault})
        except requests.RequestException:
            return  # The supplier is away itself: fault enough.

    def _break_things(self, approver: threading.Thread) -> list[tuple[str, int]]:
        counts = {what.__name__: 0 for what, _every in BREAKS}
        breaks = self.plan.breaks
        places = [place for place, _what in breaks] + [self.orders]
        self._next_break = places[0]
        for number, (place, what) in enumerate(breaks, start=1):
            while self.approved < place and approver.is_alive():
                time.sleep(0.02)
            self._next_break = places[number]
            if not approver.is_alive() and self.approved < self.orders:
                break  # It failed, and has said why.
            time.sleep(self.chance.random() * 0.3)
            what(self.stack, self.chance)
            counts[what.__name__] += 1
        approver.join(self.orders * 2.0 + PATIENCE)
        self._stop.set()
        if approver.is_alive() or self.approved < self.orders:
            raise AssertionError(f"only {self.approved} of {self.orders} could be approved")
        return [(name.replace("_", " "), count) for name, count in counts.items()]


def _use(stack: FaultStack) -> None:
    """This process becomes one more process of the stack."""
    os.environ.update(stack.env)
    os.environ |= {"RAKURAKU_ENV": "test", "DJANGO_SETTINGS_MODULE": "rakuraku.settings"}
    import django

    django.setup()
    # That Redis and PostgreSQL are away is no news here.
    logging.disable(logging.ERROR)


if __name__ == "__main__":
    sys.exit(main())
