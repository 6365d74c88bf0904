"""会社: settings that hold for everybody."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from masters.history import tracked


@tracked
class Company(models.Model):
    """The one company this installation serves; a single row."""

    name = models.CharField("会社名", max_length=60)
    fiscal_year_start = models.PositiveSmallIntegerField(
        "期首月", default=4, validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    allow_self_approval = models.BooleanField(
        "自己承認を認める",
        default=False,
        help_text="認めないと、申請者本人しか承認者がいない承認ポイントは申請時にエラーになります。",
    )

    catalog_contracted = models.BooleanField(
        "カタログ連携オプションの契約",
        default=True,
        help_text="契約がないと、「カタログ連携」のボタンと、配送先マスタ・カタログ連携設定のメニューは"
        "表示されません。発注済みの注文の確認・出荷・購入データは受け取り続けます。",
    )

    class Meta:
        verbose_name = "会社設定"
        verbose_name_plural = "会社設定"
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="company_is_one_row")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def current(cls) -> "Company":
        """The settings; defaults when none were saved yet."""
        return cls.objects.filter(pk=1).first() or cls(pk=1, name="")
