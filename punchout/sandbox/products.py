"""What the shop sells: everything invented, in the forms real carts have."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seller:
    """Who issues the invoice. Small marketplace sellers may lack a registration number."""

    name: str
    registration_number: str  # 適格請求書発行事業者登録番号; empty: none
    city: str
    postal_code: str


MIDORI = Seller("みどり商店合同会社", "T7011001098990", "東京都目黒区下目黒", "153-0064")
BUNGU = Seller("文具のあおぞら", "T7123456789012", "大阪府大阪市中央区", "541-0041")
DENKI = Seller("オフィス電器センター", "T3040001067890", "千葉県千葉市美浜区", "261-0023")
SHOKUHIN = Seller("やまのて食品", "T3020001012345", "神奈川県横浜市中区", "231-0023")
KOBO = Seller("木の工房 そら", "", "長野県松本市大手", "390-0874")


@dataclass(frozen=True, slots=True)
class Product:
    """One article. `price` and `shipping` are yen without tax, `rate` is in %.

    `states_zero_rate` tells the two forms of 0 % apart: a TaxDetail that says 0, or none at all.
    `item_taxable` is what the extrinsic of that name says, which is wrong for some on purpose.
    """

    asin: str
    name: str
    description: str
    category: str
    sub_category: str
    price: int
    rate: int
    seller: Seller
    maker: str
    model_number: str
    unspsc: str = ""
    shipping: int = 0
    unit: str = "1個"
    states_zero_rate: bool = False
    item_taxable: bool = True

    @property
    def full_description(self) -> str:
        """Name and description as carts carry them: long, with double spaces."""
        return f"{self.maker}  {self.name}  {self.description}  {self.unit}"

    def extrinsics(self, detail_url: str) -> dict[str, str]:
        """Return the Extrinsics of a cart line. `detail_url` is where product pages begin."""
        return {
            "soldBy": self.seller.name,
            "fulfilledBy": MIDORI.name if self.seller is not KOBO else KOBO.name,
            "category": self.category,
            "subCategory": self.sub_category,
            "itemCondition": "New",
            "qualifiedOffer": "true",
            "UPC": f"45{int(self.asin[-5:], 36) % 10**11:011d}",
            "detailPageURL": f"{detail_url}/{self.asin}",
            "ean": f"49{int(self.asin[-5:], 36) % 10**11:011d}",
            "itemTaxable": "true" if self.item_taxable else "false",
        }


STATIONERY, PAPER, DEVICES = "文房具", "用紙・封筒", "PC・周辺機器"
PANTRY, CLEANING, FURNITURE, VOUCHERS = "飲料・食品", "清掃・衛生", "オフィス家具", "切手・ギフト"
CATEGORIES = (STATIONERY, PAPER, DEVICES, PANTRY, CLEANING, FURNITURE, VOUCHERS)

_ALL = (
    Product("B0MDR00101", "なめらか油性ボールペン 0.5mm 黒 10本入",
        "軽い書き心地の低粘度インク。替芯対応、クリップは可動式で厚い書類にも留められます。",
        STATIONERY, "筆記具", 980, 10, BUNGU, "AOZORA", "AZ-BP05-10K", "44121704", unit="10本"),
    Product("B0MDR00102", "水性蛍光マーカー 5色セット",
        "裏うつりしにくい水性顔料インク。太字と細字のツインタイプ。",
        STATIONERY, "筆記具", 640, 10, BUNGU, "AOZORA", "AZ-HL5T", "44121716", unit="5色"),
    Product("B0MDR00103", "強粘着ふせん 75×75mm 4色 90枚×12冊",
        "はがれにくい強粘着タイプ。打合せのアイデア出しや書類の見出しに。",
        STATIONERY, "ふせん", 1280, 10, BUNGU, "ペタリ", "PT-7575-12", "14111530", unit="12冊"),
    Product("B0MDR00104", "フラットファイル A4タテ 2穴 ブルー 30冊",
        "とじ厚15mm、背見出しつき。再生紙を使用したエコマーク商品。",
        STATIONERY, "ファイル", 1560, 10, MIDORI, "みどり文具", "MF-A4-30B", "44122011",
        unit="30冊"),
    Product("B0MDR00105", "針なしステープラー 5枚とじ ホワイト",
        "針を使わず紙だけでとじるので、そのままシュレッダーにかけられます。",
        STATIONERY, "とじ具", 1180, 10, MIDORI, "みどり文具", "MS-NL5W", "44121615"),
    Product("B0MDR00106", "チタンコートはさみ 175mm",
        "のりがつきにくいフッ素加工。左右どちらの手でも使いやすい形です。",
        STATIONERY, "はさみ・カッター", 735, 10, BUNGU, "キリリ", "KR-175T", "44121618"),
    Product("B0MDR00107", "ホワイトボードマーカー 4色 詰め替え式",
        "においの少ないアルコールインク。壁面ボード、ミーティングテーブルに。",
        STATIONERY, "筆記具", 548, 10, BUNGU, "AOZORA", "AZ-WB4R", "44121708", unit="4色"),
    Product("B0MDR00201", "コピー用紙 A4 500枚×5冊 高白色",
        "両面印刷でも透けにくい坪量68g/㎡。FSC認証、中性紙。",
        PAPER, "コピー用紙", 2480, 10, MIDORI, "みどりペーパー", "MP-A4-2500", "14111507",
        unit="2500枚"),
    Product("B0MDR00202", "コピー用紙 A3 500枚×3冊 高白色",
        "図面やカラー資料に。厚みがあり、紙づまりしにくい仕上げです。",
        PAPER, "コピー用紙", 2780, 10, MIDORI, "みどりペーパー", "MP-A3-1500", "14111507",
        shipping=500, unit="1500枚"),
    Product("B0MDR00203", "窓付き封筒 長3 スミ貼 100枚",
        "請求書の送付に。中身が透けにくい地紋入り、テープつき。",
        PAPER, "封筒", 1090, 10, MIDORI, "みどりペーパー", "ME-N3W-100", "44121503", unit="100枚"),
    Product("B0MDR00204", "角2封筒 クラフト 85g/㎡ 100枚",
        "A4書類がそのまま入る定番サイズ。郵便番号枠つき。",
        PAPER, "封筒", 1320, 10, MIDORI, "みどりペーパー", "ME-K2-100", "44121503", unit="100枚"),
    Product("B0MDR00205", "ラベルシール A4 24面 100シート",
        "宛名・備品管理に。レーザー・インクジェット両対応。",
        PAPER, "ラベル", 1890, 10, BUNGU, "ペタリ", "PL-A4-24", "55121606", unit="100シート"),
    Product("B0MDR00301", "静音ワイヤレスマウス USB-C受信機 ブラック",
        "クリック音を抑えた静音設計。電池は単三形1本で約18か月。",
        DEVICES, "マウス", 2380, 10, DENKI, "NODA", "ND-M210S", "43211708"),
    Product("B0MDR00302", "日本語配列キーボード 薄型 テンキーつき",
        "2.4GHzとBluetoothを切り替えて3台まで。  防滴パネル採用。",
        DEVICES, "入力機器", 4980, 10, DENKI, "NODA", "ND-K108J", "43211706"),
    Product("B0MDR00303", "24型ワイド液晶モニター フルHD IPS 高さ調整",
        "HDMI・USB-C（給電65W）搭載。ちらつきを抑えた目にやさしい表示。  3年保証。",
        DEVICES, "モニター", 24800, 10, DENKI, "HIKARI", "HK-2410C", "43211902", shipping=1200),
    Product("B0MDR00304", "USB-Cハブ 7in1 HDMI 4K/有線LAN",
        "会議室での投影、有線接続、充電をひとつで。",
        DEVICES, "アクセサリー", 4380, 10, DENKI, "NODA", "ND-H7C", "43201609"),
    Product("B0MDR00305", "LANケーブル CAT6A 3m スリム ブルー",
        "やわらかく取り回しやすい直径3.8mm。ツメ折れ防止カバー。",
        DEVICES, "ケーブル", 618, 10, DENKI, "NODA", "ND-L6A3B", ""),
    Product("B0MDR00306", "Webカメラ フルHD マイク内蔵 プライバシーカバー",
        "オンライン会議に。自動露出、三脚穴つき。",
        DEVICES, "アクセサリー", 5280, 10, DENKI, "HIKARI", "HK-WC2", "45121520"),
    Product("B0MDR00401", "ミネラルウォーター 500ml×24本 ラベルレス",
        "来客・備蓄に。はがす手間のないラベルレスボトル。  国産・軟水。",
        PANTRY, "水", 1980, 8, SHOKUHIN, "やまのて", "YM-W500-24", "50202301", unit="24本"),
    Product("B0MDR00402", "国産緑茶 ペットボトル 525ml×24本",
        "国産茶葉100%。会議やおもてなしに。",
        PANTRY, "お茶", 2360, 8, SHOKUHIN, "やまのて", "YM-T525-24", "50201713", unit="24本"),
    Product("B0MDR00403", "ドリップコーヒー アソート 8g×50袋",
        "4種の味わいを詰め合わせ。お湯を注ぐだけで本格的な一杯に。",
        PANTRY, "コーヒー", 1650, 8, SHOKUHIN, "ヤマドリ珈琲", "YD-DC50", "50201706",
        item_taxable=False, unit="50袋"),
    Product("B0MDR00404", "個包装クッキー 詰め合わせ 36枚",
        "バター・紅茶・ごまの3種。手みやげにも使える上品な缶入り。",
        PANTRY, "お菓子", 1833, 8, SHOKUHIN, "ハナノ製菓", "HN-CK36", "50181905", shipping=400,
        unit="36枚"),
    Product("B0MDR00405", "防災備蓄用 アルファ米 12食セット 5年保存",
        "お湯でも水でも。スプーンつきでそのまま配れます。",
        PANTRY, "備蓄食", 3980, 8, SHOKUHIN, "ソナエ", "SN-R12", "", unit="12食"),
    Product("B0MDR00501", "ボックスティッシュ 200組×5箱",
        "やわらかく丈夫なパルプ100%。",
        CLEANING, "紙製品", 428, 10, MIDORI, "みどりペーパー", "MT-200-5", "14111701", unit="5箱"),
    Product("B0MDR00502", "アルコール除菌ウェットシート 大判 80枚×3",
        "デスクや会議室の拭き掃除に。厚手メッシュタイプ。",
        CLEANING, "除菌", 898, 10, MIDORI, "キヨラ", "KY-WS80-3", "47131829", unit="3個"),
    Product("B0MDR00503", "ごみ袋 45L 半透明 100枚",
        "裂けにくい低密度ポリエチレン、厚さ0.03mm。",
        CLEANING, "ごみ袋", 1120, 10, MIDORI, "キヨラ", "KY-GB45", "47121701", unit="100枚"),
    Product("B0MDR00601", "メッシュオフィスチェア 肘つき グレー",
        "背中の形に沿うS字フレーム、座面昇降。  組立約15分、耐荷重100kg。",
        FURNITURE, "チェア", 15800, 10, MIDORI, "ヨリドコロ", "YD-CH31G", "56112102",
        shipping=1800),
    Product("B0MDR00602", "国産ひのき デスク小物トレー",
        "長野の工房で一つずつ手仕上げ。名刺・クリップ・鍵の置き場所に。",
        FURNITURE, "卓上", 3333, 10, KOBO, "木の工房そら", "SORA-T1", "", shipping=620),
    Product("B0MDR00701", "普通切手 110円×10枚シート",
        "郵便料金の支払いに使える切手。非課税の商品です。",
        VOUCHERS, "切手", 1100, 0, MIDORI, "みどり商店", "ST-110-10", "55121610", unit="10枚"),
    Product("B0MDR00702", "全国共通ギフトカード 5,000円",
        "お礼や表彰に。全国の加盟店で使えます。非課税の商品です。",
        VOUCHERS, "ギフトカード", 5000, 0, MIDORI, "みどり商店", "GC-5000", "", shipping=300,
        states_zero_rate=True, item_taxable=True),
)  # fmt: skip

PRODUCTS: dict[str, Product] = {product.asin: product for product in _ALL}


def find(*, words: str = "", category: str = "") -> list[Product]:
    """Return the products of a category (empty: all) that carry every one of the words."""
    wanted = words.replace("\u3000", " ").lower().split()
    return [
        product
        for product in _ALL
        if category in ("", product.category) and all(word in _haystack(product) for word in wanted)
    ]


def _haystack(product: Product) -> str:
    parts = (
        product.asin,
        product.full_description,
        product.category,
        product.sub_category,
        product.seller.name,
    )
    return " ".join(parts).lower()
