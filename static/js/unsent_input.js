// Unsent input is kept when its region is replaced, and when the page is loaded in another language.

import { onPageStart } from "./page_start.js";

const STORAGE_KEY = "typed";

function unsentInput(place, sentForm) {
  return [...place.querySelectorAll("input[id]")]
    .filter(({ value, defaultValue }) => value !== defaultValue)
    .filter(({ id }) => !sentForm?.querySelector(`#${CSS.escape(id)}`))
    .map(({ id, value }) => [id, value]);
}

function restore(input) {
  for (const [id, value] of input) {
    const field = document.getElementById(id);
    if (field) field.value = value;
  }
}

document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
  if (ctx.target) ctx.unsentInput = unsentInput(ctx.target, ctx.sourceElement);
});

// A radio button that a swap keeps stays as it is. Where the chosen one is gone, the one that the shop has chosen is
// checked.
function checkDefaults(place) {
  for (const radio of place.querySelectorAll("[type=radio][checked]")) {
    if (!place.querySelector(`[name="${CSS.escape(radio.name)}"]:checked`)) radio.checked = true;
  }
}

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  restore(ctx.unsentInput ?? []);
  checkDefaults(document);
});

document.addEventListener("submit", ({ target }) => {
  if (target.matches(".site-footer form")) {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify([location.pathname, unsentInput(document)]));
  }
});

onPageStart(() => {
  const [path, input] = JSON.parse(sessionStorage.getItem(STORAGE_KEY)) ?? [];
  sessionStorage.removeItem(STORAGE_KEY);
  if (path === location.pathname) restore(input);
});
