"""Telling people: rows written with what they are about, mails sent each minute by the worker.

No mail is sent on the spot: orders must not wait for a slow mail server. A notice is committed
together with the event it tells of; its mail may be late, never early. A worker that dies between
sending and noting so sends the mail twice: better than never.
"""

import datetime
import smtplib
import time
from collections.abc import Iterable

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from expenses.models import Notice, Voucher
from masters.models import Employee

logger = structlog.get_logger(__name__)

_RETRY_MINUTES = (1, 5, 15, 60, 240)


def tell(
    people: Iterable[Employee],
    kind: Notice.Kind,
    title: str,
    *,
    body: str = "",
    voucher: Voucher | None = None,
    path: str = "",
) -> None:
    """Tell each of ``people`` once. Call inside the verb's transaction.

    ``path`` is where the notice leads; without one, to the slip.
    """
    once = {person.pk: person for person in people if person.is_active}
    if not once:
        return
    path = path or (f"/vouchers/{voucher.number}/" if voucher else "")
    # A mail's subject is one line, whatever was typed into a slip's title.
    title = " ".join(title.split())
    Notice.objects.bulk_create(
        Notice(
            to=person,
            kind=kind,
            title=title[:120],
            body=body[:1000],
            voucher=voucher,
            path=path,
        )
        for person in once.values()
    )


def send_mails(limit: int = 500, seconds: float = 40.0) -> int:
    """Send what is due; returns how many went out. A failing mail waits and is tried again.

    Stops after ``limit`` mails or ``seconds``: the next minute goes on.
    """
    sent = 0
    end = time.monotonic() + seconds
    for pk in list(Notice.objects.to_mail().values_list("pk", flat=True)[:limit]):
        if time.monotonic() > end:
            break
        sent += _send(pk)
    return sent


@transaction.atomic
def _send(pk: int) -> bool:
    notice = (
        Notice.objects.to_mail()
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("to")
        .filter(pk=pk)
        .first()
    )
    if notice is None:
        return False
    notice.mail_tries += 1
    lines = [notice.body] if notice.body else []
    if notice.path:
        lines.append(settings.PUBLIC_URL.rstrip("/") + notice.path)
    try:
        send_mail(
            f"[Rakuraku] {notice.title}",
            "\n\n".join(lines),
            settings.DEFAULT_FROM_EMAIL,
            [notice.to.email],
        )
    except (OSError, smtplib.SMTPException) as error:
        wait = _RETRY_MINUTES[min(notice.mail_tries, len(_RETRY_MINUTES)) - 1]
        notice.mail_due_at = timezone.now() + datetime.timedelta(minutes=wait)
        notice.save(update_fields=["mail_tries", "mail_due_at"])
        logger.warning("mail_failed", notice=notice.pk, error=type(error).__name__)
        return False
    notice.mailed_at = timezone.now()
    notice.save(update_fields=["mail_tries", "mailed_at"])
    return True
