// The list of products: its filters and its row of categories.

import { onPageStart } from "./page_start.js";

// What stands empty in a form needn't stand in the address.
document.addEventListener("htmx:config:request", ({ target, detail: { ctx } }) => {
  if (!target.matches("form[method=get]")) return;
  for (const [name, value] of [...ctx.request.body]) {
    if (!value) ctx.request.body.delete(name);
  }
});

// Filters that were opened stay open while the list changes.
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.sourceElement?.matches(".filters")) document.getElementById("filters")?.setAttribute("open", "");
});

// On a phone the category that is looked at may stand further along its row.
function scrollToCategory() {
  const chip = document.querySelector(".chip[aria-current]:not(:first-child)");
  const row = chip?.parentElement;
  if (row) row.scrollLeft = chip.offsetLeft - row.offsetLeft - (row.clientWidth - chip.offsetWidth) / 2;
}

onPageStart(scrollToCategory);

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target?.id === "products") scrollToCategory();
});

// Browsers leave a chip where it is that is half in sight when the focus comes to it.
document.addEventListener("focusin", ({ target }) => {
  if (target.matches(".chip")) target.scrollIntoView({ block: "nearest", inline: "nearest" });
});
