// The cart panel on wide screens: it opens after adding, or by the cart link. The page becomes narrower, so the panel
// covers nothing and needn't trap the focus. Escape, its button or a click outside close it, and the focus returns.

import { isModifiedClick } from "./clicks.js";

const wide = matchMedia("(min-width: 1100px)");
let opener = null;

const cartPanel = () => document.getElementById("cart_panel");
const isOpen = () => cartPanel()?.hidden === false;

// The page becomes narrower or wider; `anchor` keeps its vertical position on the screen.
function showPanel(shown, anchor) {
  const before = anchor?.getBoundingClientRect().top;
  cartPanel().hidden = !shown;
  document.getElementById("cart_badge").setAttribute("aria-expanded", String(shown));
  if (anchor) scrollBy({ top: anchor.getBoundingClientRect().top - before, behavior: "instant" });
}

function openPanel(by, addedProduct) {
  const panel = cartPanel();
  if (panel.hidden) {
    opener = by;
    showPanel(true, by);
  }
  const lines = panel.querySelectorAll(`.cart-line[data-product="${CSS.escape(addedProduct ?? "")}"]`);
  [...lines].at(-1)?.scrollIntoView({ block: "nearest" });
  if (!addedProduct) panel.focus({ preventScroll: true });
}

function closePanel() {
  if (!isOpen()) return;
  const hadFocus = cartPanel().contains(document.activeElement);
  const next = opener?.isConnected ? opener : document.getElementById("cart_badge");
  showPanel(false, hadFocus ? next : null);
  if (hadFocus) next.focus({ preventScroll: true });
  document.getElementById("panel_lines").replaceChildren();
}

// The panel shows the same partial as the cart page.
document.addEventListener("htmx:config:request", ({ target, detail: { ctx } }) => {
  const lines = document.getElementById("panel_lines");
  if (!lines) return;
  if (wide.matches && target.matches(".add-form, .buy-form")) {
    Object.assign(ctx, { target: lines, swap: "innerHTML" });
  }
  if (ctx.target === lines) ctx.request.headers["HX-Target"] = "section#cart_lines";
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target?.id !== "panel_lines") return;
  if (ctx.request.form) openPanel(ctx.sourceEvent.submitter, ctx.request.body.get("product_id"));
  else openPanel(document.getElementById("cart_badge"));
});

// Use the event's path: the clicked element may have been removed meanwhile, like a dismissed message.
function belongsToPanel(event) {
  return event.composedPath().some((place) => place.matches?.("#cart_panel, .add-form, .buy-form, #messages"));
}

document.addEventListener("click", (event) => {
  const { target } = event;
  if (target.closest("#cart_badge") && cartPanel() && wide.matches && !isModifiedClick(event)) {
    event.preventDefault();
    // Enter (a click without `detail`) moves the focus into the open panel.
    if (isOpen() && event.detail) closePanel();
    else htmx.trigger("#panel_lines", "panel:fill");
  } else if (target.closest("[data-close]") || (isOpen() && !belongsToPanel(event))) {
    closePanel();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented) closePanel();
});

wide.addEventListener("change", closePanel);
