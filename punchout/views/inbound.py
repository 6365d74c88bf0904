"""The suppliers' endpoint: always HTTP 200 with a cXML Status."""

import base64
import binascii
import secrets

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from punchout import cxml, exchange_log, inbound, limits
from punchout.models import CatalogConnection, Exchange, StrayMessage
from punchout.views.posted import read_body

logger = structlog.get_logger(__name__)


@csrf_exempt
@require_POST
def receive(request: HttpRequest, token: str) -> HttpResponse:
    """Take a message; the connection is found by the secret in the URL."""
    connection = CatalogConnection.objects.by_inbound_token(token)
    if connection is None or not _basic_fits(request, connection):
        # Anybody's post: counted, no body; and not even that from who posts without end.
        address = limits.address_of(request)
        if not limits.too_many("stranger", address, settings.STRANGERS_PER_MINUTE):
            StrayMessage.note("cXML", "受信 URL のトークンまたは Basic 認証が一致しません。")
        return _answer(inbound.respond(401, "Unauthorized"))
    if limits.too_many("inbound", str(connection.pk), settings.INBOUND_PER_MINUTE):
        logger.warning("inbound_too_many", connection=connection.name)
        # The sender understands cXML only, and tries again on a temporary error.
        return _answer(inbound.respond(560, "Too many messages, try again later"))
    try:
        body = read_body(request)
    except cxml.Unreadable as error:
        exchange_log.log(
            "cXML",
            direction=Exchange.Direction.IN,
            connection=connection,
            status_code=error.status,
            accepted=False,
            reason=error.reason,
        )
        return _answer(inbound.respond(error.status, "Rejected", error.reason))
    try:
        return _answer(inbound.handle(connection, body))
    except Exception:
        # The sender understands cXML only, and tries again on a temporary error.
        logger.exception("inbound_failed", connection=connection.name)
        return _answer(inbound.respond(500, "Internal Server Error"))


def _answer(document: bytes) -> HttpResponse:
    return HttpResponse(document, content_type="text/xml; charset=UTF-8")


def _basic_fits(request: HttpRequest, connection: CatalogConnection) -> bool:
    if not connection.inbound_user:
        return True
    scheme, _, encoded = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        given = b""
    expected = f"{connection.inbound_user}:{connection.inbound_password}".encode()
    return secrets.compare_digest(given, expected)
