"""From an ItemIn as received to the ItemOut of the order.

Suppliers break the order of elements and add what no DTD knows, yet want everything back. So the
ItemOut is rebuilt along the content models below: known elements in the DTD's order with their
texts untouched, the rest left out. A document built this way is valid whatever came in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lxml import etree

from .values import read_number, stated_number
from .xml import XML_LANG, Unreadable, children, element, parse_element, visible

# One line per element: name | attributes (! required, =a,b allowed values) | content, where
# #text alone is text, #mixed is text among the named elements, #any text among all known ones,
# ! exactly one, ? at most one, + at least one, * any number, a/b a choice. cXML 1.2.071.
_NOTATION: Final = """
ItemID | | SupplierPartID! SupplierPartAuxiliaryID? BuyerPartID? IdReference*
SupplierPartID | revisionID | #text
SupplierPartAuxiliaryID | | #any
BuyerPartID | | #text
IdReference | identifier! domain! | Creator? Description?
Creator | xml:lang! | #text
ItemDetail | | UnitPrice! Description+ OverallLimit? ExpectedLimit? UnitOfMeasure! \
PriceBasisQuantity? Classification+ ManufacturerPartID? ManufacturerName? URL? LeadTime? \
Dimension* ItemDetailIndustry? AttachmentReference* PlannedAcceptanceDays? Extrinsic*
UnitPrice | | Money! Modifications? PricingConditions?
Money | currency! alternateCurrency alternateAmount | #text
Description | xml:lang! type | #mixed ShortName*
ShortName | | #text
OverallLimit | | Money!
ExpectedLimit | | Money!
UnitOfMeasure | | #text
PriceBasisQuantity | quantity! conversionFactor! | UnitOfMeasure! Description?
Classification | domain! code | #text
ManufacturerPartID | | #text
ManufacturerName | xml:lang | #text
URL | name | #text
LeadTime | | #text
Dimension | quantity! type!=length,width,height,weight,volume,stackHeight,grossWeight,\
grossVolume,unitGrossWeight,unitNetWeight | UnitOfMeasure!
ItemDetailIndustry | isConfigurableMaterial=yes | ItemDetailRetail?
ItemDetailRetail | | EANID? EuropeanWasteCatalogID? Characteristic*
EANID | | #text
EuropeanWasteCatalogID | | #text
Characteristic | domain! value! code |
AttachmentReference | length version | Name! Description! InternalID! URL?
Name | xml:lang! | #text
InternalID | domain | #text
PlannedAcceptanceDays | | #text
Extrinsic | name! | #any
Modifications | | Modification+
Modification | level | OriginalPrice? AdditionalDeduction/AdditionalCost! Tax? ModificationDetail?
OriginalPrice | type | Money!
AdditionalDeduction | type | DeductionAmount/DeductionPercent/DeductedPrice!
DeductionAmount | | Money!
DeductionPercent | percent! |
DeductedPrice | | Money!
AdditionalCost | | Money/Percentage!
Percentage | percent! |
ModificationDetail | name! calculationType scope endDate startDate code | Description? \
IdReference? ParentID? Extrinsic*
ParentID | | #text
PricingConditions | | ValidityPeriods!
ValidityPeriods | | ValidityPeriod+
ValidityPeriod | from! to! | ConditionTypes!
ConditionTypes | | ConditionType+
ConditionType | name! | CostTermValue? Scales?
CostTermValue | | Money/Percentage!
Scales | scaleType!=From,To,Graduated scaleBasis | Scale+
Scale | from to | CostTermValue+
Tax | | Money! TaxAdjustmentAmount? Description! TaxDetail* Distribution* Extrinsic*
TaxAdjustmentAmount | | Money!
TaxDetail | category! purpose percentageRate basePercentageRate taxRateType paymentDate \
taxPointDate isIncludedInPrice=yes isWithholdingTax=yes isTriangularTransaction=yes \
isVatRecoverable=yes exemptDetail=zeroRated,exempt | TaxableAmount? TaxAmount! TaxLocation? \
TaxAdjustmentAmount? Description? TriangularTransactionLawReference? TaxRegime? TaxExemption? \
Extrinsic*
TaxableAmount | | Money!
TaxAmount | | Money!
TaxLocation | xml:lang! | #text
TriangularTransactionLawReference | xml:lang! | #text
TaxRegime | | #text
TaxExemption | exemptCode! | ExemptReason?
ExemptReason | xml:lang! | #text
Distribution | | Accounting! Charge!
Accounting | name! | Segment/AccountingSegment+
Segment | type! description! id! |
AccountingSegment | id! | Name! Description!
Charge | | Money!
SupplierID | domain! | #text
Comments | xml:lang type | #mixed Attachment*
Attachment | visibility=internal | URL!
"""

# What stands in for a required attribute that is missing; others become '', which CDATA allows.
_STAND_INS: Final = {
    XML_LANG: "ja",
    "currency": "JPY",
    "category": "vat",
    "quantity": "1",
    "conversionFactor": "1",
}
_DOMAINS: Final = {"Classification": "UNSPSC"}


@dataclass(frozen=True, slots=True)
class _Attribute:
    name: str
    required: bool
    allowed: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Part:
    names: tuple[str, ...]
    required: bool
    repeated: bool


@dataclass(frozen=True, slots=True)
class _Model:
    attributes: tuple[_Attribute, ...]
    kind: str  # "" elements only, "#text", "#mixed", "#any"
    parts: tuple[_Part, ...]


def _read_models() -> dict[str, _Model]:
    models = {}
    for line in _NOTATION.strip().splitlines():
        name, attribute_words, content = (column.split() for column in line.split("|"))
        attributes = []
        for word in attribute_words:
            stated, _, allowed = word.partition("=")
            key = stated.rstrip("!").replace("xml:lang", XML_LANG)
            values = frozenset(allowed.split(",")) if allowed else frozenset()
            attributes.append(_Attribute(key, stated.endswith("!"), values))
        kind = content.pop(0) if content and content[0].startswith("#") else ""
        parts = tuple(
            _Part(tuple(word[:-1].split("/")), word[-1] in "!+", word[-1] in "+*")
            for word in content
        )
        models[name[0]] = _Model(tuple(attributes), kind, parts)
    return models


MODELS: Final = _read_models()
_MAX_DEPTH: Final = 24  # far above what the models can mean; Extrinsics may nest


def parse_item(item_in_xml: str) -> etree._Element:
    """An ItemIn kept as text; raises Unreadable when it is none."""
    node = parse_element(item_in_xml.encode("utf-8", "replace"))
    if node.tag != "ItemIn":
        raise Unreadable(400, "カート明細(ItemIn)として読み取れませんでした。")
    return node


def build_item_out(
    item_in: etree._Element,
    *,
    line_number: int,
    quantity: int,
    unit_price: Decimal | int,
    currency: str,
) -> etree._Element:
    """The ItemOut; the price is the ItemIn's own text as long as it means ``unit_price``.

    Extrinsics of the ItemIn move into ItemDetail, for an ItemOut has no place for them. ShipTo,
    Shipping and Contact stand in the order's header, and the standard wants them in one place only.
    Raises Unreadable without a part id.
    """
    out = etree.Element("ItemOut")
    out.set("quantity", str(quantity))
    out.set("lineNumber", str(line_number))
    item_id = _rebuild_first(item_in, "ItemID")
    if item_id is None or not visible(item_id[0].text):
        raise Unreadable(400, "商品コード(SupplierPartID)のないカート明細は注文できません。")
    out.append(item_id)
    out.append(_item_detail(item_in, unit_price, currency))
    for name in ("SupplierID", "Tax"):
        child = _rebuild_first(item_in, name)
        if child is not None:
            out.append(child)
    for name in ("Distribution", "Comments"):
        for node in item_in.iterchildren(name):
            child = _rebuild(node)
            if child is not None:
                out.append(child)
    return out


def _item_detail(
    item_in: etree._Element, unit_price: Decimal | int, currency: str
) -> etree._Element:
    stated = item_in.find("ItemDetail")
    nodes = [] if stated is None else list(stated)
    price = _rebuild_first(stated, "UnitPrice")
    if price is None:
        price = etree.Element("UnitPrice")
        element(price, "Money")
    money = price[0]
    if not _means(money, unit_price, currency):
        money.text = stated_number(unit_price)
        money.set("currency", currency)
    nodes = [price, *(node for node in nodes if node.tag != "UnitPrice")]
    nodes.extend(item_in.iterchildren("Extrinsic"))
    detail = etree.Element("ItemDetail")
    if not _fill(detail, MODELS["ItemDetail"], nodes, 0):
        raise Unreadable(400, "カート明細の商品情報(ItemDetail)を注文に引き継げません。")
    return detail


def _means(money: etree._Element, unit_price: Decimal | int, currency: str) -> bool:
    try:
        return read_number(money.text, "単価") == unit_price and money.get("currency") == currency
    except Unreadable:
        return False


def _rebuild_first(parent: etree._Element | None, name: str) -> etree._Element | None:
    rebuilt = (_rebuild(node) for node in children(parent, name))
    return next((node for node in rebuilt if node is not None), None)


def _rebuild(node: etree._Element, depth: int = 0) -> etree._Element | None:
    """A valid copy of an element; None when its name or content leaves none."""
    model = MODELS.get(str(node.tag))
    if model is None or depth > _MAX_DEPTH:
        return None
    out = etree.Element(node.tag)
    if not _copy_attributes(node, out, model):
        return None
    if model.kind in ("#mixed", "#any"):
        _fill_mixed(node, out, model, depth)
        return out
    if model.kind == "#text":
        text = "".join(str(part) for part in node.itertext())
        out.text = visible(text) if node.tag in ("Money", "URL") else text
        return out
    return out if _fill(out, model, list(node), depth) else None


def _copy_attributes(source: etree._Element | None, out: etree._Element, model: _Model) -> bool:
    for attribute in model.attributes:
        value = None if source is None else source.get(attribute.name)
        if attribute.name == "currency":
            value = visible(value).upper() or None
        if attribute.allowed and value not in attribute.allowed:
            value = None
        if value is None and attribute.required:
            if attribute.allowed:
                return False
            value = _STAND_INS.get(attribute.name) or _DOMAINS.get(str(out.tag), "")
        if value is not None:
            out.set(attribute.name, value)
    return True


def _fill(out: etree._Element, model: _Model, nodes: Iterable[etree._Element], depth: int) -> bool:
    """Append what the model names, in its order; False when something required can't be had."""
    by_name: dict[str, list[etree._Element]] = {}
    for node in nodes:
        by_name.setdefault(str(node.tag), []).append(node)
    for part in model.parts:
        found = 0
        for name in part.names:
            for node in by_name.get(name, ()):
                rebuilt = _rebuild(node, depth + 1)
                if rebuilt is not None and (part.repeated or not found):
                    out.append(rebuilt)
                    found += 1
        if part.required and not found and not _append_blank(out, part.names[0]):
            return False
    return True


def _append_blank(out: etree._Element, name: str) -> bool:
    """An empty text where the DTD wants one; an empty amount would be a statement, so none."""
    model = MODELS[name]
    if not model.kind or name == "Money":
        return False
    blank = etree.Element(name)
    _copy_attributes(None, blank, model)
    out.append(blank)
    return True


def _fill_mixed(node: etree._Element, out: etree._Element, model: _Model, depth: int) -> None:
    """Text among elements; of an element that may not stand here, the text stays."""
    allowed = None if model.kind == "#any" else {name for p in model.parts for name in p.names}
    texts = [node.text or ""]
    last: etree._Element | None = None
    for child in node:
        fits = allowed is None or child.tag in allowed
        rebuilt = _rebuild(child, depth + 1) if fits else None
        if rebuilt is None:
            texts.extend(str(part) for part in child.itertext())
        else:
            _set_text(out, last, texts)
            out.append(rebuilt)
            last, texts = rebuilt, []
        texts.append(child.tail or "")
    _set_text(out, last, texts)


def _set_text(out: etree._Element, last: etree._Element | None, texts: list[str]) -> None:
    if last is None:
        out.text = "".join(texts)
    else:
        last.tail = "".join(texts)
