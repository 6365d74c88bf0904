"""The life of an order as data; the verbs' guard and the database trigger are made from it."""

from django.db import models


class OrderState(models.TextChoices):
    """発注状態 (DOMAIN §6.7)."""

    PENDING = "pending", "発注待ち"
    SENDING = "sending", "送信中"
    ORDERED = "ordered", "発注済"
    FAILED = "failed", "発注エラー"
    UNKNOWN = "unknown", "要確認"
    CANCELLED = "cancelled", "取消"


MOVES: dict[OrderState, frozenset[OrderState]] = {
    # The supplier's own confirmation counts even when we thought a try had not arrived.
    OrderState.PENDING: frozenset({OrderState.SENDING, OrderState.ORDERED, OrderState.FAILED}),
    # Back to pending only when surely not delivered.
    OrderState.SENDING: frozenset(
        {OrderState.PENDING, OrderState.ORDERED, OrderState.FAILED, OrderState.UNKNOWN}
    ),
    # A 200 means received, not accepted: hours later a confirmation can still reject it.
    OrderState.ORDERED: frozenset({OrderState.FAILED}),
    # Only the supplier's own positive data or a person leaves this state.
    OrderState.UNKNOWN: frozenset(
        {OrderState.ORDERED, OrderState.FAILED, OrderState.PENDING, OrderState.CANCELLED}
    ),
    # A person who sees at the supplier that it was taken after all.
    OrderState.FAILED: frozenset({OrderState.ORDERED}),
    OrderState.CANCELLED: frozenset(),
}

LIVE = [
    OrderState.PENDING.value,
    OrderState.SENDING.value,
    OrderState.ORDERED.value,
    OrderState.UNKNOWN.value,
]
"""States in which goods are, or may be, under way: at most one such order per request."""


def state_changes() -> list[tuple[str, str]]:
    """Every (from, to), for the database trigger."""
    return sorted((source.value, to.value) for source, targets in MOVES.items() for to in targets)
