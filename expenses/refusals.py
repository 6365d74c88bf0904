"""Why a verb refused. The interfaces turn these into 409, 400 or 403 with a sentence."""

from expenses.models import Voucher
from expenses.transitions import RULES, Action


class WrongStatus(Exception):
    """The slip is no longer in a status that allows the action (HTTP 409)."""

    def __init__(self, voucher: Voucher, action: Action) -> None:
        self.voucher = voucher
        self.action = action
        super().__init__(
            f"{voucher.number} は「{voucher.get_status_display()}」のため、"
            f"{action.label}できません。最新の状態を確認してください。"
        )


class NotAllowed(Exception):
    """The person has none of the roles the action needs (HTTP 403)."""

    def __init__(self, action: Action) -> None:
        who = "・".join(sorted(role.value for role in RULES[action].roles))
        super().__init__(f"{action.label}ができるのは {who} です。")


class Invalid(Exception):
    """The data do not allow the action yet (HTTP 400). ``problems`` are sentences for the page."""

    def __init__(self, *problems: str) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(problems))


class Outdated(Exception):
    """Somebody saved the slip since this page was opened (HTTP 409); nothing typed is lost."""

    def __init__(self, voucher: Voucher) -> None:
        self.voucher = voucher
        super().__init__(
            f"{voucher.number} は別の画面で更新されています。"
            "入力した内容はこの画面に残っています。最新の内容と見比べてから保存し直してください。"
        )
