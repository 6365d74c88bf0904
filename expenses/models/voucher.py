"""伝票: one table for every kind of slip."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from expenses.transitions import EDITABLE, Status, status_changes
from masters.history import tracked
from masters.models import DeliveryAddress


class Kind(models.TextChoices):
    """伝票種別. A new kind is a value here, a number prefix and its page."""

    REQUEST = "request", "経費申請"
    SETTLEMENT = "settlement", "経費精算"


_TONES: dict[str, str] = {
    Status.DRAFT: "draft",
    Status.SUBMITTED: "progress",
    Status.RETURNED: "returned",
    Status.APPROVED: "good",
    Status.DENIED: "wrong",
}


HEADER = ["title", "note", "department", "delivery_address", "delivery_copy", "request", "total"]
"""What is fixed once the slip has left the applicant's side."""


# Interpolates only the statuses of the table.
_MUST_BE_OPEN = f"""
    IF OLD.status NOT IN ({", ".join(f"'{status.value}'" for status in sorted(EDITABLE))}) THEN
        RAISE EXCEPTION 'the header of a slip in status % is fixed', OLD.status
              USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""


class VoucherQuerySet(models.QuerySet):
    """What a person may see, and what waits for them. Pages start here and never filter by hand."""

    def visible_to(self, user):
        """Slips the person may open; everybody else gets 404 (DOMAIN §3, who sees a slip)."""
        from masters.models import Department, Deputy

        from .approval import ApprovalCandidate

        slips = self.exclude(status=Status.DELETED)
        if user.has_perm("expenses.view_all_vouchers"):
            return slips
        principals = Deputy.objects.on(timezone.localdate()).filter(deputy=user).values("principal")
        took_part = ApprovalCandidate.objects.filter(
            Q(employee=user) | Q(employee__in=principals), step__voucher=OuterRef("pk")
        )
        seen = Q(applicant=user) | Q(entered_by=user) | Q(applicant__in=principals)
        seen |= Q(Exists(took_part))
        if user.has_perm("expenses.view_department_vouchers"):
            seen |= Q(department__in=Department.objects.below(user.departments.all()))
        return slips.filter(seen)

    def written_by(self, user):
        """Slips in which the person is the applicant or typed them in."""
        return self.visible_to(user).filter(Q(applicant=user) | Q(entered_by=user))

    def waiting_for(self, user, on):
        """Slips whose current point the person may decide on the day ``on``, own slips left out."""
        from masters.models import Company, Deputy

        from .approval import ApprovalCandidate, ApprovalStep

        principals = (
            Deputy.objects.on(on)
            .filter(deputy=user, power=Deputy.Power.APPROVAL)
            .values("principal")
        )
        mine = ApprovalCandidate.objects.filter(
            Q(employee=user) | Q(employee__in=principals),
            step__voucher=OuterRef("pk"),
            step__state=ApprovalStep.State.CURRENT,
        )
        slips = self.filter(Exists(mine), status=Status.SUBMITTED)
        if Company.current().allow_self_approval:
            return slips
        return slips.exclude(Q(applicant=user) | Q(entered_by=user) | Q(writers=user))


@tracked
class Voucher(models.Model):
    """伝票: header of a slip. ``kind``, ``number`` and ``applicant`` never change."""

    kind = models.CharField("種別", max_length=12, choices=Kind)
    number = models.CharField("伝票No.", max_length=20, unique=True)
    status = models.CharField("状態", max_length=10, choices=Status, default=Status.DRAFT)
    applicant = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="vouchers", verbose_name="申請者"
    )
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="entered_vouchers",
        verbose_name="起票者",
    )
    writers = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="+",
        verbose_name="書いた人",
        help_text="入力・買い物・申請をした人。自己承認にならないよう、承認者から外します。",
    )
    department = models.ForeignKey(
        "masters.Department", models.PROTECT, related_name="vouchers", verbose_name="申請部門"
    )
    department_name = models.CharField("申請部門名", max_length=40)
    title = models.CharField("件名", max_length=60)
    note = models.CharField("備考", max_length=500, blank=True)
    delivery_address = models.ForeignKey(
        "masters.DeliveryAddress", models.PROTECT, null=True, blank=True, verbose_name="配送先"
    )
    delivery_copy = models.JSONField(
        "配送先（申請時）", null=True, blank=True, help_text="申請したときの配送先"
    )
    request = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="settlements",
        verbose_name="申請No.",
    )
    total = models.BigIntegerField("合計金額", default=0, help_text="税込、円")
    has_difference = models.BooleanField("差異あり", default=False)
    round = models.PositiveSmallIntegerField("申請回数", default=0)
    version = models.PositiveIntegerField("版", default=1)
    created_at = models.DateTimeField("起票日時", auto_now_add=True)
    submitted_at = models.DateTimeField("申請日時", null=True, blank=True)
    approved_at = models.DateTimeField("最終承認日時", null=True, blank=True)

    objects = VoucherQuerySet.as_manager()

    class Meta:
        verbose_name = "伝票"
        verbose_name_plural = "伝票"
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["applicant", "-created_at"], name="voucher_by_applicant"),
            models.Index(fields=["status", "-created_at"], name="voucher_by_status"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="voucher_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(kind="settlement") | Q(request__isnull=True),
                name="voucher_only_settlements_have_a_request",
            ),
            models.CheckConstraint(
                condition=Q(status="approved", approved_at__isnull=False) | ~Q(status="approved"),
                name="voucher_approved_has_its_time",
            ),
        ]
        permissions = [
            ("view_department_vouchers", "閲覧（自部門）"),
            ("view_all_vouchers", "閲覧（全社）"),
            ("amend_waiting_voucher", "承認時修正"),
            ("amend_approved_voucher", "承認後修正"),
            ("deny_voucher", "否認処理"),
        ]
        triggers = [
            pgtrigger.FSM(
                name="voucher_status_moves_by_the_table",
                field="status",
                transitions=status_changes(),
            ),
            pgtrigger.ReadOnly(
                name="voucher_identity_is_fixed", fields=["kind", "number", "applicant"]
            ),
            pgtrigger.Trigger(
                name="voucher_header_changes_only_while_open",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                condition=pgtrigger.AnyChange(*HEADER),
                func=_MUST_BE_OPEN,
            ),
            pgtrigger.Protect(
                name="voucher_starts_as_a_draft",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__status="draft"),
            ),
            pgtrigger.Protect(name="voucher_is_never_erased", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    def own_people(self) -> set[int]:
        """Primary keys of everyone whose own slip this is: applicant, and whoever wrote in it."""
        writers = self.writers.values_list("pk", flat=True)
        return {self.applicant_id, self.entered_by_id, *writers}

    @property
    def delivery(self) -> DeliveryAddress | None:
        """Where the goods go: as it was at 申請, else the chosen 配送先 as it is now."""
        if self.delivery_copy and self.status not in EDITABLE:
            return DeliveryAddress(**self.delivery_copy)
        return self.delivery_address

    @property
    def tone(self) -> str:
        """What the status means to the reader, as the stylesheet's badges name it."""
        return _TONES.get(self.status, "plain")

    @property
    def return_comment(self) -> str:
        """What the approver said when sending the slip back."""
        step = self.steps.filter(round=self.round, state="returned").first()
        return f"{step.decided_by}: {step.comment}" if step else ""

    @property
    def is_request(self) -> bool:
        """Whether this is a 経費申請."""
        return self.kind == Kind.REQUEST


class _KindManager(models.Manager.from_queryset(VoucherQuerySet)):  # type: ignore[misc]
    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self._kind = kind

    def get_queryset(self):
        return super().get_queryset().filter(kind=self._kind)


class ExpenseRequest(Voucher):
    """経費申請."""

    objects = _KindManager(Kind.REQUEST)

    class Meta:
        proxy = True
        verbose_name = "経費申請"
        verbose_name_plural = "経費申請"


class ExpenseSettlement(Voucher):
    """経費精算."""

    objects = _KindManager(Kind.SETTLEMENT)

    class Meta:
        proxy = True
        verbose_name = "経費精算"
        verbose_name_plural = "経費精算"
