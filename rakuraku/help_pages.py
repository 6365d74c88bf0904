"""「ヘルプ」: the manual of docs/manual, the same text as in the repository."""

from functools import cache
from pathlib import Path

import markdown
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_GET
from markdown.extensions.toc import TocExtension, slugify_unicode

PAGES = {
    "index": "マニュアル",
    "operations": "運用手順",
    "questions": "よくある質問",
}


@login_required
@require_GET
def page(request: HttpRequest, name: str) -> HttpResponse:
    """One page of the manual; links between pages work as they do in the repository."""
    if name not in PAGES:
        raise Http404
    context = {"title": PAGES[name], "text": _rendered(name), "pages": PAGES, "name": name}
    return render(request, "help.html", context)


@cache
def _rendered(name: str) -> SafeString:
    path = Path(settings.BASE_DIR) / "docs" / "manual" / f"{name}.md"
    # The page has a heading of its own.
    text = path.read_text().partition("\n")[2]
    # Headings get the anchors that the repository's pages give them.
    html = markdown.markdown(
        text, extensions=["tables", "sane_lists", TocExtension(slugify=slugify_unicode)]
    )
    # Our own text, shipped with the program: nothing a person typed.
    return mark_safe(html)  # noqa: S308
