"""The Celery application. It only wakes verbs up; nothing is kept in it."""

import os
from typing import Any

from celery import Celery
from celery.signals import task_prerun, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rakuraku.settings")

app = Celery("rakuraku")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Celery would open a database connection anew for every task: half of an order's way to the
# supplier. Kept ones are checked before use, as at the start of a request.
app.conf.update(CELERY_DB_REUSE_MAX=1_000)
app.autodiscover_tasks()


@task_prerun.connect
def _check_connections(**_kwargs: Any) -> None:
    from django.db import close_old_connections

    close_old_connections()


@worker_ready.connect
def _look_for_orders(**_kwargs: Any) -> None:
    """Beat's first sweep comes a minute later; what waited while nothing ran need not."""
    app.send_task("punchout.tasks.sweep_orders")
