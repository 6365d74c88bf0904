"""The edit page as a browser holds it."""

from lxml import html


def held(response) -> dict[str, str]:
    """What the page's form holds, as a browser would send it."""
    tree = html.fromstring(response.content.decode())
    form = tree.get_element_by_id("slip")
    values = {}
    for control in form.xpath(".//input|.//select|.//textarea"):
        name, kind = control.get("name"), control.get("type")
        inside_template = any(True for _ in control.iterancestors("template"))
        if not name or inside_template or (kind == "checkbox" and control.get("checked") is None):
            continue
        if control.tag == "select":
            chosen = control.xpath(".//option[@selected]/@value")
            values[name] = chosen[0] if chosen else ""
        elif control.tag == "textarea":
            values[name] = (control.text or "").strip()
        else:
            values[name] = control.get("value", "")
    return values


def edit_url(voucher) -> str:
    return f"/vouchers/{voucher.number}/edit/"
