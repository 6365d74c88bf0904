"""Rows of every model for tests that need just any valid row. Slips' lives go through the verbs."""

import datetime
import hashlib

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from expenses.models import ApprovalFlow, ApprovalPoint, Kind, Voucher, VoucherLine
from masters.models import (
    Account,
    Affiliation,
    Breakdown,
    DeliveryAddress,
    Department,
    Employee,
    PaymentMethod,
    Position,
    Project,
    SubAccount,
    TaxCategory,
    TaxRate,
)
from punchout.models import (
    CancelRequest,
    CatalogConnection,
    CatalogItem,
    CatalogRate,
    Exchange,
    HistoryImport,
    LedgerEntry,
    OrderAttempt,
    OrderLine,
    PurchaseOrder,
    PurchasePortion,
    PurchaseRecord,
    ReceivedCart,
    ShoppingSession,
    SourceRow,
    SupplierDocument,
)

DAY = datetime.date(2026, 4, 1)
SINCE = datetime.date(2019, 10, 1)


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


class DepartmentFactory(DjangoModelFactory):
    code = factory.Sequence(lambda n: f"DEP{n}")
    name = factory.Sequence(lambda n: f"第{n}課")

    class Meta:
        model = Department


class PositionFactory(DjangoModelFactory):
    code = factory.Sequence(lambda n: f"POS{n}")
    name = "課長"

    class Meta:
        model = Position


class EmployeeFactory(DjangoModelFactory):
    code = factory.Sequence(lambda n: f"E{n:05}")
    name = factory.Sequence(lambda n: f"社員 {n}")
    email = factory.LazyAttribute(lambda employee: f"{employee.code.lower()}@example.jp")

    class Meta:
        model = Employee


class AffiliationFactory(DjangoModelFactory):
    employee = factory.SubFactory(EmployeeFactory)
    department = factory.SubFactory(DepartmentFactory)

    class Meta:
        model = Affiliation


class TaxCategoryFactory(DjangoModelFactory):
    code = factory.Sequence(lambda n: f"TAX{n}")
    name = "課税10%"

    class Meta:
        model = TaxCategory


class TaxRateFactory(DjangoModelFactory):
    category = factory.SubFactory(TaxCategoryFactory)
    rate = 10
    valid_from = SINCE

    class Meta:
        model = TaxRate


class AccountFactory(DjangoModelFactory):
    code = factory.Sequence(lambda n: f"ACC{n}")
    name = "消耗品費"

    class Meta:
        model = Account


class SubAccountFactory(DjangoModelFactory):
    account = factory.SubFactory(AccountFactory)
    code = factory.Sequence(lambda n: f"SUB{n}")
    name = "事務用品"

    class Meta:
        model = SubAccount


class BreakdownFactory(DjangoModelFactory):
    code = factory.Sequence(lambda n: f"BRK{n}")
    name = "消耗品（10%）"
    account = factory.SubFactory(AccountFactory)
    tax_category = factory.SubFactory(TaxCategoryFactory)

    class Meta:
        model = Breakdown


class ProjectFactory(DjangoModelFactory):
    code = factory.Sequence(lambda n: f"PRJ{n}")
    name = "新製品"

    class Meta:
        model = Project


class PaymentMethodFactory(DjangoModelFactory):
    code = factory.Sequence(lambda n: f"PAY{n}")
    name = "会社払い"
    payer = PaymentMethod.Payer.COMPANY

    class Meta:
        model = PaymentMethod


class DeliveryAddressFactory(DjangoModelFactory):
    code = factory.Sequence(lambda n: f"ADR{n}")
    name = "本社"
    postal_code = "100-0005"
    prefecture = "東京都"
    city = "千代田区"
    street = "丸の内1-9-1"
    company = "株式会社あおば製作所"
    phone = "03-1234-5678"

    class Meta:
        model = DeliveryAddress


class ApprovalFlowFactory(DjangoModelFactory):
    kind = Kind.REQUEST
    name = "標準"

    class Meta:
        model = ApprovalFlow


class ApprovalPointFactory(DjangoModelFactory):
    flow = factory.SubFactory(ApprovalFlowFactory)
    position_no = factory.Sequence(lambda n: n + 1)
    name = "課長"
    approver = ApprovalPoint.Approver.POSITION
    position = factory.SubFactory(PositionFactory)

    class Meta:
        model = ApprovalPoint


class VoucherFactory(DjangoModelFactory):
    """A draft: the database takes no other start."""

    kind = Kind.REQUEST
    number = factory.Sequence(lambda n: f"F-{n:06}")
    applicant = factory.SubFactory(EmployeeFactory)
    entered_by = factory.SelfAttribute("applicant")
    department = factory.SubFactory(DepartmentFactory)
    department_name = factory.SelfAttribute("department.name")
    title = "備品の購入"

    class Meta:
        model = Voucher


class VoucherLineFactory(DjangoModelFactory):
    voucher = factory.SubFactory(VoucherFactory)
    position = factory.Sequence(lambda n: n + 1)
    date = DAY
    description = "文具"
    amount = 1100

    class Meta:
        model = VoucherLine


class ConnectionFactory(DjangoModelFactory):
    name = factory.Sequence(lambda n: f"みどり商店 {n}")
    supplier_name = "みどり商店"
    from_identity = "rakuraku"
    shared_secret = "shared-s3cret"
    punchout_url = "http://127.0.0.1:9/setup"
    order_url = "http://127.0.0.1:9/orders"
    payment_method = factory.SubFactory(PaymentMethodFactory)

    class Meta:
        model = CatalogConnection


class CatalogRateFactory(DjangoModelFactory):
    connection = factory.SubFactory(ConnectionFactory)
    rate = 10
    breakdown = factory.SubFactory(BreakdownFactory)

    class Meta:
        model = CatalogRate


