"""A small company and its slips, made through the verbs, for tests of what happens to slips."""

import datetime
from dataclasses import dataclass, field
from decimal import Decimal

from django.contrib.auth.models import Permission

from expenses import approval, drafts, lifecycle
from expenses.models import ApprovalFlow, ApprovalPoint, Kind, Voucher
from expenses.transitions import Status
from masters.models import (
    Account,
    Affiliation,
    Breakdown,
    DeliveryAddress,
    Department,
    Deputy,
    Employee,
    PaymentMethod,
    Position,
    TaxCategory,
    TaxRate,
)

DAY = datetime.date(2026, 4, 1)


@dataclass
class World:
    """Two levels of superiors over one department, one 内訳 per rate, one 配送先."""

    people: dict[str, Employee] = field(default_factory=dict)
    breakdowns: dict[str, Breakdown] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.division = Department.objects.create(code="D1", name="営業部")
        self.section = Department.objects.create(code="D11", name="第一課", parent=self.division)
        kacho = Position.objects.create(code="P1", name="課長")
        bucho = Position.objects.create(code="P2", name="部長")
        self.person("applicant", self.section)
        self.person("colleague", self.section)
        self.person("full_deputy", self.section)
        self.person("entry_deputy", self.section)
        self.person("manager", self.section, kacho)
        self.person("director", self.division, bucho)
        self.person("manager_deputy", self.division)
        self.person("denier", self.division, None, "deny_voucher", "view_all_vouchers")
        self.person("reader", self.division, None, "view_all_vouchers")
        for deputy, power, principal in (
            ("full_deputy", Deputy.Power.FULL, "applicant"),
            ("entry_deputy", Deputy.Power.ENTRY, "applicant"),
            ("manager_deputy", Deputy.Power.APPROVAL, "manager"),
        ):
            Deputy.objects.create(
                principal=self.people[principal], deputy=self.people[deputy], power=power
            )
        for kind in Kind:
            flow = ApprovalFlow.objects.create(kind=kind, name=f"標準（{kind.label}）")
            for number, position in enumerate((kacho, bucho), start=1):
                ApprovalPoint.objects.create(
                    flow=flow,
                    position_no=number,
                    name=position.name,
                    approver=ApprovalPoint.Approver.POSITION,
                    position=position,
                )
        account = Account.objects.create(code="7001", name="消耗品費")
        for rate in (10, 8, 0):
            tax = TaxCategory.objects.create(code=f"T{rate}", name=f"課税 {rate}%")
            TaxRate.objects.create(
                category=tax, rate=Decimal(rate), valid_from=datetime.date(2019, 10, 1)
            )
            self.breakdowns[str(rate)] = Breakdown.objects.create(
                code=f"B{rate}", name=f"消耗品 {rate}%", account=account, tax_category=tax
            )
        self.address = DeliveryAddress.objects.create(
            code="A1",
            name="本社",
            postal_code="100-0005",
            prefecture="東京都",
            city="千代田区",
            street="丸の内1-1-1",
            company="株式会社あおば",
            phone="03-1234-5678",
        )
        self.paid_by_company = PaymentMethod.objects.create(
            code="M2", name="会社払い", payer=PaymentMethod.Payer.COMPANY
        )

    def person(
        self, name: str, department: Department, position: Position | None = None, *rights: str
    ) -> Employee:
        """An employee with e-mail ``name@example.jp``."""
        employee = Employee.objects.create_user(
            code=name, name=name, email=f"{name.replace('_', '-')}@example.jp"
        )
        Affiliation.objects.create(employee=employee, department=department, position=position)
        employee.user_permissions.set(Permission.objects.filter(codename__in=rights))
        self.people[name] = employee
        return employee

    def header(self, **changes) -> drafts.Header:
        """A valid header."""
        values = {
            "title": "備品の購入",
            "department": self.section,
            "delivery_address": self.address,
        }
        return drafts.Header(**{**values, **changes})

    def line(self, **changes) -> drafts.LineInput:
        """A valid manual line of ¥1,100 at 10 %."""
        values = {
            "pk": None,
            "date": DAY,
            "description": "文具",
            "amount": 1100,
            "breakdown": self.breakdowns["10"],
        }
        return drafts.LineInput(**{**values, **changes})

    def draft(self, *lines: drafts.LineInput, kind: Kind = Kind.REQUEST) -> Voucher:
        """A saved draft of the applicant; one line unless given others."""
        applicant = self.people["applicant"]
        voucher = drafts.create(kind, by=applicant, header=self.header(), applicant=applicant)
        return drafts.save(
            voucher,
            by=applicant,
            version=voucher.version,
            header=self.header(),
            lines=lines or [self.line()],
        )

    def slip_in(self, status: Status) -> Voucher:
        """A slip brought into ``status`` by the verbs that lead there."""
        people = self.people
        voucher = self.draft()
        if status == Status.DRAFT:
            return voucher
        if status == Status.DELETED:
            return lifecycle.delete(voucher, by=people["applicant"])
        voucher = lifecycle.submit(voucher, by=people["applicant"])
        if status == Status.WITHDRAWN:
            return lifecycle.withdraw(voucher, by=people["applicant"])
        if status == Status.RETURNED:
            return approval.return_to_applicant(voucher, by=people["manager"], comment="直して")
        if status in (Status.APPROVED, Status.DENIED, Status.EXCLUDED):
            approval.approve(voucher, by=people["manager"])
            voucher = approval.approve(voucher, by=people["director"])
        if status == Status.DENIED:
            return lifecycle.deny(voucher, by=people["denier"], comment="誤り")
        if status == Status.EXCLUDED:
            return lifecycle.exclude(voucher, by=people["denier"], comment="誤り")
        return voucher
