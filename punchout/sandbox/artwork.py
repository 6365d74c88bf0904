"""Product pictures: calm line drawings, tinted per product."""

from markupsafe import Markup

from punchout.sandbox import products
from punchout.sandbox.products import Product

_INKS = ("#2f6f5e", "#3a6ea5", "#9a5b3f", "#6b5b95", "#8a6d1f", "#4c7a34")
_GROUNDS = ("#e8f2ee", "#e9f0f8", "#f7ede7", "#efecf6", "#f6f1e0", "#ecf4e6")

_BOTTLE = (
    '<path d="M53 14h14v10c0 5 7 7 7 15v34c0 3-2 5-5 5H51c-3 0-5-2-5-5V39c0-8 7-10 7-15z"/>'
    '<path d="M53 19h14M46 46h28M46 62h28" fill="none"/>'
)
_BOX = '<path d="M34 34h52v38H34zM34 34l8-14h36l8 14M60 20v14"/><path d="M52 46h16" fill="none"/>'
_ENVELOPE = '<path d="M30 26h60v40H30z"/><path d="m30 26 30 24 30-24" fill="none"/>'
_FOLDER = '<path d="M30 24h22l6 8h32v38H30z"/><path d="M30 42h60" fill="none"/>'
_TISSUE = (
    '<path d="M32 46h56v26H32z"/><path d="M48 46c0-12 6-8 8-20 6 6 14 2 14 10 0 4 2 6 2 10z"/>'
)

# Drawn on a 120 × 90 ground: white with the product's ink, as outlines.
_BY_CATEGORY = {
    products.STATIONERY: '<path d="M38 68 78 28l10 10-40 40-13 3z"/>'
    '<path d="m71 35 10 10M38 68l10 10"/>',
    products.PAPER: '<path d="M40 18h30l14 14v42H40z"/>'
    '<path d="M70 18v14h14M48 44h28M48 53h28M48 62h18" fill="none"/>',
    products.DEVICES: '<rect x="30" y="20" width="60" height="40" rx="4"/>'
    '<path d="M30 50h60M54 60l-3 12h18l-3-12M44 72h32"/>',
    products.PANTRY: _BOX,
    products.CLEANING: '<path d="M46 38h28l4 36H42z"/>'
    '<path d="M52 38V26h16v12M68 26h12M80 20v12M46 54h30" fill="none"/>',
    products.FURNITURE: '<path d="M44 16h30l3 28H41zM37 44h45v9H37z"/>'
    '<path d="M60 53v14M44 74l16-7 16 7" fill="none"/>',
    products.VOUCHERS: '<rect x="30" y="26" width="60" height="40" rx="5"/>'
    '<path d="M30 40h60M66 26v40"/>'
    '<path d="M66 40c-10-2-12-12-4-12 5 0 4 8 4 12zm0 0c10-2 12-12 4-12-5 0-4 8-4 12z"/>',
}
_BY_SUB_CATEGORY = {
    "水": _BOTTLE,
    "お茶": _BOTTLE,
    "コーヒー": '<path d="M40 34h34v26c0 8-6 14-14 14h-6c-8 0-14-6-14-14z"/>'
    '<path d="M74 40h6a8 8 0 0 1 0 16h-6M50 26c-3-4 3-6 0-10M62 26c-3-4 3-6 0-10" fill="none"/>',
    "ふせん": '<path d="M36 22h40v32L62 68H36z"/><path d="M76 54H62v14" fill="none"/>',
    "ファイル": _FOLDER,
    "とじ具": '<path d="M30 56h60v14H30z"/><path d="m34 56 4-18 52 12v6z"/>',
    "はさみ・カッター": '<path d="m50 56 26-36M70 56 44 20" fill="none"/>'
    '<circle cx="44" cy="64" r="9"/><circle cx="76" cy="64" r="9"/>',
    "封筒": _ENVELOPE,
    "入力機器": '<rect x="24" y="32" width="72" height="30" rx="5"/>'
    '<path d="M33 41h6M45 41h6M57 41h6M69 41h6M81 41h6M42 53h36" fill="none"/>',
    "マウス": '<rect x="44" y="20" width="32" height="52" rx="16"/>'
    '<path d="M44 42h32M60 20v22M60 28v6" fill="none"/>',
    "ケーブル": '<path d="M42 24h16v18H42z"/>'
    '<path d="M50 42v14c0 16 24 16 24 0V34M68 22h12v12H68zM46 24v-5M54 24v-5" fill="none"/>',
    "紙製品": _TISSUE,
    "ごみ袋": '<path d="M48 32h24c10 12 14 42 6 44H42c-8-2-4-32 6-44z"/>'
    '<path d="m48 32-6-12h36l-6 12"/>',
    "卓上": '<path d="M28 44h64l-6 24H34z"/><path d="M50 44v-14h20v14" fill="none"/>',
    "切手": '<rect x="40" y="18" width="40" height="54" rx="2" stroke-dasharray="1 5"/>'
    '<path d="M47 25h26v40H47zM53 56l7-12 8 12z"/>',
}


def picture(product: Product) -> Markup:
    """Return the product's picture as inline SVG (presentation attributes only, for the CSP)."""
    tint = int(product.asin[-5:]) % len(_INKS)
    shape = _BY_SUB_CATEGORY.get(product.sub_category, _BY_CATEGORY[product.category])
    return Markup(
        '<svg class="art" viewBox="0 0 120 90" role="img" aria-label="{label}">'
        '<rect width="120" height="90" fill="{ground}"/>'
        '<g fill="#fff" stroke="{ink}" stroke-width="2.2" stroke-linecap="round"'
        ' stroke-linejoin="round">{shape}</g></svg>'
    ).format(label=product.name, ground=_GROUNDS[tint], ink=_INKS[tint], shape=Markup(shape))
