"""XML from strangers and XML to them: the one place where lxml parses and serialises.

Every other module of this package reads the tree that :func:`parse` accepted and writes through
:func:`element` and :func:`serialise`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from lxml import etree

MAX_BYTES: Final = 10_000_000
"""Largest document read, in bytes."""

DOCTYPE: Final = '<!DOCTYPE cXML SYSTEM "http://xml.cXML.org/schemas/cXML/1.2.071/cXML.dtd">'
"""The DTD that the tests hold our documents against (Profile answers and orders included)."""

XML_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"

# Zero-width characters and byte order marks that copy-and-paste leaves in settings and messages.
_INVISIBLE: Final = re.compile("[\u200b\u200c\u200d\u2060\ufeff]")
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARED_ENCODING: Final = re.compile(
    rb"""\A(<\?xml\s[^>]{0,200}?encoding\s*=\s*)["']([A-Za-z][\w.:-]{0,40})["']"""
)
# Real documents labelled Shift_JIS hold Microsoft's characters, which libxml2 does not decode.
_SHIFT_JIS: Final = frozenset(
    {"shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j", "cp932", "ms932", "ms_kanji"}
)


class Unreadable(ValueError):
    """A message that can't be read, with the cXML status to answer and a reason for a person.

    ``reason`` is Japanese and carries neither a secret nor a part of the message.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


def _parser() -> etree.XMLParser:
    # Comments and processing instructions would split a text in two: they are left out.
    return etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )


def _utf8(data: bytes) -> bytes:
    """Without a byte order mark and leading blanks; the Shift_JIS family turned into UTF-8."""
    data = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    declared = _DECLARED_ENCODING.match(data)
    if declared is None or declared[2].decode("ascii").lower() not in _SHIFT_JIS:
        return data
    try:
        text = data[declared.end() :].decode("cp932")
    except UnicodeDecodeError:
        raise Unreadable(
            400, "文書の文字コードが宣言と一致しないため、読み取れませんでした。"
        ) from None
    return declared[1] + b'"UTF-8"' + text.encode()


def _entity_refusal() -> Unreadable:
    return Unreadable(406, "実体参照(エンティティ)を含む文書は、安全のため受け付けません。")


def parse_element(data: bytes, *, max_bytes: int = MAX_BYTES) -> etree._Element:
    """Parse without looking at the name of the root; raises :class:`Unreadable`.

    A DOCTYPE is normal and is not loaded. Entities are refused (406) wherever they stand: the
    parser's switches alone leave texts cut at them, and expand them in attribute values.
    """
    if len(data) > max_bytes:
        raise Unreadable(413, f"文書が大きすぎます(上限 {max_bytes:,} バイト)。")
    parser = _parser()
    try:
        root = etree.fromstring(_utf8(data), parser)
    except etree.XMLSyntaxError:
        if b"<!ENTITY" in data:
            raise _entity_refusal() from None
        raise Unreadable(400, "XMLとして読み取れませんでした。") from None
    except (LookupError, ValueError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(400, "XMLとして読み取れませんでした。") from None
    if any(entry.type_name == "WAR_UNDECLARED_ENTITY" for entry in parser.error_log):
        raise _entity_refusal()
    subset = root.getroottree().docinfo.internalDTD
    # lxml-stubs does not know iterentities
    if subset is not None and any(True for _ in subset.iterentities()):  # type: ignore[union-attr]
        raise _entity_refusal()
    return root


def parse(data: bytes, *, max_bytes: int = MAX_BYTES) -> etree._Element:
    """The root of a cXML document from outside.

    Raises :class:`Unreadable`: 400 not XML or not cXML, 406 entities, 413 above ``max_bytes``.
    """
    root = parse_element(data, max_bytes=max_bytes)
    if root.tag != "cXML":
        raise Unreadable(400, "cXMLの文書ではありません。")
    return root


def visible(text: str | None) -> str:
    """Without blanks at the ends and without invisible characters anywhere."""
    if not text:
        return ""
    text = text.strip()
    return text if text.isascii() else _INVISIBLE.sub("", text).strip()


def text_of(node: etree._Element | None) -> str:
    """All text inside an element, trimmed; '' for a missing one."""
    if node is None:
        return ""
    if len(node) == 0:
        return visible(node.text)
    return visible("".join(str(part) for part in node.itertext()))


def at(node: etree._Element | None, path: str) -> etree._Element | None:
    """The first descendant on a path of child names, None when a step is missing."""
    return None if node is None else node.find(path)


def attribute(node: etree._Element | None, name: str) -> str:
    """An attribute, trimmed; '' when it or the element is missing."""
    return "" if node is None else visible(node.get(name))


def children(node: etree._Element | None, name: str) -> Iterator[etree._Element]:
    """The direct children of that name, in document order."""
    return iter(()) if node is None else node.iterchildren(name)


def printable(text: str) -> str:
    """Without the characters that XML 1.0 cannot carry."""
    return _FORBIDDEN.sub("", text)


def element(
    parent: etree._Element,
    name: str,
    text: str | None = None,
    attributes: Mapping[str, str] | None = None,
) -> etree._Element:
    """Append a child; text and attribute values lose what XML cannot carry."""
    child = etree.SubElement(parent, name)
    for key, value in (attributes or {}).items():
        child.set(key, printable(value))
    if text:
        child.text = printable(text)
    return child


def serialise(root: etree._Element) -> bytes:
    """A whole cXML document in UTF-8 with declaration and DOCTYPE."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", doctype=DOCTYPE)
