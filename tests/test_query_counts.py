"""Pages ask the database the same number of questions however many rows they show."""

import pytest
from cxml_documents import Line
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from shopping import bring_back, connect, go_shopping
from world import World

from expenses import lifecycle
from punchout import carts

pytestmark = pytest.mark.django_db

BASELINE = {"list": 11, "inbox": 10, "browse": 11, "detail": 18, "edit": 22, "edit catalogue": 25}
"""Never more than this; a page that needs more says why here."""


def count(client, path) -> int:
    client.get(path)
    with CaptureQueriesContext(database) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


@pytest.fixture
def world():
    world = World()
    connect(world)
    return world


def client_of(world, name="applicant") -> Client:
    client = Client()
    client.force_login(world.people[name])
    return client


@pytest.mark.parametrize(("name", "path"), [("list", "/"), ("browse", "/browse/")])
def test_lists_are_constant_in_slips(world, name, path):
    client = client_of(world)
    world.draft()
    one = count(client, path)
    for _ in range(12):
        world.draft()
    assert count(client, path) == one <= BASELINE[name]


def test_the_inbox_is_constant_in_slips(world):
    client = client_of(world, "manager")
    lifecycle.submit(world.draft(), by=world.people["applicant"])
    one = count(client, "/inbox/")
    for _ in range(6):
        lifecycle.submit(world.draft(), by=world.people["applicant"])
    assert count(client, "/inbox/") == one <= BASELINE["inbox"]


@pytest.mark.parametrize("page", ["detail", "edit"])
def test_slips_are_constant_in_lines(world, page):
    client = client_of(world)
    suffix = "edit/" if page == "edit" else ""
    short = world.draft()
    long = world.draft(*[world.line(department=world.division) for _ in range(30)])
    one = count(client, f"/vouchers/{short.number}/{suffix}")
    assert count(client, f"/vouchers/{long.number}/{suffix}") == one <= BASELINE[page]


def test_editing_catalogue_lines_is_constant_in_lines(world):
    client, counts = client_of(world), []
    from punchout.models import CatalogConnection

    for lines in (1, 30):
        session = go_shopping(world, CatalogConnection.objects.get(), world.draft())
        bring_back(session, *[Line(auxiliary_id=f"1,{number}") for number in range(lines)])
        carts.apply(session, by=world.people["applicant"])
        counts.append(count(client, f"/vouchers/{session.voucher.number}/edit/"))
    assert counts[0] == counts[1] <= BASELINE["edit catalogue"]
