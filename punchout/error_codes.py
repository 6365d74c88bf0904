"""Amazon's error codes in words, with what can be done; others are shown as they came."""

from collections.abc import Iterable

_WORDS = {
    "001-001": "注文の変更は受け付けられません。新しく発注してください。",
    "001-012": "注文が取り消されたか、商品のひとつが注文できませんでした。",
    "015-005": "在庫がありません。別の商品を選び直してください。",
    "018-007": "カートより少ない商品・数量では注文できません。買い物をやり直してください。",
}


def in_words(codes: Iterable[str]) -> str:
    """Each of ``codes`` once, with its meaning where it is known; '' without codes."""
    return " ".join(
        f"{code}: {_WORDS[code]}" if code in _WORDS else f"エラーコード {code}"
        for code in dict.fromkeys(codes)
    )
