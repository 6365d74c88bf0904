"""Documents that nobody would send, made from those that somebody does; by a seed, repeatable."""

import base64
import random
from collections.abc import Callable
from urllib.parse import quote_plus

from lxml import etree

NASTY = (
    "", " ", "x", "-1", "0", "1.5", "１", "NaN", "1e999", "9" * 40, "-" + "9" * 40, "0x10", "٣",
    "💴" * 300, "\u202e", "あ" * 5000, "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00",
    "2026-02-30", "JPY", "usd", "../../etc", "' OR 1=1 --", "<script>", "]]>", "cid:x", "null",
)  # fmt: skip
PIECES = (
    b"", b"<", b">", b"&foo;", b"&#0;", b"&#x1F4B4;", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf",
    b"<![CDATA[", b"]]>", b"<!--", b"-->", b"</Money>", b"<Money/>", b'quantity=""', b"\xe3\x81",
    b'<?xml version="1.0" encoding="UTF-16"?>', b'<?xml version="1.1"?>', b"<?pi?>",
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b'<!DOCTYPE x SYSTEM "file:///etc/hosts">', b"9" * 400,
)  # fmt: skip
BOMB = (
    b'<!DOCTYPE cXML [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>'
)
CONTENT_TYPES = (
    "text/xml; charset=UTF-8", "text/xml", "application/xml", "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=shift_jis", "multipart/form-data; boundary=x",
    "multipart/form-data", "application/json", "text/xml; charset=utf-7", "", "x/y; =;;",
)  # fmt: skip

Mutation = Callable[[bytes, random.Random], bytes]


def _splice(document: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(document) + 1)
    return document[:start] + chance.choice(PIECES) + document[start + chance.randrange(40) :]


def _flip(document: bytes, chance: random.Random) -> bytes:
    mutable = bytearray(document)
    for _ in range(chance.randrange(1, 6)):
        if mutable:
            mutable[chance.randrange(len(mutable))] = chance.randrange(256)
    return bytes(mutable)


def _truncate(document: bytes, chance: random.Random) -> bytes:
    return document[: chance.randrange(len(document) + 1)]


def _repeat(document: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(document) + 1)
    piece = document[start : start + chance.randrange(400)]
    return document[:start] + piece * chance.randrange(2, 30) + document[start:]


def _encode(document: bytes, chance: random.Random) -> bytes:
    text = document.decode("utf-8", "replace")
    return text.encode(
        chance.choice(["utf-16", "utf-32", "cp932", "utf-7", "utf-8-sig"]), "replace"
    )


def _bomb(document: bytes, chance: random.Random) -> bytes:
    start = document.find(b"<cXML")
    return BOMB + document[start:].replace(b">", b">&d;", chance.randrange(1, 50))


def _deep(document: bytes, chance: random.Random) -> bytes:
    depth = chance.choice([30, 300, 5_000])
    place = document.rfind(b"</")
    return document[:place] + b"<Extrinsic>" * depth + b"</Extrinsic>" * depth + document[place:]


def _elements(document: bytes, chance: random.Random) -> bytes:
    """Well-formed, with other texts, attributes and elements."""
    try:
        root = etree.fromstring(document)
    except (etree.XMLSyntaxError, ValueError):
        return document
    nodes = [node for node in root.iter(etree.Element) if node.getparent() is not None]
    for _ in range(chance.randrange(1, 10)):
        if not nodes:
            break
        node = chance.choice(nodes)
        match chance.choice(["text", "attribute", "drop", "double", "rename", "swap", "many"]):
            case "text":
                node.text = chance.choice(NASTY)
            case "attribute" if node.keys():
                node.set(chance.choice(node.keys()), chance.choice(NASTY))
            case "drop" if node.getparent() is not None:
                node.getparent().remove(node)
                nodes = [one for one in nodes if one is not node]
            case "double":
                node.append(etree.fromstring(etree.tostring(node, with_tail=False)))
            case "rename":
                node.tag = chance.choice(nodes).tag
            case "swap":
                chance.choice(nodes).text, node.text = node.text, chance.choice(nodes).text
            case "many" if node.getparent() is not None:
                copy = etree.tostring(node, with_tail=False)
                for _ in range(chance.choice([2, 50])):
                    node.getparent().append(etree.fromstring(copy))
            case _:
                continue
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


MUTATIONS: tuple[tuple[Mutation, int], ...] = (
    (_elements, 10), (_splice, 4), (_flip, 3), (_truncate, 1), (_repeat, 1), (_encode, 1),
    (_bomb, 1), (_deep, 1),
)  # fmt: skip


def mutated(document: bytes, chance: random.Random) -> bytes:
    """The document after one to three mutations; at times as it is."""
    ways, weights = zip(*MUTATIONS, strict=True)
    for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
        document = chance.choices(ways, weights)[0](document, chance)
    return document[:300_000]


def as_form(document: bytes, chance: random.Random) -> bytes:
    """The browser's form around a cart, right or nearly."""
    match chance.randrange(6):
        case 0:
            return b"cXML-base64=" + quote_plus(base64.b64encode(document)).encode()
        case 1:
            return b"cXML-base64=" + document[:2000]
        case 2:
            return b"cXML-urlencoded=" + document
        case 3:
            return b"a=b&" * chance.randrange(300) + b"cxml-urlencoded=%E3%81"
        case _:
            return b"cXML-urlencoded=" + quote_plus(document).encode()
