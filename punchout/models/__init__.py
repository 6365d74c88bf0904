"""Catalogues: connection, shopping, order, messages, purchase history."""

from .connection import CatalogConnection, CatalogRate
from .exchange import Exchange
from .history import HistoryImport, PurchasePortion, PurchaseRecord, SourceRow
from .order import OrderAttempt, OrderLine, PurchaseOrder
from .shopping import CatalogItem, ReceivedCart, ShoppingSession
from .supplier import LedgerEntry, SupplierDocument

__all__ = [
    "CatalogConnection",
    "CatalogItem",
    "CatalogRate",
    "Exchange",
    "HistoryImport",
    "LedgerEntry",
    "OrderAttempt",
    "OrderLine",
    "PurchaseOrder",
    "PurchasePortion",
    "PurchaseRecord",
    "ReceivedCart",
    "ShoppingSession",
    "SourceRow",
    "SupplierDocument",
]
