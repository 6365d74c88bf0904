"""The shared secret: put in at each send, and taken out of everything that is kept."""

import re
from typing import Final

from lxml import etree

from .xml import Unreadable, parse, parse_element, printable

MASK: Final = "***"

# Literal, escaped and percent-encoded markup: error pages echo what they were sent.
_OPEN: Final = re.compile(
    rb"(?:<|&lt;|&#60;|&#x3c;|%3c|\\u003c)(?:[\w.-]{1,64}(?::|%3a))?sharedsecret"
    rb"(?=\s|/|>|&gt;|&#62;|&#x3e;|%3e|%20|%2f|\+|\\u003e)",
    re.IGNORECASE,
)
_TAG_END: Final = re.compile(rb">|&gt;|&#62;|&#x3e;|%3e|\\u003e", re.IGNORECASE)
_CLOSE: Final = re.compile(
    rb"(?:<|&lt;|&#60;|&#x3c;|%3c|\\u003c)(?:/|%2f|\\/)(?:[\w.-]{1,64}(?::|%3a))?sharedsecret",
    re.IGNORECASE,
)


def with_secret(document: bytes, secret: str) -> bytes:
    """The document as it travels: SharedSecret in the Sender's credential, nothing else changed.

    Raises Unreadable when the document is not cXML with a Sender, or when XML cannot carry the
    secret: a secret with characters left out would only be refused over there.
    """
    if printable(secret) != secret:
        raise Unreadable(
            400, "共有シークレットに、XMLで送れない文字(制御文字など)が含まれています。"
        )
    root = parse(document)
    credentials = root.findall("Header/Sender/Credential")
    if not credentials:
        raise Unreadable(400, "送信者(Sender)のない文書に共有シークレットは入れられません。")
    for credential in credentials:
        for old in credential.findall("SharedSecret"):
            credential.remove(old)
        etree.SubElement(credential, "SharedSecret").text = secret
    return etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")


def redact(document: bytes) -> bytes:
    """The document with every shared secret replaced by ``***``; unchanged if there is none.

    Takes anything, XML or not, and never raises: it stands before the exchange log. What is XML is
    redacted by element, so that encodings and CDATA hide nothing; all else, escaped echoes
    included, by a scan that takes one pass.
    """
    try:
        root = parse_element(document, max_bytes=len(document))
    except Unreadable:
        if b"\x00" in document:
            # UTF-16 or UTF-32, broken: without its zero bytes the scan can see the markup.
            document = document.replace(b"\x00", b"")
    else:
        secrets = [
            node
            for node in root.iter(etree.Element)
            if etree.QName(node).localname.lower() == "sharedsecret"
            and ((node.text or MASK) != MASK or len(node) or node.attrib)
        ]
        for node in secrets:
            tail = node.tail
            node.clear()
            node.text, node.tail = MASK, tail
        if secrets or b"\x00" in document:  # the scan below reads no UTF-16
            document = etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")
    return _scan(document)


def _scan(document: bytes) -> bytes:
    pieces: list[bytes] = []
    position = 0
    while opened := _OPEN.search(document, position):
        pieces.append(document[position : opened.end()])
        end = _TAG_END.search(document, opened.end())
        if end is None:  # cut off inside the tag: its attributes may hold anything
            return b"".join([*pieces, MASK.encode()])
        if document[end.start() - 1 : end.start()] == b"/":  # <SharedSecret/>
            pieces.append(b"/" + end[0])
            position = end.end()
            continue
        pieces += [end[0], MASK.encode()]
        inside = end.end()
        if document.startswith(b"<![CDATA[", inside):
            inside = document.find(b"]]>", inside)
        closed = _CLOSE.search(document, inside) if inside >= 0 else None
        if closed is None:
            return b"".join(pieces)
        position = closed.start()
    pieces.append(document[position:])
    return b"".join(pieces)
