"""When recurring work last ran: what is silent for long is dead."""

import datetime

from django.db import models
from django.utils import timezone

SWEEP = "release_orders"
SWEEP_OVERDUE_AFTER = datetime.timedelta(minutes=5)


class JobRun(models.Model):
    """The last run of one recurring job."""

    job = models.CharField("処理", max_length=40, unique=True)
    ran_at = models.DateTimeField("最終実行")
    result = models.JSONField("結果", default=dict)

    class Meta:
        verbose_name = "定期処理"
        verbose_name_plural = "定期処理"

    def __str__(self) -> str:
        return self.job

    @classmethod
    def record(cls, job: str, result: dict[str, int]) -> None:
        """Note that ``job`` just ran."""
        cls.objects.update_or_create(job=job, defaults={"ran_at": timezone.now(), "result": result})

    @classmethod
    def last_sweep(cls) -> datetime.datetime | None:
        """When due orders were last looked for; None if never."""
        return cls.objects.filter(job=SWEEP).values_list("ran_at", flat=True).first()


def sweep_is_overdue(last: datetime.datetime | None, now: datetime.datetime | None = None) -> bool:
    """Whether orders may be waiting because nothing looks for them any more."""
    return last is None or (now or timezone.now()) - last > SWEEP_OVERDUE_AFTER
