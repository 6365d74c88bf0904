"""The field history of a row, as people read it: who changed what, when, from what to what."""

import datetime
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.admin.utils import display_for_field
from django.db.models import ForeignKey, Model

from masters.models import Employee

NEWEST = 200
"""Changes shown; the rest is in the history tables."""


@dataclass(frozen=True)
class FieldChange:
    """One field, before and after."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """One change of one row."""

    at: datetime.datetime
    who: str
    what: str
    fields: list[FieldChange]


def changes_of(row: Model, belonging: Sequence[ForeignKey] = ()) -> list[Change]:
    """The newest changes of ``row`` and of the rows that belong to it by a foreign key."""
    snapshots = list(_history_model(type(row)).objects.filter(pgh_obj_id=row.pk).order_by("pgh_id"))
    sets = [(type(row), snapshots)]
    for key in belonging:
        history = _history_model(key.model)
        found = history.objects.filter(**{f"{key.name}_id": row.pk}).order_by("pgh_id")
        sets.append((key.model, list(found)))
    people = _people(snapshot for _, snapshots in sets for snapshot in snapshots)
    changes = [change for model, snapshots in sets for change in _changes(model, snapshots, people)]
    # Newest first, also among changes of one transaction, which share their instant.
    changes.reverse()
    return sorted(changes, key=lambda change: change.at, reverse=True)[:NEWEST]


def _history_model(model: type[Model]) -> type[Model]:
    return model._meta.get_field("history_rows").related_model


def _people(snapshots) -> dict[int, Employee]:
    ids = {_user_id(snapshot) for snapshot in snapshots}
    return Employee.objects.in_bulk([pk for pk in ids if pk is not None])


def _user_id(snapshot) -> int | None:
    return snapshot.pgh_context.metadata.get("user") if snapshot.pgh_context else None


def _changes(model: type[Model], snapshots: list, people: dict[int, Employee]) -> list[Change]:
    """Each snapshot is the row before the change; what followed is the next one or the row now."""
    by_row = defaultdict(list)
    for snapshot in snapshots:
        by_row[snapshot.pgh_obj_id].append(snapshot)
    now = model._base_manager.in_bulk(list(by_row))
    fields = [
        field
        for field in _history_model(model)._meta.concrete_fields
        if not field.name.startswith("pgh_") and not field.primary_key and field.name != "id"
    ]
    found = []
    for pk, versions in by_row.items():
        for before, after in zip(versions, [*versions[1:], now.get(pk)], strict=True):
            who = people.get(_user_id(before) or 0)
            deleted = before.pgh_label == "delete"
            found.append(
                Change(
                    at=before.pgh_created_at,
                    who=str(who) if who else "システム",
                    what=f"{model._meta.verbose_name}を{'削除' if deleted else '変更'}",
                    fields=_differences(fields, before, None if deleted else after),
                )
            )
    return found


def _differences(fields, before, after) -> list[FieldChange]:
    return [
        FieldChange(str(field.verbose_name), _shown(field, before), _shown(field, after))
        for field in fields
        if after is None or getattr(before, field.attname) != getattr(after, field.attname)
    ]


def _shown(field, row) -> str:
    if row is None:
        return ""
    value = getattr(row, field.attname)
    if value is not None and isinstance(field, ForeignKey):
        return str(field.related_model._base_manager.filter(pk=value).first() or value)
    return str(display_for_field(value, field, "（空）"))
