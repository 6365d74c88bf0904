"""The shared secret: in what is sent, in nothing that is kept."""

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from punchout.cxml import (
    Unreadable,
    build_order_request,
    build_setup_request,
    parse,
    redact,
    with_secret,
)
from tests.cxml_documents import (
    CART_LINES,
    cart,
    confirmation,
    order,
    order_items,
    request,
    setup_request,
    valid,
)

SECRET = """p&a<s>s"'ド😀 ]]>"""


@pytest.mark.parametrize("secret", [SECRET, "a" * 500, " spaces kept ", "&amp;"])
def test_the_secret_is_put_in_and_changes_nothing_else(secret):
    for document in (
        build_setup_request(setup_request()),
        build_order_request(order(order_items(cart(CART_LINES)))),
    ):
        sent = with_secret(document, secret)
        root = valid(sent)
        assert root.findtext("Header/Sender/Credential/SharedSecret") == secret
        assert len(root.findall(".//SharedSecret")) == 1
        start, end = sent.index(b"<SharedSecret>"), sent.index(b"</SharedSecret>")
        assert sent[:start] + sent[end + len(b"</SharedSecret>") :] == document
        assert with_secret(with_secret(document, "old"), secret) == sent
        assert redact(sent) == with_secret(document, "***")


def test_a_secret_that_xml_cannot_carry_is_refused_without_telling_it():
    for secret in ("top\x00secret", "top\x0bsecret", "topsecret\ud800"):
        with pytest.raises(Unreadable) as caught:
            with_secret(build_setup_request(setup_request()), secret)
        assert "top" not in caught.value.reason
    with pytest.raises(Unreadable):
        with_secret(b"<cXML/>", "s")


HIDDEN = "hunter2"
ENCLOSED = f"<SharedSecret>{HIDDEN}</SharedSecret>"


@pytest.mark.parametrize(
    "document",
    [
        f"<cXML>{ENCLOSED}</cXML>",
        f'<cXML xmlns:x="urn:x"><x:sharedSECRET a="{HIDDEN}"> {HIDDEN} </x:sharedSECRET></cXML>',
        f"<cXML><SharedSecret><![CDATA[</SharedSecret>{HIDDEN}]]></SharedSecret></cXML>",
        f"<cXML><SharedSecret>a<b>{HIDDEN}</b>{HIDDEN}</SharedSecret></cXML>",
        f"<cXML><!-- {ENCLOSED} --></cXML>",
        f"<!DOCTYPE cXML [<!ENTITY e 'x'>]><cXML>{ENCLOSED}</cXML>",
        f"<cXML><SharedSecret >{HIDDEN}</SharedSecret>",
        f"<cXML><SharedSecret>{HIDDEN}",
        f"<cXML><SharedSecret a='{HIDDEN}",
        f"<SharedSecret\n>{HIDDEN}</SharedSecret\n> & <q:SHAREDSECRET>{HIDDEN}</q:SHAREDSECRET>",
        f"<cXML><SharedSecret/>fine<SharedSecret>{HIDDEN}</SharedSecret><</cXML>",
        f"<html>&lt;SharedSecret&gt;{HIDDEN}&lt;/SharedSecret&gt;<br></html>",
        f"<cXML>&lt;SharedSecret&gt;{HIDDEN}&lt;/SharedSecret&gt;</cXML>",
        f"cXML=%3CSharedSecret%3E{HIDDEN}%3C%2FSharedSecret%3E",
    ],
)
def test_no_secret_survives_redaction(document):
    for data in (document.encode(), document.encode("utf-16"), document.encode("utf-16")[:-6]):
        kept = redact(data)
        assert HIDDEN.encode() not in kept.replace(b"\x00", b"")
        assert b"***" in kept or b"Shared" not in kept  # a comment may go as a whole
        assert redact(kept) == kept


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\x89PNG",
        b"<html>404",
        cart(CART_LINES),
        request("<ProfileRequest/>"),
        confirmation(""),
    ],
)
def test_documents_without_a_secret_are_kept_as_they_are(document):
    assert redact(document) == document


def test_redaction_keeps_the_rest():
    document = build_setup_request(setup_request())
    assert redact(document) == document
    kept = parse(redact(with_secret(document, HIDDEN)))
    assert kept.findtext(".//BuyerCookie") == "cookie-1"


@settings(max_examples=200, deadline=None)
@example([b"<SharedSecret"] * 5)
@given(
    st.lists(
        st.sampled_from(
            [b"<SharedSecret", b"<x:SharedSecret>", b"</SharedSecret>", b">", b"/>", b"<", b"\x00"]
            + [b"&lt;SharedSecret&gt;", b"%3CSharedSecret%3E", b"a", b"<cXML>", b"</cXML>", b"\xff"]
        ),
        max_size=12,
    )
)
def test_redaction_never_fails_and_is_final(pieces):
    kept = redact(b"".join(pieces))
    assert redact(kept) == kept


@pytest.mark.parametrize(
    "piece", [b"<SharedSecret", b"<SharedSecret>", b"<a:", b"&lt;SharedSecret "]
)
def test_redaction_of_nonsense_is_quick(piece):
    redact(b"".join(itertools.repeat(piece, 2_000_000 // len(piece))))
