"""People: 社員, 部門, 役職, 所属 and 代理."""

import datetime

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from masters.history import tracked, tracked_without

from .base import Master, MasterQuerySet, half_width_code

MAX_DEPARTMENT_DEPTH = 10


class DepartmentQuerySet(MasterQuerySet):
    """Reads of 部門."""

    def below(self, roots):
        """``roots`` and every department under them, ten levels deep at most."""
        found = set(roots.values_list("pk", flat=True))
        level = found
        for _ in range(MAX_DEPARTMENT_DEPTH):
            level = set(self.filter(parent__in=level).values_list("pk", flat=True)) - found
            if not level:
                break
            found |= level
        return self.filter(pk__in=found)


@tracked
class Department(Master):
    """部門: a tree of at most ten levels."""

    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name="上位部門",
    )

    objects = DepartmentQuerySet.as_manager()

    class Meta(Master.Meta):
        verbose_name = "部門"
        verbose_name_plural = "部門マスタ"

    def chain(self) -> list["Department"]:
        """This department and those above it, nearest first; bounded even if data hold a cycle."""
        found: list[Department] = []
        node: Department | None = self
        while node is not None and node not in found and len(found) < MAX_DEPARTMENT_DEPTH:
            found.append(node)
            node = node.parent
        return found

    def clean(self) -> None:
        if self.parent is None:
            return
        above = self.parent.chain()
        if self.pk and self in above:
            raise ValidationError({"parent": "自分自身またはその下位の部門は上位にできません。"})
        if len(above) >= MAX_DEPARTMENT_DEPTH:
            raise ValidationError({"parent": f"部門は {MAX_DEPARTMENT_DEPTH} 階層までです。"})


@tracked
class Position(Master):
    """役職."""

    class Meta(Master.Meta):
        verbose_name = "役職"
        verbose_name_plural = "役職マスタ"


class EmployeeQuerySet(MasterQuerySet):
    """Reads of 社員."""

    def with_right(self, codename: str):
        """Active people who hold a right by themselves or by a group (権限マスタ)."""
        held = Q(groups__permissions__codename=codename)
        held |= Q(user_permissions__codename=codename)
        return self.active().filter(held).distinct()

    def holding(self, position: Position, department: Department):
        """Active people who hold the 役職 in the department."""
        return self.active().filter(
            affiliations__position=position, affiliations__department=department
        )


class EmployeeManager(BaseUserManager.from_queryset(EmployeeQuerySet)):  # type: ignore[misc]
    """Creates employees; 社員コード is the natural key."""

    def create_user(self, code: str, name: str, password: str | None = None, **fields):
        """A new employee; without a password the person cannot log in."""
        employee = self.model(code=code, name=name, **fields)
        employee.set_password(password)
        employee.full_clean()
        employee.save(using=self._db)
        return employee

    def create_superuser(self, code: str, name: str, password: str | None = None, **fields):
        """An administrator, for ``manage.py createsuperuser``."""
        return self.create_user(code, name, password, is_staff=True, is_superuser=True, **fields)


