// Forms and links in lists are passed to htmx when they are clicked: setting up dozens of them takes long on a phone.

import { isModifiedClick } from "./clicks.js";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !window.htmx || !form.matches(".shelf .add-form")) return;
  event.preventDefault();
  htmx.ajax("POST", form.getAttribute("action"), { source: form, event });
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("#products :is(.chips a:not(.chip-more), .pager a)");
  if (event.defaultPrevented || !window.htmx || !link || isModifiedClick(event)) return;
  event.preventDefault();
  htmx.ajax("GET", link.getAttribute("href"), { source: link, event });
});
