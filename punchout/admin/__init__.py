"""カタログ連携設定, and the records of what passed between the product and its suppliers."""

from . import connection, orders, purchases, traffic

__all__ = ["connection", "orders", "purchases", "traffic"]
