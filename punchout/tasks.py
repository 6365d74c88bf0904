"""What the worker does. Every task wakes a verb; none of them keeps state of its own."""

from celery import shared_task

from punchout import dispatch, history


@shared_task
def send_order(order_pk: int) -> None:
    """Send one order that was just approved. Lost or doubled messages do no harm."""
    dispatch.send(order_pk)


@shared_task
def sweep_orders() -> None:
    """Each minute: orders whose time has come, and claims whose worker died."""
    dispatch.sweep()


@shared_task
def pull_purchase_history() -> None:
    """Pull purchase history of every connection that has the API configured."""
    history.pull_all()
