"""Documents that arrive: what the parser refuses, and single values."""

import itertools
import socket
import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from punchout.cxml import (
    Credential,
    Money,
    Unreadable,
    parse,
)
from punchout.cxml.values import read_date, read_rate
from tests.cxml_documents import (
    DOCTYPE_1_2_024,
    refusal,
)


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE cXML [<!ENTITY foo "bar">]><cXML>&foo;</cXML>',
        '<!DOCTYPE cXML [<!ENTITY foo "bar">]><cXML payloadID="&foo;"/>',
        '<!DOCTYPE cXML [<!ENTITY foo "bar">]><cXML/>',
        '<!DOCTYPE cXML [<!ENTITY foo SYSTEM "file:///etc/passwd">]><cXML>&foo;</cXML>',
        '<!DOCTYPE cXML [<!ENTITY % foo SYSTEM "http://127.0.0.1:9/x"> %foo;]><cXML/>',
        DOCTYPE_1_2_024 + "<cXML>cut&foo;here</cXML>",
        DOCTYPE_1_2_024 + '<cXML payloadID="cut&foo;here"/>',
    ],
)
def test_entities_are_refused_wherever_they_stand(document):
    assert refusal(document.encode(), parse).status == 406
    assert refusal(document.encode("utf-16"), parse).status == 406


def test_a_billion_laughs_are_refused_quickly():
    names = "abcdefghij"
    declared = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in itertools.pairwise(names)
    )
    began = time.perf_counter()
    for use in ("<cXML>&j;</cXML>", '<cXML payloadID="&j;"/>'):
        assert refusal(f"<!DOCTYPE cXML [{declared}]>{use}".encode(), parse).status == 406
    assert time.perf_counter() - began < 1


def test_the_external_dtd_is_not_fetched():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/cXML.dtd"
        parse(f'<!DOCTYPE cXML SYSTEM "{url}"><cXML/>'.encode())
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 400),
        (b"   ", 400),
        (b"<html><body>404</body></html>", 400),
        (b"<cXML", 400),
        (b"\x00\xff\xfe", 400),
        (b'<cxml payloadID="1"/>', 400),
        (b'<?xml version="1.0" encoding="klingon"?><cXML/>', 400),
        (b"<cXML>\xff</cXML>", 400),
        ("<cXML>" + "<a>" * 5000 + "</a>" * 5000 + "</cXML>", 400),
        (b"<cXML>" + b" " * 10_000_000 + b"</cXML>", 413),
    ],
)
def test_what_is_not_cxml_is_refused_with_a_reason(data, status):
    caught = refusal(data if isinstance(data, bytes) else data.encode(), parse)
    assert caught.status == status
    assert caught.reason.endswith("。")
    assert str(caught) == caught.reason


def test_the_size_limit_counts_before_parsing():
    assert refusal(b"x" * 11, lambda data: parse(data, max_bytes=10)).status == 413


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + '<?xml version="1.0" encoding="UTF-8"?><cXML>髙橋①</cXML>'.encode(),
        '\n <?xml version="1.0"?><cXML>髙橋①</cXML>'.encode(),
        '<?xml version="1.0" encoding="Shift_JIS"?><cXML>髙橋①</cXML>'.encode("cp932"),
        "<?xml version='1.0' encoding='Windows-31J'?><cXML>髙橋①</cXML>".encode("cp932"),
        '<?xml version="1.0" encoding="UTF-16"?><cXML>髙橋①</cXML>'.encode("utf-16"),
        "<cXML>髙<!-- a comment -->橋<![CDATA[①]]></cXML>".encode(),
    ],
)
def test_encodings_and_comments_lose_no_text(data):
    assert parse(data).text == "髙橋①"


def test_a_wrong_shift_jis_declaration_is_refused():
    data = b'<?xml version="1.0" encoding="Shift_JIS"?><cXML>\x81 </cXML>'
    assert refusal(data, parse).status == 400


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-04-01T12:00:00+09:00", datetime(2026, 4, 1, 3, tzinfo=UTC)),
        ("2026-04-01T03:00:00Z", datetime(2026, 4, 1, 3, tzinfo=UTC)),
        ("2026-04-01T03:00:00+0000", datetime(2026, 4, 1, 3, tzinfo=UTC)),
        ("2026-04-01T03:00:00.123Z", datetime(2026, 4, 1, 3, 0, 0, 123_000, tzinfo=UTC)),
        ("2026-04-01T16:04:00+13:04", datetime(2026, 4, 1, 3, tzinfo=UTC)),
        ("2026-03-31T19:00:00-08", datetime(2026, 4, 1, 3, tzinfo=UTC)),
        ("\n2026-04-01T12:00:00 ", datetime(2026, 4, 1, 3, tzinfo=UTC)),
        ("2026-04-01", datetime(2026, 3, 31, 15, tzinfo=UTC)),
        ("2026-02-30T00:00:00Z", None),
        ("0001-01-01T00:00:00+23:00", None),
        ("2026-04-01T00:00:00+99:99", None),
        ("invoice_date", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_are_read_or_left_out(text, moment):
    assert read_date(text) == moment


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        *(("8.00", "8"), ("0.080", "8"), ("10", "10"), ("10.00", "10"), ("0.1", "10")),
        *(("0.00", "0"), ("7.8", "7.8"), ("8%", "8"), (" 8\u200b", "8"), ("", None), (None, None)),
    ],
)
def test_rates_are_percent(text, rate):
    read = read_rate(text, "税率")
    assert (None if read is None else str(read)) == rate


def test_yen_are_whole_and_yen():
    assert Money(Decimal("5855.0000"), "JPY").yen() == 5855
    assert Money(Decimal("-12"), "").yen() == -12
    for wrong in (Money(Decimal("1.5"), "JPY"), Money(Decimal(1), "USD")):
        with pytest.raises(Unreadable):
            wrong.yen()


def test_credentials_match_whatever_the_case_of_the_domain():
    assert Credential("NetworkID", "Amazon").matches(Credential("NetworkId", "Amazon"))
    assert not Credential("NetworkID", "Amazon").matches(Credential("NetworkID", "amazon"))
