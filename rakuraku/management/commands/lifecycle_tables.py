"""docs/lifecycle.md, made from the tables that drive the product."""

from django.core.management.base import BaseCommand

from expenses.transitions import RULES, Status
from punchout.order_states import LIVE, MOVES, OrderState


def document() -> str:
    """The whole file."""
    return "\n".join([*_slips(), "", *_orders(), ""])


def _slips() -> list[str]:
    lines = [
        "# 伝票と発注の状態",
        "",
        "このファイルは `manage.py lifecycle_tables` が作ります。手で直さないでください。",
        "",
        "## 伝票（経費申請・経費精算）",
        "",
        "| 操作 | できる状態 | 操作後の状態 | できる人 | コメント |",
        "|---|---|---|---|---|",
    ]
    for action, rule in RULES.items():
        sources = "・".join(status.label for status in Status if status in rule.sources)
        target = rule.target.label if rule.target else "（変わらない）"
        joint = "かつ" if rule.all_roles else "・"
        roles = joint.join(sorted(role.value for role in rule.roles))
        comment = "必須" if rule.needs_comment else ""
        lines.append(f"| {action.label} | {sources} | {target} | {roles} | {comment} |")
    return lines


def _orders() -> list[str]:
    lines = [
        "## 発注",
        "",
        "| 状態 | 次の状態 | 申請にひとつだけ |",
        "|---|---|---|",
    ]
    for state, targets in MOVES.items():
        following = "・".join(target.label for target in OrderState if target in targets) or "—"
        live = "はい" if state.value in LIVE else ""
        lines.append(f"| {state.label} | {following} | {live} |")
    return lines


class Command(BaseCommand):
    help = "状態遷移の表（docs/lifecycle.md の内容）を表示します。"

    def handle(self, *args, **options) -> None:
        self.stdout.write(document(), ending="")
