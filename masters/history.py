"""Field history of a model: every update and delete, kept by database triggers.

The row itself is its insert, so inserts are not tracked (they would open a subtransaction per row).
Triggers also see ``QuerySet.update()`` and plain SQL; the history tables refuse UPDATE and DELETE.
"""

from collections.abc import Callable
from typing import TypeVar

import pghistory
from django.db import models

M = TypeVar("M", bound=models.Model)


def tracked(model: type[M]) -> type[M]:
    """Keep the history of ``model`` in ``<Model>History``."""
    return _track(model, exclude=None)


def tracked_without(*exclude: str) -> Callable[[type[M]], type[M]]:
    """Like :func:`tracked`, leaving out columns that must not be kept twice (secrets)."""

    def decorate(model: type[M]) -> type[M]:
        return _track(model, exclude=list(exclude))

    return decorate


def _track(model: type[M], exclude: list[str] | None) -> type[M]:
    return pghistory.track(
        pghistory.UpdateEvent(row=pghistory.Old),
        pghistory.DeleteEvent(),
        model_name=f"{model.__name__}History",
        obj_field=pghistory.ObjForeignKey(related_name="history_rows"),
        exclude=exclude,
        append_only=True,
        meta={"verbose_name": f"{model._meta.verbose_name}の変更履歴"},
    )(model)
