"""A browser without a screen: pages, forms and buttons over real HTTP, for the demo's main job."""

from dataclasses import dataclass
from urllib.parse import urljoin

import requests
from lxml import html

DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"  # noqa: E501
SECONDS = 30


class PageError(Exception):
    """A page was not what the person needed to go on."""


@dataclass
class Page:
    """What the browser shows."""

    url: str
    status: int
    tree: html.HtmlElement

    @property
    def text(self) -> str:
        """Everything readable on the page, in one line."""
        return " ".join("".join(map(str, self.tree.itertext())).split())

    def has(self, text: str) -> bool:
        """Whether the text can be read on the page."""
        return text in self.text

    def first(self, xpath: str) -> html.HtmlElement:
        """The first element; raises ``PageError`` with the page's own words when there is none."""
        found = self.tree.xpath(xpath)
        if not found:
            raise PageError(f"{self.url} に {xpath} がありません: {self.text[:300]}")
        return found[0]

    def button(self, label: str) -> html.HtmlElement:
        """The button a person would press, by what stands on it."""
        return self.first(f"//button[normalize-space(.)='{label}']")


class Browser:
    """One person's browser: cookies, links and forms. Talks to no proxy."""

    def __init__(self, verify: str | bool = True) -> None:
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.verify = verify
        self._http.headers["User-Agent"] = DESKTOP

    def open(self, url: str) -> Page:
        """Follow a link."""
        return self._page(self._http.get(url, timeout=SECONDS))

    def press(self, page: Page, label: str, **typed: str | list[str]) -> Page:
        """Type into the form that the button belongs to, and press it."""
        button = page.button(label)
        return self.submit(page, form_of(page, button), button, **typed)

    def submit(
        self,
        page: Page,
        form: html.HtmlElement,
        button: html.HtmlElement | None = None,
        **typed: str | list[str],
    ) -> Page:
        """Send a form as a browser would: what it holds, what was typed, and the button."""
        fields: dict[str, str | list[str]] = dict(_held(page, form))
        if button is not None and button.get("name"):
            fields[button.get("name")] = button.get("value", "")
        fields.update(typed)
        action = (button.get("formaction") if button is not None else None) or form.get("action")
        url = urljoin(page.url, action or page.url)
        if (form.get("method") or "get").lower() == "get":
            return self._page(self._http.get(url, params=fields, timeout=SECONDS))
        # A cross-site form carries no Referer path, only the origin, as browsers do by default.
        headers = {"Referer": page.url}
        return self._page(self._http.post(url, data=fields, headers=headers, timeout=SECONDS))

    def _page(self, response: requests.Response) -> Page:
        if response.status_code >= 400:
            tree = html.fromstring(response.content or b"<html/>")
            said = " ".join("".join(map(str, tree.itertext())).split())[:300]
            raise PageError(f"HTTP {response.status_code} {response.url}: {said}")
        tree = html.fromstring(response.content)
        return Page(response.url, response.status_code, tree)


def form_of(page: Page, button: html.HtmlElement) -> html.HtmlElement:
    """The form a button belongs to, by its ``form`` attribute or around it."""
    named = button.get("form")
    if named:
        return page.first(f"//form[@id='{named}']")
    return next(button.iterancestors("form"))


def _held(page: Page, form: html.HtmlElement) -> dict[str, str]:
    """Name and value of every control, also those outside that name the form; buttons left out.

    Checkboxes count when ticked; a select gives its chosen option.
    """
    controls = form.xpath(".//input | .//select | .//textarea")
    if form.get("id"):
        controls += page.tree.xpath(f"//*[@form='{form.get('id')}'][self::input or self::select]")
    held = {}
    for control in controls:
        name = control.get("name")
        if not name or any(True for _ in control.iterancestors("template")):
            continue
        if control.tag == "select":
            chosen = control.xpath(".//option[@selected]") or control.xpath(".//option[1]")
            held[name] = chosen[0].get("value", "") if chosen else ""
        elif control.tag == "textarea":
            held[name] = (control.text or "").lstrip("\n")
        elif control.get("type") in ("checkbox", "radio"):
            if control.get("checked") is not None:
                held[name] = control.get("value", "on")
        elif control.get("type") not in ("submit", "button", "image", "file"):
            held[name] = control.get("value", "")
    return held
