"""The one way other apps take part in what happens to a slip."""

from django.dispatch import Signal

voucher_transition = Signal()
"""Sent by every verb, inside its transaction, with ``voucher``, ``action`` and ``by``.

``voucher`` already has its new status. A receiver may raise :class:`Blocked`; the verb then rolls
back whole. 否認処理 and 対象外処理 carry ``confirmed``: whether the person has confirmed what a
receiver asked by :class:`ToConfirm`.
"""


removing_suppliers_lines = Signal()
"""Sent inside the transaction before lines that a supplier's data filled leave a draft, with
``voucher``, ``removed`` and ``kept`` (lines of any origin). Refused unless a receiver returns True;
one that knows why not raises :class:`expenses.refusals.Invalid`.
"""


class Blocked(Exception):
    """Another app forbids the action. Carries a reason and what the person can do, in Japanese.

    ``return_comment`` fills in the comment of a 差戻し where that is the way out.
    """

    def __init__(self, reason: str, what_to_do: str = "", *, return_comment: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.what_to_do = what_to_do
        self.return_comment = return_comment


class ToConfirm(Blocked):
    """The action is possible once the person confirms a consequence, given in Japanese."""
