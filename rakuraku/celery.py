"""The Celery application. It only wakes verbs up; nothing is kept in it."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rakuraku.settings")

app = Celery("rakuraku")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
