"""The one way other apps take part in what happens to a slip."""

from django.dispatch import Signal

voucher_transition = Signal()
"""Sent by every verb, inside its transaction, with ``voucher``, ``action`` and ``by``.

``voucher`` already has its new status. A receiver may raise :class:`Blocked`; the verb then rolls
back whole.
"""


class Blocked(Exception):
    """Another app forbids the action. Carries a reason and what the person can do, in Japanese."""

    def __init__(self, reason: str, what_to_do: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.what_to_do = what_to_do
