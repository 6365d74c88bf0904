"""「ヘルプ」 inside the product, and the contract that hides the option's menus."""

import re
from pathlib import Path

import pytest
from admin_access import administrator
from django.test import Client
from shopping import connect
from world import World

from masters.models import Company
from rakuraku.help_pages import PAGES

pytestmark = pytest.mark.django_db

MANUAL = Path(__file__).resolve().parent.parent / "docs" / "manual"


@pytest.fixture
def browser():
    client = Client()
    client.force_login(administrator())
    return client


@pytest.mark.parametrize("name", PAGES)
def test_every_page_of_the_manual_opens_and_its_links_lead_somewhere(browser, name):
    response = browser.get(f"/help/{name}.md")
    assert response.status_code == 200
    for target in re.findall(r'href="([a-z-]+\.md)"', response.content.decode()):
        assert browser.get(f"/help/{target}").status_code == 200


def test_every_file_of_the_manual_is_a_page():
    assert {path.stem for path in MANUAL.glob("*.md")} == set(PAGES)


def test_every_page_leads_to_the_help(browser):
    page = browser.get("/").content.decode()
    assert 'href="/help/"' in page and "ヘルプ" in page


def test_strangers_and_odd_names_see_nothing(browser):
    assert Client().get("/help/").status_code == 302
    assert browser.get("/help/secrets.md").status_code == 404
    assert browser.get("/help/..%2Findex.md").status_code == 404


OPTION = ["/admin/punchout/catalogconnection/", "/admin/masters/deliveryaddress/"]


def test_without_the_contract_the_options_menus_are_gone_and_the_help_says_why(browser):
    connect(World())
    index = browser.get("/admin/").content.decode()
    assert all(path in index for path in OPTION)
    Company.objects.create(pk=1, name="株式会社あおば", catalog_contracted=False)
    index = browser.get("/admin/").content.decode()
    for path in OPTION:
        assert path not in index
        assert browser.get(path).status_code == 403
    answer = browser.get("/help/questions.md").content.decode()
    assert "設定に必要なメニューが表示されない" in answer
    assert "カタログ連携オプションの契約" in answer
