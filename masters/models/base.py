"""What every coded master has in common."""

from django.core.validators import RegexValidator
from django.db import models

half_width_code = RegexValidator(
    r"^[0-9A-Za-z_-]+$", "半角の英数字、ハイフン、アンダースコアで入力してください。"
)


class MasterQuerySet(models.QuerySet):
    """Reads that every master shares."""

    def active(self):
        """Rows that new slips may use."""
        return self.filter(is_active=True)


class Master(models.Model):
    """A row with a code and a name, deactivated instead of deleted once slips use it."""

    code = models.CharField("コード", max_length=15, unique=True, validators=[half_width_code])
    name = models.CharField("名称", max_length=40)
    sort_order = models.PositiveIntegerField("表示順", default=100)
    is_active = models.BooleanField(
        "有効",
        default=True,
        help_text="外すと新しい伝票では選べなくなります。過去の伝票は変わりません。",
    )

    objects = MasterQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["sort_order", "code"]

    def __str__(self) -> str:
        return self.name
