"""Slips: 伝票, lines, the approval and what happened."""

from .approval import ApprovalCandidate, ApprovalStep
from .event import VoucherEvent
from .flow import ApprovalCondition, ApprovalFlow, ApprovalPoint, FlowAssignment
from .line import Origin, VoucherLine
from .notice import Notice
from .voucher import ExpenseRequest, ExpenseSettlement, Kind, Voucher

__all__ = [
    "ApprovalCandidate",
    "ApprovalCondition",
    "ApprovalFlow",
    "ApprovalPoint",
    "ApprovalStep",
    "ExpenseRequest",
    "ExpenseSettlement",
    "FlowAssignment",
    "Kind",
    "Notice",
    "Origin",
    "Voucher",
    "VoucherEvent",
    "VoucherLine",
]
