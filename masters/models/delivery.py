"""配送先: where ordered goods go."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from masters.history import tracked

from .base import Master, MasterQuerySet


class DeliveryAddressQuerySet(MasterQuerySet):
    """Reads of 配送先."""

    def usable_by(self, employee):
        """Active addresses open to everybody or to one of the employee's departments."""
        return (
            self.active()
            .filter(Q(departments__isnull=True) | Q(departments__affiliations__employee=employee))
            .distinct()
        )


COPIED = (
    "code",
    "name",
    "postal_code",
    "prefecture",
    "city",
    "street",
    "building",
    "company",
    "attention",
    "phone",
    "email",
    "amazon_address_id",
)


@tracked
class DeliveryAddress(Master):
    """配送先. What is sent to the supplier overrides what was chosen in its shop."""

    postal_code = models.CharField(
        "郵便番号",
        max_length=8,
        validators=[RegexValidator(r"^\d{3}-\d{4}$", "「100-0005」の形で入力してください。")],
    )
    prefecture = models.CharField("都道府県", max_length=4)
    city = models.CharField("市区町村", max_length=60)
    street = models.CharField("番地", max_length=60)
    building = models.CharField("建物", max_length=60, blank=True)
    company = models.CharField("会社名", max_length=60)
    attention = models.CharField("部署・宛名", max_length=60, blank=True)
    phone = models.CharField(
        "電話番号",
        max_length=15,
        validators=[
            RegexValidator(
                r"^0\d{1,4}-\d{1,4}-\d{3,4}$", "「03-1234-5678」の形で入力してください。"
            )
        ],
    )
    email = models.EmailField("E-MAIL", blank=True)
    amazon_address_id = models.CharField("Amazon 住所ID", max_length=60, blank=True)
    is_default = models.BooleanField("既定の配送先", default=False)
    departments = models.ManyToManyField(
        "masters.Department",
        blank=True,
        verbose_name="使用できる部門",
        help_text="選ばなければ全部門で使えます。",
    )

    objects = DeliveryAddressQuerySet.as_manager()

    class Meta(Master.Meta):
        verbose_name = "配送先"
        verbose_name_plural = "配送先マスタ"
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="one_default_delivery_address",
                violation_error_message="既定の配送先はひとつだけです。",
            )
        ]

    def copy(self) -> dict[str, str]:
        """The address as data, for slips to keep: later changes here do not touch them."""
        return {name: getattr(self, name) for name in COPIED}

    def one_line(self) -> str:
        """The address as one line of text, as people write it."""
        parts = [self.prefecture + self.city + self.street, self.building]
        return f"〒{self.postal_code} " + " ".join(part for part in parts if part)
