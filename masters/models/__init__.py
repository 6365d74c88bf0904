"""What slips refer to: people and departments, tax, accounts and 内訳, 配送先, the company."""

from .accounting import Account, Breakdown, PaymentMethod, Project, SubAccount
from .company import Company
from .delivery import DeliveryAddress
from .organisation import Affiliation, Department, Deputy, Employee, Position
from .tax import TaxCategory, TaxRate

__all__ = [
    "Account",
    "Affiliation",
    "Breakdown",
    "Company",
    "DeliveryAddress",
    "Department",
    "Deputy",
    "Employee",
    "PaymentMethod",
    "Position",
    "Project",
    "SubAccount",
    "TaxCategory",
    "TaxRate",
]
