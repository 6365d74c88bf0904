"""The demo's company, people and connection to the sandbox supplier."""

import os

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from expenses.models import ApprovalFlow, ApprovalPoint, FlowAssignment, Kind
from masters.models import (
    Account,
    Affiliation,
    Breakdown,
    Company,
    DeliveryAddress,
    Department,
    Employee,
    PaymentMethod,
    Position,
    TaxCategory,
    TaxRate,
)
from punchout.models import CatalogConnection, CatalogRate
from rakuraku import demo_company as company
from rakuraku.demo_accounts import ACCOUNTS, PASSWORD


class Command(BaseCommand):
    help = (
        "デモの会社・社員・カタログ連携設定を作ります。もう一度実行しても、人が変えた内容は"
        "そのままです（仕入先の URL とパスワードだけ、動いている仕入先に合わせます）。"
    )

    def handle(self, *args, **options) -> None:
        if settings.PRODUCTION:
            raise CommandError("本番環境ではデモのデータを作りません（パスワードが公開のため）。")
        self._seed()

    @transaction.atomic
    def _seed(self) -> None:
        self._organisation()
        self._people()
        self._accounting()
        self._flows()
        connection = self._connection()
        path = reverse("punchout:inbound", args=[connection.inbound_token])
        self.stdout.write(f"受信 URL: {settings.PUBLIC_URL}{path}")

    def _organisation(self) -> None:
        Company.objects.get_or_create(pk=1, defaults={"name": company.COMPANY})
        for code, name, parent in company.DEPARTMENTS:
            above = Department.objects.get(code=parent) if parent else None
            Department.objects.get_or_create(code=code, defaults={"name": name, "parent": above})
        for order, (code, name) in enumerate(company.POSITIONS):
            Position.objects.get_or_create(code=code, defaults={"name": name, "sort_order": order})
        for name, rights in company.GROUPS.items():
            group, new = Group.objects.get_or_create(name=name)
            if new:
                group.permissions.set(Permission.objects.filter(codename__in=rights))

    def _people(self) -> None:
        for account, department, position, group in company.PEOPLE:
            self._person(
                account.code,
                account.name,
                account.kana,
                account.email,
                department,
                position,
                group,
                password=account.password,
            )
        for colleague in company.COLLEAGUES:
            self._person(*colleague, password=PASSWORD)
        admin = ACCOUNTS["administrator"]
        if not Employee.objects.filter(code=admin.code).exists():
            # No superuser: who keeps the masters sees no slips without a 閲覧 right.
            keeper = Employee.objects.create_user(
                admin.code,
                admin.name,
                admin.password,
                kana=admin.kana,
                email=admin.email,
                is_staff=True,
            )
            keeper.groups.set(Group.objects.filter(name=company.ADMINISTRATORS))

    def _person(self, code, name, kana, email, department, position, group, *, password) -> None:
        if Employee.objects.filter(code=code).exists():
            return
        employee = Employee.objects.create_user(code, name, password, kana=kana, email=email)
        Affiliation.objects.create(
            employee=employee,
            department=Department.objects.get(code=department),
            position=Position.objects.get(code=position),
        )
        employee.groups.set(Group.objects.filter(name=group))

    def _accounting(self) -> None:
        for order, (code, name, outside, rates) in enumerate(company.TAX_CATEGORIES):
            method = TaxCategory.Method.EXCLUDED if outside else TaxCategory.Method.INCLUDED
            category, new = TaxCategory.objects.get_or_create(
                code=code, defaults={"name": name, "method": method, "sort_order": order}
            )
            if new:
                for rate, valid_from, valid_to in rates:
                    TaxRate.objects.create(
                        category=category, rate=rate, valid_from=valid_from, valid_to=valid_to
                    )
        for code, name in company.ACCOUNT_TITLES:
            Account.objects.get_or_create(code=code, defaults={"name": name})
        for order, (code, name, account, tax) in enumerate(company.BREAKDOWNS):
            Breakdown.objects.get_or_create(
                code=code,
                defaults={
                    "name": name,
                    "account": Account.objects.get(code=account),
                    "tax_category": TaxCategory.objects.get(code=tax),
                    "sort_order": order,
                },
            )
        for code, name, by_company in company.PAYMENT_METHODS:
            payer = PaymentMethod.Payer.COMPANY if by_company else PaymentMethod.Payer.EMPLOYEE
            PaymentMethod.objects.get_or_create(code=code, defaults={"name": name, "payer": payer})
        for address in company.DELIVERY_ADDRESSES:
            DeliveryAddress.objects.get_or_create(code=address["code"], defaults={**address})

    def _flows(self) -> None:
        for kind in Kind:
            if ApprovalFlow.objects.filter(kind=kind, is_active=True).exists():
                continue
            flow = ApprovalFlow.objects.create(kind=kind, name=f"標準（{kind.label}）")
            for number, code in enumerate(company.APPROVING_POSITIONS, start=1):
                position = Position.objects.get(code=code)
                ApprovalPoint.objects.create(
                    flow=flow,
                    position_no=number,
                    name=position.name,
                    approver=ApprovalPoint.Approver.POSITION,
                    position=position,
                )
            for name, whose, by in company.FLOWS_ABOVE:
                self._flow_above(kind, name, whose, **by)

    def _flow_above(
        self, kind: Kind, name: str, whose: str, position: str = "", employee: str = ""
    ) -> None:
        """A flow of one point for the slips of all who hold a 役職."""
        flow = ApprovalFlow.objects.create(
            kind=kind, name=f"{name}（{kind.label}）", is_default=False
        )
        by_position = Position.objects.filter(code=position).first()
        by_person = Employee.objects.filter(code=employee).first()
        approver = (
            ApprovalPoint.Approver.POSITION if by_position else ApprovalPoint.Approver.EMPLOYEE
        )
        ApprovalPoint.objects.create(
            flow=flow,
            position_no=1,
            name=by_position.name if by_position else str(by_person),
            approver=approver,
            position=by_position,
            employee=by_person,
        )
        for person in Employee.objects.filter(affiliations__position__code=whose):
            FlowAssignment.objects.create(employee=person, kind=kind, flow=flow)

    def _connection(self) -> CatalogConnection:
        supplier = os.environ.get("SANDBOX_PUBLIC_URL", "http://localhost:8802").rstrip("/")
        running = {
            "from_identity": os.environ.get("SANDBOX_IDENTITY", "rakuraku-demo"),
            "shared_secret": os.environ.get("SANDBOX_SECRET", ""),
            "punchout_url": f"{supplier}/cxml/setup",
            "order_url": f"{supplier}/cxml/orders",
            "history_url": supplier,
            "history_token_url": f"{supplier}/auth/o2/token",
            "history_client_id": os.environ.get("SANDBOX_LWA_CLIENT_ID", ""),
            "history_client_secret": os.environ.get("SANDBOX_LWA_CLIENT_SECRET", ""),
            "history_refresh_token": os.environ.get("SANDBOX_LWA_REFRESH_TOKEN", ""),
        }
        if token := os.environ.get("SANDBOX_INBOUND_TOKEN"):
            running["inbound_token"] = token
        # By its login too: the name is something people may have changed.
        connection = CatalogConnection.objects.filter(
            Q(name=company.SUPPLIER) | Q(from_identity=running["from_identity"])
        ).first()
        if connection is not None:
            for name, value in running.items():
                setattr(connection, name, value)
            connection.save()
            return connection
        connection = CatalogConnection.objects.create(
            name=company.SUPPLIER,
            supplier_name=company.SUPPLIER,
            to_identity="Amazon",
            mode=CatalogConnection.Mode.TEST,
            payment_method=PaymentMethod.objects.get(code=company.CATALOG_PAYMENT_METHOD),
            lookup_url=f"{supplier}/_control/",
            shipping_breakdown=Breakdown.objects.get(code=company.SHIPPING_BREAKDOWN),
            **running,
        )
        for rate, code in company.CATALOG_RATES:
            CatalogRate.objects.create(
                connection=connection, rate=rate, breakdown=Breakdown.objects.get(code=code)
            )
        return connection
