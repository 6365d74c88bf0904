"""Bodies that strangers post: read with a limit of their own, before any form handling.

Django's own limit (2.5 MB) would answer a large cart with an HTML 400 page.
"""

from urllib.parse import parse_qsl

from django.http import HttpRequest
from django.http.request import RawPostDataException

from punchout import cxml

MAX_FIELDS = 100


def read_body(request: HttpRequest) -> bytes:
    """The whole body. Raises ``cxml.Unreadable`` (413) beyond the limit."""
    too_large = cxml.Unreadable(413, "受け取ったデータが大きすぎます。")
    try:
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        announced = 0
    if announced > cxml.MAX_BYTES:
        raise too_large
    try:
        body = request.read(cxml.MAX_BYTES + 1)
    except (OSError, RawPostDataException) as error:
        raise cxml.Unreadable(400, "データを最後まで受け取れませんでした。") from error
    if len(body) > cxml.MAX_BYTES:
        raise too_large
    return body


def cart_message(request: HttpRequest) -> bytes:
    """The cart document in a browser's form post, or posted as it is."""
    body = read_body(request)
    if request.content_type != "application/x-www-form-urlencoded":
        return body
    return cxml.cart_from_form(_fields(body))


def _fields(body: bytes) -> dict[str, str]:
    # A shop page in Shift_JIS makes the browser post Shift_JIS.
    for encoding in ("utf-8", "cp932"):
        try:
            pairs = parse_qsl(
                body.decode("ascii"),
                keep_blank_values=True,
                encoding=encoding,
                errors="strict",
                max_num_fields=MAX_FIELDS,
            )
            return dict(pairs)
        except UnicodeDecodeError:
            continue
        except ValueError as error:
            raise cxml.Unreadable(400, "フォームの項目が多すぎます。") from error
    raise cxml.Unreadable(400, "データの文字コードを判別できません。")
