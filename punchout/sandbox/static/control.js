"use strict";

const message = document.getElementById("message");

async function call(method, path, body) {
  const response = await fetch(`/_control/${path}`, {
    method,
    headers: { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (response.ok) {
    location.reload();
  } else {
    message.textContent = (await response.json()).error;
  }
}

document.addEventListener("click", (event) => {
  const { step, order, clear } = event.target.dataset;
  if (step) call("POST", step, { order_number: order });
  if (clear) call("DELETE", `faults?id=${clear}`);
});

document.getElementById("fault").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target.elements;
  const [endpoint, kind] = form.fault.value.split("/");
  let options = {};
  try {
    options = JSON.parse(form.options.value || "{}");
  } catch {
    message.textContent = "追加の値はJSONで入力してください。";
    return;
  }
  if (form.times.value) options.times = Number(form.times.value);
  call("POST", "faults", { ...options, endpoint, kind });
});

document.getElementById("settings").addEventListener("submit", (event) => {
  event.preventDefault();
  const values = {};
  for (const field of event.target.elements) {
    if (!field.name) continue;
    if (field.type === "checkbox") values[field.name] = field.checked;
    else if (field.type === "number") values[field.name] = Number(field.value);
    else values[field.name] = field.value;
  }
  call("PUT", "settings", values);
});
