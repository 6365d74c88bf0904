"""Slips: 伝票, lines, the approval and what happened."""

from .approval import ApprovalCandidate, ApprovalStep
from .event import VoucherEvent
from .flow import ApprovalFlow, ApprovalPoint
from .line import Origin, VoucherLine
from .notice import Notice
from .voucher import ExpenseRequest, ExpenseSettlement, Kind, Voucher

__all__ = [
    "ApprovalCandidate",
    "ApprovalFlow",
    "ApprovalPoint",
    "ApprovalStep",
    "ExpenseRequest",
    "ExpenseSettlement",
    "Kind",
    "Notice",
    "Origin",
    "Voucher",
    "VoucherEvent",
    "VoucherLine",
]
