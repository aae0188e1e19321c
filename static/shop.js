// What the pages need beyond htmx. Without it, and without JavaScript, everything still works.

function failed(element) {
  // The suggestions are an extra: they leave quietly.
  if (element.id === "upsell_panel") element.hidden = true;
  else document.getElementById("messages").replaceChildren(document.getElementById("failure_message").content.cloneNode(true));
}

// No answer came, or none in time.
document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx) failed(event.target);
});

// An error that the shop itself worded says by HX-Retarget where it belongs; a gateway's error page belongs nowhere.
document.addEventListener("htmx:before:swap", (event) => {
  const { response, hx } = event.detail.ctx;
  const status = response?.status ?? 200;
  if (event.target.id === "upsell_panel" ? status >= 400 : status >= 500 && !hx?.retarget) {
    event.preventDefault();
    failed(event.target);
  }
});

// Whoever pressed a button in a region that was replaced keeps the place: in the region itself when the button is gone.
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const button = ctx.sourceEvent?.submitter;
  if (button && !button.isConnected && document.activeElement === document.body) ctx.target?.focus?.({ preventScroll: true });
});

document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.parentElement.remove();
});
