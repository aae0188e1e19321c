// The list of products: its filters and its row of categories.

import { onPageStart } from "./page_start.js";

// Empty form fields are left out of the URL.
document.addEventListener("htmx:config:request", ({ target, detail: { ctx } }) => {
  if (!target.matches("form[method=get]")) return;
  for (const [name, value] of [...ctx.request.body]) {
    if (!value) ctx.request.body.delete(name);
  }
});

// Open filters stay open when the list is replaced.
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.sourceElement?.matches(".filters")) document.getElementById("filters")?.setAttribute("open", "");
});

// On a phone the selected category may be outside the visible part of its row.
function scrollToCategory() {
  const chip = document.querySelector(".chip[aria-current]:not(:first-child)");
  const row = chip?.parentElement;
  if (row) row.scrollLeft = chip.offsetLeft - row.offsetLeft - (row.clientWidth - chip.offsetWidth) / 2;
}

onPageStart(scrollToCategory);

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target?.id === "products") scrollToCategory();
});

// Browsers don't scroll to a focused chip that is partly visible.
document.addEventListener("focusin", ({ target }) => {
  if (target.matches(".chip")) target.scrollIntoView({ block: "nearest", inline: "nearest" });
});
