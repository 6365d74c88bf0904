"""The life of a slip as data: what may happen from where, and who may do it.

This table is the single source: the verbs' guard, the buttons on the page, the trigger in the
database, the test matrix and docs/lifecycle.md are all made from it. The rules are DOMAIN's §3.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.db import models


class Status(models.TextChoices):
    """伝票状態. One stored status; progress of the approval is rows, never a status."""

    DRAFT = "draft", "一時保存"
    SUBMITTED = "submitted", "承認依頼中"
    RETURNED = "returned", "差戻し"
    WITHDRAWN = "withdrawn", "取下げ"
    APPROVED = "approved", "最終承認済み"
    DENIED = "denied", "否認"
    EXCLUDED = "excluded", "対象外"
    DELETED = "deleted", "削除"


class Role(StrEnum):
    """What a person is to one slip, or may do by right."""

    APPLICANT = "申請者"
    FULL_DEPUTY = "代理申請者"
    ENTRY_DEPUTY = "代理入力者"
    CANDIDATE = "承認者"
    AMENDS_WAITING = "承認時修正の権限"
    AMENDS_APPROVED = "承認後修正の権限"
    DENIES = "否認処理の権限"


class Action(models.TextChoices):
    """Everything that can be done to a slip, and the word people see."""

    EDIT = "edit", "編集"
    SUBMIT = "submit", "申請"
    WITHDRAW = "withdraw", "取下げ"
    DELETE = "delete", "削除"
    APPROVE = "approve", "承認"
    FINAL_APPROVE = "final_approve", "最終承認"
    RETURN = "return", "差戻し"
    AMEND_WAITING = "amend_waiting", "修正（承認時）"
    AMEND_APPROVED = "amend_approved", "修正（承認後）"
    DENY = "deny", "否認処理"
    EXCLUDE = "exclude", "対象外処理"


@dataclass(frozen=True, slots=True)
class Rule:
    """From which statuses an action is possible, where it leads, and for whom."""

    sources: frozenset[Status]
    target: Status | None
    """None: the status stays as it is."""
    roles: frozenset[Role]
    all_roles: bool = False
    """True: the person needs every role named, not any of them."""
    needs_comment: bool = False


_WITH_APPLICANT = frozenset({Status.DRAFT, Status.RETURNED, Status.WITHDRAWN})
_WAITING = frozenset({Status.SUBMITTED})
_APPROVED = frozenset({Status.APPROVED})
_FOR_APPLICANT = frozenset({Role.APPLICANT, Role.FULL_DEPUTY})
_CANDIDATE = frozenset({Role.CANDIDATE})

EDITABLE = _WITH_APPLICANT
"""Statuses in which the applicant's side may write."""

RULES: dict[Action, Rule] = {
    Action.EDIT: Rule(_WITH_APPLICANT, None, _FOR_APPLICANT | {Role.ENTRY_DEPUTY}),
    Action.SUBMIT: Rule(_WITH_APPLICANT, Status.SUBMITTED, _FOR_APPLICANT),
    Action.WITHDRAW: Rule(_WAITING, Status.WITHDRAWN, _FOR_APPLICANT),
    Action.DELETE: Rule(_WITH_APPLICANT, Status.DELETED, _FOR_APPLICANT),
    Action.APPROVE: Rule(_WAITING, None, _CANDIDATE),
    Action.FINAL_APPROVE: Rule(_WAITING, Status.APPROVED, _CANDIDATE),
    Action.RETURN: Rule(_WAITING, Status.RETURNED, _CANDIDATE, needs_comment=True),
    Action.AMEND_WAITING: Rule(
        _WAITING, None, frozenset({Role.CANDIDATE, Role.AMENDS_WAITING}), all_roles=True
    ),
    Action.AMEND_APPROVED: Rule(_APPROVED, None, frozenset({Role.AMENDS_APPROVED})),
    Action.DENY: Rule(_APPROVED, Status.DENIED, frozenset({Role.DENIES}), needs_comment=True),
    Action.EXCLUDE: Rule(_APPROVED, Status.EXCLUDED, frozenset({Role.DENIES}), needs_comment=True),
}


def allowed(action: Action, status: str, roles: frozenset[Role]) -> bool:
    """Whether somebody with ``roles`` may do ``action`` to a slip in ``status``."""
    rule = RULES[action]
    if status not in rule.sources:
        return False
    return rule.roles <= roles if rule.all_roles else bool(rule.roles & roles)


def status_changes() -> list[tuple[str, str]]:
    """Every (from, to) of the stored status, for the database trigger."""
    return sorted(
        {
            (source.value, rule.target.value)
            for rule in RULES.values()
            if rule.target is not None
            for source in rule.sources
        }
    )
