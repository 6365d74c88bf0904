"""A small believable company for the demo, as data."""

import datetime
from decimal import Decimal
from typing import Any

from rakuraku.demo_accounts import ACCOUNTS

COMPANY = "株式会社あおば製作所"
STANDARD_RATES_SINCE = datetime.date(2019, 10, 1)

# code, name, code of the department above
DEPARTMENTS = [
    ("1000", "本社", None),
    ("1100", "営業部", "1000"),
    ("1110", "第一営業課", "1100"),
    ("1120", "第二営業課", "1100"),
    ("1200", "開発部", "1000"),
    ("1210", "設計課", "1200"),
    ("1300", "管理部", "1000"),
    ("1310", "経理課", "1300"),
    ("1320", "総務課", "1300"),
]

POSITIONS = [("05", "社長"), ("10", "部長"), ("20", "課長"), ("30", "主任"), ("90", "一般")]
APPROVING_POSITIONS = ["20", "10"]
# Who approves for those above: name, whose slips (役職), by the holder of a 役職 or by a person.
FLOWS_ABOVE = [
    ("課長の申請", "20", {"position": "10"}),
    ("部長の申請", "10", {"position": "05"}),
    ("社長の申請", "05", {"employee": "2002"}),
]
ADMINISTRATORS = "システム管理者"
SUPPLIER = "みどり商店"

_A = ACCOUNTS
# account or (code, name, kana, email), department, 役職, group
PEOPLE = [
    (_A["applicant"], "1110", "90", "一般社員"),
    (_A["section_manager"], "1110", "20", "承認者"),
    (_A["department_manager"], "1100", "10", "承認者"),
    (_A["accounting"], "1310", "90", "経理担当"),
]
COLLEAGUES = [
    ("0001", "斎藤 隆", "サイトウ タカシ", "saito@example.jp", "1000", "05", "承認者"),
    ("1004", "伊藤 翔太", "イトウ ショウタ", "ito@example.jp", "1110", "30", "一般社員"),
    ("1005", "渡辺 彩", "ワタナベ アヤ", "watanabe@example.jp", "1120", "20", "承認者"),
    ("1006", "山本 直樹", "ヤマモト ナオキ", "yamamoto@example.jp", "1120", "90", "一般社員"),
    ("1201", "中村 陽子", "ナカムラ ヨウコ", "nakamura@example.jp", "1200", "10", "承認者"),
    ("1202", "小林 大輔", "コバヤシ ダイスケ", "kobayashi@example.jp", "1210", "20", "承認者"),
    ("1203", "加藤 結衣", "カトウ ユイ", "kato@example.jp", "1210", "90", "一般社員"),
    ("2002", "吉田 正樹", "ヨシダ マサキ", "yoshida@example.jp", "1300", "10", "経理責任者"),
    ("2003", "松本 恵", "マツモト メグミ", "matsumoto@example.jp", "1310", "20", "経理責任者"),
]

# code, name, 対象外?, [(rate %, from, to)]
TAX_CATEGORIES = [
    ("10", "課税10%", False, [("10", STANDARD_RATES_SINCE, None)]),
    ("08R", "軽減8%", False, [("8", STANDARD_RATES_SINCE, None)]),
    ("00", "対象外", True, []),
    ("00T", "課税0%（内税）", False, [("0", STANDARD_RATES_SINCE, None)]),
]

ACCOUNT_TITLES = [
    ("7110", "消耗品費"),
    ("7120", "事務用品費"),
    ("7130", "会議費"),
    ("7140", "荷造運賃"),
    ("7150", "新聞図書費"),
    ("7160", "租税公課"),
    ("7170", "通信費"),
    ("7180", "旅費交通費"),
]

# code, name, account, tax category
BREAKDOWNS = [
    ("A01", "消耗品（10%）", "7110", "10"),
    ("A02", "事務用品（10%）", "7120", "10"),
    ("A03", "会議用飲食料品（8%）", "7130", "08R"),
    ("A04", "送料（10%）", "7140", "10"),
    ("A05", "書籍（10%）", "7150", "10"),
    ("A06", "商品券・印紙（対象外）", "7160", "00"),
    ("A07", "通信費（10%）", "7170", "10"),
    ("A08", "旅費交通費（10%）", "7180", "10"),
]

# code, name, paid by the company?
PAYMENT_METHODS = [("01", "通常支払", False), ("11", "会社払い（請求書）", True)]

# rate % → 内訳, for lines that come back from the shop
CATALOG_RATES = [(Decimal(10), "A01"), (Decimal(8), "A03"), (Decimal(0), "A06")]
SHIPPING_BREAKDOWN = "A04"
CATALOG_PAYMENT_METHOD = "11"

DELIVERY_ADDRESSES: list[dict[str, Any]] = [
    {
        "code": "HQ",
        "name": "本社",
        "postal_code": "100-0005",
        "prefecture": "東京都",
        "city": "千代田区",
        "street": "丸の内1-9-1",
        "building": "あおばビル 5階",
        "company": COMPANY,
        "attention": "総務課",
        "phone": "03-1234-5678",
        "is_default": True,
    },
    {
        "code": "OSK",
        "name": "大阪支店",
        "postal_code": "530-0001",
        "prefecture": "大阪府",
        "city": "大阪市北区",
        "street": "梅田3-1-3",
        "building": "",
        "company": COMPANY,
        "attention": "大阪支店",
        "phone": "06-1234-5678",
    },
]

_MASTERS = [
    "company",
    "employee",
    "department",
    "position",
    "group",
    "taxcategory",
    "taxrate",
    "account",
    "subaccount",
    "breakdown",
    "project",
    "paymentmethod",
    "deliveryaddress",
    "affiliation",
    "deputy",
    "approvalflow",
    "approvalcondition",
    "approvalpoint",
    "flowassignment",
    "catalogconnection",
    "catalograte",
]

# group → codenames of permissions
GROUPS = {
    "一般社員": [],
    "承認者": ["approve_voucher", "view_department_vouchers"],
    "経理担当": [
        "approve_voucher",
        "view_all_vouchers",
        "amend_approved_voucher",
        "handle_orders",
    ],
    "経理責任者": [
        "approve_voucher",
        "view_all_vouchers",
        "amend_waiting_voucher",
        "amend_approved_voucher",
        "deny_voucher",
        "handle_orders",
    ],
    # No right to see slips: who keeps the masters need not read what people buy.
    ADMINISTRATORS: [
        f"{action}_{master}"
        for action in ("view", "add", "change", "delete")
        for master in _MASTERS
    ]
    + ["view_exchange"],
}