class ShoppingSessionFactory(DjangoModelFactory):
    connection = factory.SubFactory(ConnectionFactory)
    voucher = factory.SubFactory(VoucherFactory)
    employee = factory.SelfAttribute("voucher.applicant")
    email = factory.SelfAttribute("employee.email")
    buyer_cookie = factory.Sequence(lambda n: f"secret-cookie-{n}")
    start_url = "http://127.0.0.1:9/start?secret-start"
    expires_at = factory.LazyFunction(lambda: timezone.now() + datetime.timedelta(hours=24))

    class Meta:
        model = ShoppingSession


class ReceivedCartFactory(DjangoModelFactory):
    session = factory.SubFactory(ShoppingSessionFactory)
    raw = b"<cXML/>"
    sha256 = factory.LazyAttribute(lambda cart: _sha256(cart.raw))

    class Meta:
        model = ReceivedCart


class CatalogItemFactory(DjangoModelFactory):
    cart = factory.SubFactory(ReceivedCartFactory)
    line = factory.SubFactory(
        VoucherLineFactory, voucher=factory.SelfAttribute("..cart.session.voucher")
    )
    kind = CatalogItem.Kind.ITEM
    part_id = "B0TEST0001"
    auxiliary_id = "358-1234567-1234567,1"
    xml = "<ItemIn/>"

    class Meta:
        model = CatalogItem


class ExchangeFactory(DjangoModelFactory):
    connection = factory.SubFactory(ConnectionFactory)
    direction = Exchange.Direction.OUT
    message = "PunchOutSetupRequest"
    request = "<cXML><script>alert(1)</script></cXML>"

    class Meta:
        model = Exchange


class PurchaseOrderFactory(DjangoModelFactory):
    voucher = factory.SubFactory(VoucherFactory)
    connection = factory.SubFactory(ConnectionFactory)
    number = factory.Sequence(lambda n: f"PO-{n:06}")
    payload_id = factory.Sequence(lambda n: f"{n}@example.jp")
    timestamp = factory.LazyFunction(timezone.now)
    mode = CatalogConnection.Mode.TEST
    shopper_email = factory.SelfAttribute("voucher.applicant.email")
    document = b"<cXML><OrderRequest/></cXML>"
    sha256 = factory.LazyAttribute(lambda order: _sha256(order.document))
    total = 1100

    class Meta:
        model = PurchaseOrder


class OrderLineFactory(DjangoModelFactory):
    order = factory.SubFactory(PurchaseOrderFactory)
    line_number = factory.Sequence(lambda n: n + 1)
    voucher_line = factory.SubFactory(
        VoucherLineFactory, voucher=factory.SelfAttribute("..order.voucher")
    )
    part_id = "B0TEST0001"
    description = "文具"
    quantity = 1
    unit_price = 1000
    amount = 1100

    class Meta:
        model = OrderLine


class OrderAttemptFactory(DjangoModelFactory):
    order = factory.SubFactory(PurchaseOrderFactory)
    number = factory.Sequence(lambda n: n + 1)
    outcome = OrderAttempt.Outcome.ACCEPTED

    class Meta:
        model = OrderAttempt


class SupplierDocumentFactory(DjangoModelFactory):
    order = factory.SubFactory(PurchaseOrderFactory)
    connection = factory.SelfAttribute("order.connection")
    order_number = factory.SelfAttribute("order.number")
    kind = SupplierDocument.Kind.CONFIRMATION
    key = factory.Sequence(lambda n: f"249-{n:07}")
    payload_id = factory.Sequence(lambda n: f"c{n}@shop.example")
    raw = b"<cXML/>"
    sha256 = factory.LazyAttribute(lambda document: _sha256(document.raw))

    class Meta:
        model = SupplierDocument


class LedgerEntryFactory(DjangoModelFactory):
    order_line = factory.SubFactory(OrderLineFactory)
    document = factory.SubFactory(
        SupplierDocumentFactory, order=factory.SelfAttribute("..order_line.order")
    )
    kind = LedgerEntry.Kind.CONFIRMED
    quantity = 1

    class Meta:
        model = LedgerEntry


class CancelRequestFactory(DjangoModelFactory):
    order_line = factory.SubFactory(OrderLineFactory)
    quantity = 1
    target = 1
    reason = "二重に頼んだため"
    requested_by = factory.SelfAttribute("order_line.order.voucher.applicant")

    class Meta:
        model = CancelRequest


class HistoryImportFactory(DjangoModelFactory):
    connection = factory.SubFactory(ConnectionFactory)
    source = HistoryImport.Source.API

    class Meta:
        model = HistoryImport


class PurchaseRecordFactory(DjangoModelFactory):
    connection = factory.SubFactory(ConnectionFactory)
    supplier_order = factory.Sequence(lambda n: f"250-{n:07}")
    strong_id = factory.Sequence(lambda n: f"line-{n}")
    title = "文具"
    shipped_on = DAY
    quantity = 1
    amount = 1100

    class Meta:
        model = PurchaseRecord


class SourceRowFactory(DjangoModelFactory):
    history_import = factory.SubFactory(HistoryImportFactory)
    number = factory.Sequence(lambda n: n + 1)
    raw = factory.LazyFunction(lambda: {"商品名": "<b>文具</b>"})
    sha256 = _sha256(b"{}")
    outcome = SourceRow.Outcome.ADDED
    record = factory.SubFactory(PurchaseRecordFactory)

    class Meta:
        model = SourceRow


class PurchasePortionFactory(DjangoModelFactory):
    record = factory.SubFactory(PurchaseRecordFactory)
    line = factory.SubFactory(VoucherLineFactory)

    class Meta:
        model = PurchasePortion
