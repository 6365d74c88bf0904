"""The transition table against the product: every status × action × role."""

import itertools

import pytest
from django.db import IntegrityError, InternalError, transaction
from django.db.utils import DatabaseError
from django.urls import reverse
from world import World

from expenses.models import Voucher, VoucherEvent, VoucherLine
from expenses.transitions import RULES, Action, Role, Status, allowed, status_changes

pytestmark = pytest.mark.django_db

ROLES = {
    "applicant": {Role.APPLICANT},
    "full_deputy": {Role.FULL_DEPUTY},
    "entry_deputy": {Role.ENTRY_DEPUTY},
    "manager": {Role.CANDIDATE},
    "manager_deputy": {Role.CANDIDATE},
    "director": set(),
    "denier": {Role.DENIES},
    "reader": set(),
    "colleague": set(),
}
"""Who each person is towards a slip that waits at the 課長's point."""

NEVER_INVOLVED = {"colleague"}
POSTED = [
    Action.SUBMIT,
    Action.WITHDRAW,
    Action.DELETE,
    Action.APPROVE,
    Action.RETURN,
    Action.DENY,
    Action.EXCLUDE,
]


@pytest.fixture
def world():
    return World()


def expected_code(status: Status, action: Action, name: str, *, was_submitted: bool) -> int:
    """The HTTP answer that DESIGN §7 asks for."""
    sees = name not in NEVER_INVOLVED
    if name in ("manager", "manager_deputy", "director"):
        sees = was_submitted
    if status == Status.DELETED or not sees:
        return 404
    if status not in RULES[action].sources:
        return 409
    roles = frozenset(ROLES[name])
    return 302 if allowed(action, status, roles) else 403


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("action", POSTED)
def test_an_action_is_possible_exactly_where_the_table_says(world, client, status, action):
    for name in ROLES:
        with transaction.atomic():
            voucher = world.slip_in(status)
            client.force_login(world.people[name])
            response = client.post(
                reverse("expenses:act", args=[voucher.number, action.value]), {"comment": "理由"}
            )
            expected = expected_code(status, action, name, was_submitted=voucher.round > 0)
            assert response.status_code == expected, name
            after = Voucher.objects.get(pk=voucher.pk)
            if expected == 302:
                target = RULES[action].target
                assert after.status == (target or status)
            else:
                assert after.status == status
                assert after.version == voucher.version
            transaction.set_rollback(True)


@pytest.mark.parametrize(("source", "target"), list(itertools.permutations(Status, 2)))
def test_the_database_itself_refuses_moves_outside_the_table(world, source, target):
    voucher = world.slip_in(source)
    slips = Voucher.objects.filter(pk=voucher.pk)
    values = {"status": target}
    if target == Status.APPROVED:
        values["approved_at"] = voucher.created_at
    if (source.value, target.value) in status_changes():
        assert slips.update(**values) == 1
    else:
        with pytest.raises(DatabaseError), transaction.atomic():
            slips.update(**values)


@pytest.mark.parametrize("status", [status for status in Status if status != Status.DRAFT])
def test_a_slip_starts_as_a_draft_whatever_is_inserted(world, status):
    draft = world.draft()
    draft.pk, draft.number, draft.status, draft.approved_at = None, "X-1", status, draft.created_at
    with pytest.raises(InternalError), transaction.atomic():
        draft.save(force_insert=True)


@pytest.mark.parametrize(
    "change", [{"kind": "settlement"}, {"number": "SH-999999"}, {"applicant": "colleague"}]
)
def test_kind_number_and_applicant_never_change(world, change):
    voucher = world.draft()
    if "applicant" in change:
        change = {"applicant": world.people[change["applicant"]]}
    with pytest.raises(InternalError), transaction.atomic():
        Voucher.objects.filter(pk=voucher.pk).update(**change)


def test_a_slip_is_never_erased(world):
    voucher = world.draft()
    with pytest.raises(DatabaseError), transaction.atomic():
        Voucher.objects.filter(pk=voucher.pk)._raw_delete("default")


def test_events_cannot_be_changed_or_erased(world):
    world.draft()
    with pytest.raises(InternalError), transaction.atomic():
        VoucherEvent.objects.update(label="別のこと")
    with pytest.raises(InternalError), transaction.atomic():
        VoucherEvent.objects.all()._raw_delete("default")


@pytest.mark.parametrize("status", [Status.SUBMITTED, Status.APPROVED, Status.DENIED])
def test_amounts_of_a_submitted_slip_are_fixed_in_the_database(world, status):
    voucher = world.slip_in(status)
    lines = VoucherLine.objects.filter(voucher=voucher)
    with pytest.raises(IntegrityError), transaction.atomic():
        lines.update(amount=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        lines._raw_delete("default")
    assert lines.update(note="備考は修正できる") == 1


def test_whoever_wrote_in_a_slip_does_not_approve_it(world):
    from expenses import drafts, lifecycle
    from masters.models import Deputy

    manager, applicant = world.people["manager"], world.people["applicant"]
    Deputy.objects.create(principal=applicant, deputy=manager, power=Deputy.Power.FULL)
    voucher = world.draft()
    line = world.line(pk=voucher.lines.get().pk, amount=5_000_000)
    voucher = drafts.save(
        voucher, by=manager, version=voucher.version, header=world.header(), lines=[line]
    )
    with pytest.raises(Exception, match="課長"):
        lifecycle.submit(voucher, by=applicant)
