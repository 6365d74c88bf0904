"""伝票No.: one database sequence per kind, so numbers are never reused and nobody waits for one."""

from django.db import connection

from expenses.models import Kind

_SERIES = {
    Kind.REQUEST: ("SH", "expenses_request_number"),
    Kind.SETTLEMENT: ("SE", "expenses_settlement_number"),
}


def next_number(kind: Kind) -> str:
    """The next 伝票No., e.g. ``SH-000123``. A rolled back or deleted draft leaves a gap (欠番)."""
    prefix, sequence = _SERIES[kind]
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(%s::regclass)", [sequence])
        (value,) = cursor.fetchone()
    return f"{prefix}-{value:06d}"
