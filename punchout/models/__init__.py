"""Catalogues: connection, shopping, order, messages, purchase history."""

from .cancellation import CancelRequest
from .connection import CatalogConnection, CatalogRate
from .exchange import Exchange, StrayMessage
from .history import HistoryImport, PurchasePortion, PurchaseRecord, RowDecision, SourceRow
from .operation import SWEEP, JobRun, sweep_is_overdue
from .order import OrderAttempt, OrderLine, PurchaseOrder
from .shopping import CatalogItem, ReceivedCart, ShoppingSession
from .supplier import LedgerEntry, SupplierDocument

__all__ = [
    "SWEEP",
    "CancelRequest",
    "CatalogConnection",
    "CatalogItem",
    "CatalogRate",
    "Exchange",
    "HistoryImport",
    "JobRun",
    "LedgerEntry",
    "OrderAttempt",
    "OrderLine",
    "PurchaseOrder",
    "PurchasePortion",
    "PurchaseRecord",
    "ReceivedCart",
    "RowDecision",
    "ShoppingSession",
    "SourceRow",
    "StrayMessage",
    "SupplierDocument",
    "sweep_is_overdue",
]
