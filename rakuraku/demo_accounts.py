"""The people of the demo. Their passwords are public: they exist in demos and tests only."""

from dataclasses import dataclass

PASSWORD = "rakuraku-demo"  # noqa: S105


@dataclass(frozen=True)
class Account:
    """Who can log in, and as what."""

    code: str
    name: str
    kana: str
    email: str
    role: str
    password: str = PASSWORD


ACCOUNTS = {
    "applicant": Account("1001", "田中 美咲", "タナカ ミサキ", "tanaka@example.jp", "申請者"),
    "section_manager": Account("1002", "佐藤 健一", "サトウ ケンイチ", "sato@example.jp", "課長"),
    "department_manager": Account("1003", "鈴木 由美", "スズキ ユミ", "suzuki@example.jp", "部長"),
    "accounting": Account("2001", "高橋 誠", "タカハシ マコト", "takahashi@example.jp", "経理"),
    "administrator": Account(
        "9001", "システム管理者", "システムカンリシャ", "admin@example.jp", "システム管理者"
    ),
}
