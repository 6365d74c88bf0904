"""The first step of every verb: lock the slip, then look at the table."""

from expenses.models import Voucher
from expenses.refusals import NotAllowed, WrongStatus
from expenses.roles import roles_of
from expenses.transitions import RULES, Action, allowed
from masters.models import Employee


def locked(voucher: Voucher) -> Voucher:
    """The slip's row, locked for this transaction and read afresh."""
    return Voucher.objects.select_for_update(no_key=True).get(pk=voucher.pk)


def locked_for(voucher: Voucher, action: Action, by: Employee) -> Voucher:
    """The locked slip, if ``by`` may do ``action`` to it now.

    Raises ``WrongStatus`` when the slip has moved on, ``NotAllowed`` when it's not theirs to do.
    """
    voucher = locked(voucher)
    if voucher.status not in RULES[action].sources:
        raise WrongStatus(voucher, action)
    if not allowed(action, voucher.status, roles_of(by, voucher)):
        raise NotAllowed(action)
    return voucher
