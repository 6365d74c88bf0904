"""What the worker does for slips. A task wakes a verb and keeps no state of its own."""

from celery import shared_task

from expenses import notices


@shared_task
def send_mails() -> None:
    """Mails of お知らせ that are due."""
    notices.send_mails()