# The password hash and the login time would fill the history with what nobody may read or needs.
@tracked_without("password", "last_login")
class Employee(AbstractBaseUser, PermissionsMixin):
    """社員, the user of the product. Changed in 社員マスタ only."""

    class Employment(models.TextChoices):
        ACTIVE = "active", "在職"
        ON_LEAVE = "on_leave", "休職"
        RETIRED = "retired", "退職"

    code = models.CharField("社員コード", max_length=20, unique=True, validators=[half_width_code])
    name = models.CharField("氏名", max_length=40)
    kana = models.CharField("フリガナ", max_length=60, blank=True)
    email = models.EmailField(
        "E-MAIL",
        blank=True,
        help_text="カタログ連携では、この E-MAIL で Amazon ビジネスのアカウントと照合します。",
    )
    employment = models.CharField(
        "在職区分", max_length=10, choices=Employment, default=Employment.ACTIVE
    )
    is_active = models.BooleanField("ログイン可", default=True)
    is_staff = models.BooleanField("管理画面に入れる", default=False)
    date_joined = models.DateTimeField("登録日時", auto_now_add=True)
    departments = models.ManyToManyField(
        Department, through="Affiliation", related_name="employees", verbose_name="所属"
    )

    objects = EmployeeManager()

    USERNAME_FIELD = "code"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name = "社員"
        verbose_name_plural = "社員マスタ"
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(email=Lower("email")), name="employee_email_is_lower_case"
            ),
            models.UniqueConstraint(
                fields=["email"],
                condition=~Q(email=""),
                name="employee_email_unique_when_present",
                violation_error_message="この E-MAIL は別の社員が使っています。",
            ),
            models.CheckConstraint(
                condition=~Q(employment="retired") | Q(is_active=False),
                name="employee_retired_cannot_log_in",
                violation_error_message="退職者は「ログイン可」を外してください。",
            ),
        ]
        permissions = [
            ("approve_voucher", "承認"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.email = (self.email or "").strip().lower()

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name


@tracked
class Affiliation(models.Model):
    """所属1〜3: the department a person belongs to and the 役職 held there."""

    employee = models.ForeignKey(
        Employee, models.CASCADE, related_name="affiliations", verbose_name="社員"
    )
    slot = models.PositiveSmallIntegerField(
        "所属", choices=[(1, "所属1"), (2, "所属2"), (3, "所属3")], default=1
    )
    department = models.ForeignKey(
        Department, models.PROTECT, related_name="affiliations", verbose_name="部門"
    )
    position = models.ForeignKey(
        Position, models.PROTECT, null=True, blank=True, verbose_name="役職"
    )

    class Meta:
        verbose_name = "所属"
        verbose_name_plural = "所属"
        ordering = ["employee", "slot"]
        constraints = [
            models.UniqueConstraint(
                fields=["employee", "slot"],
                name="affiliation_slot_once",
                violation_error_message="同じ番号の所属が重複しています。",
            ),
            models.CheckConstraint(
                condition=Q(slot__gte=1, slot__lte=3), name="affiliation_slot_1_to_3"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.department} {self.position or ''}".strip()


class DeputyQuerySet(models.QuerySet):
    """Reads of 代理."""

    def on(self, day: datetime.date):
        """Those in force on ``day``."""
        return self.filter(
            Q(valid_from__isnull=True) | Q(valid_from__lte=day),
            Q(valid_to__isnull=True) | Q(valid_to__gte=day),
        )


@tracked
class Deputy(models.Model):
    """代理: somebody who acts for an employee, for applying, typing in, or approving."""

    class Power(models.TextChoices):
        FULL = "full", "代理申請（すべて）"
        ENTRY = "entry", "代理入力のみ"
        APPROVAL = "approval", "代理承認"

    principal = models.ForeignKey(
        Employee, models.CASCADE, related_name="deputies", verbose_name="本人"
    )
    deputy = models.ForeignKey(
        Employee, models.CASCADE, related_name="deputy_for", verbose_name="代理人"
    )
    power = models.CharField("権限", max_length=10, choices=Power)
    valid_from = models.DateField("開始日", null=True, blank=True)
    valid_to = models.DateField("終了日", null=True, blank=True)

    objects = DeputyQuerySet.as_manager()

    class Meta:
        verbose_name = "代理"
        verbose_name_plural = "代理"
        constraints = [
            models.CheckConstraint(
                condition=~Q(principal=F("deputy")),
                name="deputy_is_someone_else",
                violation_error_message="本人を代理人にはできません。",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True)
                | Q(valid_from__isnull=True)
                | Q(valid_to__gte=F("valid_from")),
                name="deputy_period_in_order",
                violation_error_message="終了日は開始日以降にしてください。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.principal} → {self.deputy}"
