/*
 * Small conveniences; every page does its job without them. Attributes that the pages use:
 *   tr[data-href]                 the whole row leads there
 *   form/button[data-confirm]     asked first; data-confirm-title, -yes: heading and button
 *   form[data-unsaved]            warns before leaving with changes that were not submitted
 *   [data-formset="prefix"]       rows of a Django formset: [data-row], template[data-empty-row],
 *                                 [data-add-row], in a row [data-remove-row] and the DELETE checkbox
 *   [data-total]                  an amount (value or text); their sum goes into [data-total-out],
 *                                 and [data-total-part] of that table waits for the server
 *   input[data-check-all="name"]  ticks all checkboxes of that name
 *   [data-auto-submit]            the form is sent when this control changes (filters)
 */
"use strict";

const on = (type, handler, options) => document.addEventListener(type, handler, options);
const yen = (n) => (n < 0 ? "-" : "") + "¥" + Math.abs(n).toLocaleString("ja-JP");
const digits = (text) => Number(text.normalize("NFKC").replace(/[¥,\s]/g, "")) || 0;

/* Whole rows */
function openRow(event) {
  const row = event.target.closest("tr[data-href]");
  if (!row || event.defaultPrevented) return;
  if (event.target.closest("a, button, input, select, label") || String(getSelection())) return;
  if (event.button === 1 || event.ctrlKey || event.metaKey) window.open(row.dataset.href, "_blank");
  else if (event.button === 0) location.href = row.dataset.href;
}
on("click", openRow);
on("auxclick", openRow);

/* Confirmation, double submits */
const dialog = document.querySelector("[data-confirm-dialog]");

on("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  if (form.method === "dialog") return;
  if (form.dataset.sent) return event.preventDefault();
  const asker = button?.dataset.confirm ? button : form;
  if (asker.dataset.confirm && !form.dataset.confirmed && dialog) {
    event.preventDefault();
    return ask(asker.dataset, () => {
      form.dataset.confirmed = "yes";
      form.requestSubmit(button);
      delete form.dataset.confirmed;
    });
  }
  if (form.method === "get" || event.defaultPrevented) return;
  form.dataset.sent = "yes";
  // After this event, or the pressed button's name would not be sent.
  setTimeout(() => {
    for (const each of form.elements) if (each.type === "submit") each.disabled = true;
    button?.setAttribute("data-busy", "");
  });
});

function ask(texts, proceed) {
  dialog.querySelector("h2").textContent = texts.confirmTitle || "確認";
  dialog.querySelector("[data-confirm-text]").textContent = texts.confirm;
  dialog.querySelector("[data-confirm-yes]").textContent = texts.confirmYes || "実行する";
  dialog.returnValue = "";
  dialog.onclose = () => dialog.returnValue === "yes" && proceed();
  dialog.showModal();
  dialog.querySelector("[data-confirm-yes]").focus();
}

/* A page taken from the back-forward cache is usable again. */
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const each of form.elements) if (each.type === "submit") each.disabled = false;
  }
  document.querySelectorAll("[data-busy]").forEach((each) => each.removeAttribute("data-busy"));
});

/* Unsaved changes */
on("input", (event) => {
  const form = event.target.form;
  if (form && "unsaved" in form.dataset) form.dataset.unsaved = "changed";
});
addEventListener("beforeunload", (event) => {
  const changed = document.querySelector('form[data-unsaved="changed"]:not([data-sent])');
  if (changed && !document.querySelector("form[data-sent]")) event.preventDefault();
});

/* Rows of a formset */
function removeRow(row) {
  const mark = row.querySelector('[name$="-DELETE"]');
  if (mark) mark.checked = true;
  row.hidden = true;
  // What is gone must not hold up the browser's own checks; DELETE and the id still go along.
  for (const each of row.querySelectorAll("input, select, textarea")) {
    if (each !== mark && each.type !== "hidden") each.disabled = true;
  }
}

for (const set of document.querySelectorAll("[data-formset]")) {
  const total = document.getElementById(`id_${set.dataset.formset}-TOTAL_FORMS`);
  const empty = set.querySelector("template[data-empty-row]");
  const rows = () => [...set.querySelectorAll("[data-row]")].filter((row) => !row.hidden);
  const touched = () => {
    const form = set.closest("form");
    if (form && "unsaved" in form.dataset) form.dataset.unsaved = "changed";
    sum();
  };
  const add = () => {
    const html = empty.innerHTML.replaceAll("__prefix__", total.value);
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const row = holder.content.querySelector("[data-row]");
    (set.querySelector("[data-rows]") || empty.parentNode).append(row);
    total.value = Number(total.value) + 1;
    row.querySelector('input:not([type="hidden"]), select')?.focus();
    touched();
  };

  set.querySelectorAll('[name$="-DELETE"]:checked').forEach((mark) => {
    removeRow(mark.closest("[data-row]"));
  });
  set.addEventListener("click", (event) => {
    if (event.target.closest("[data-add-row]")) return add();
    const row = event.target.closest("[data-remove-row]")?.closest("[data-row]");
    if (!row) return;
    const next = rows()[rows().indexOf(row) + 1] || rows()[rows().indexOf(row) - 1];
    removeRow(row);
    const control = next?.querySelector('input:not([type="hidden"]), select');
    (control || set.querySelector("[data-add-row]"))?.focus();
    touched();
  });
  set.addEventListener("keydown", (event) => {
    // Enter in a line goes down, and makes a new line at the end, instead of sending the slip.
    if (event.key !== "Enter" || event.isComposing || !event.target.matches("input")) return;
    const row = event.target.closest("[data-row]");
    if (!row || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const below = rows()[rows().indexOf(row) + 1];
    const name = event.target.name.replace(/^.*-/, "");
    if (below) below.querySelector(`[name$="-${name}"]`)?.focus();
    else if (empty && total) add();
  });
}

/* Live total: amounts only; the tax is the server's to compute */
function sum() {
  const out = document.querySelectorAll("[data-total-out]");
  if (!out.length) return;
  let total = 0;
  for (const each of document.querySelectorAll("[data-total]")) {
    const row = each.closest("[data-row], tr");
    const box = row?.querySelector("input[data-counts]");
    if (row?.hidden || (box && !box.checked)) continue;
    total += digits(each.dataset.total || each.value || each.textContent);
  }
  for (const each of out) {
    each.dataset.saved ??= each.textContent;
    each.textContent = yen(total);
    // Taxes are the server's: while they are out of date, a dash stands there.
    for (const part of each.closest("table").querySelectorAll("[data-total-part]")) {
      part.dataset.saved ??= part.textContent;
      part.textContent = each.textContent === each.dataset.saved ? part.dataset.saved : "—";
    }
  }
}
if (document.querySelector("[data-total]")) {
  on("input", sum);
  // The form may come back with what was typed beside totals that were saved.
  sum();
}

/* Ticking all, filters */
on("change", (event) => {
  const box = event.target;
  if (box.dataset.checkAll) {
    for (const each of document.getElementsByName(box.dataset.checkAll)) {
      if (!each.disabled) each.checked = box.checked;
    }
    sum();
  }
  if ("autoSubmit" in box.dataset) box.form.requestSubmit();
});

document.querySelector("[data-errors]")?.focus();
