"""Writing the 通信記録. Bodies pass through the redaction of the cXML package first."""

from expenses.models import Voucher
from punchout import redaction
from punchout.models import CatalogConnection, Exchange

MAX_BODY = 200_000


def _text(body: bytes, connection: CatalogConnection | None) -> str:
    # NUL cannot be stored in PostgreSQL text, and a log entry is no archive: order documents and
    # carts are kept whole in their own tables.
    kept = redaction.message(body)[:MAX_BODY].decode("utf-8", "replace").replace("\x00", "�")
    return redaction.text(kept, connection)


def log(
    message: str,
    *,
    direction: Exchange.Direction,
    connection: CatalogConnection | None,
    voucher: Voucher | None = None,
    order_number: str = "",
    request: bytes = b"",
    response: bytes = b"",
    http_status: int | None = None,
    status_code: int | None = None,
    duration_ms: int = 0,
    accepted: bool = True,
    reason: str = "",
) -> Exchange:
    """Keep one message and its answer; ``reason`` is a sentence for people."""
    return Exchange.objects.create(
        message=message,
        direction=direction,
        connection=connection,
        voucher=voucher,
        order_number=order_number,
        request=_text(request, connection),
        response=_text(response, connection),
        http_status=http_status,
        status_code=status_code,
        duration_ms=duration_ms,
        accepted=accepted,
        reason=redaction.text(reason, connection)[:500],
    )
