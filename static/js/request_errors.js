// What is shown when a request of htmx fails.

import { showMessage } from "./messages.js";

function showFailure(element) {
  // The suggestions are an extra: without them the checkout is whole.
  if (element.id === "upsell_panel") element.hidden = true;
  else showMessage(navigator.onLine ? "failure_message" : "offline_message");
}

// No answer came, or none in time.
document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx) showFailure(event.target);
});

// An error that the shop itself worded says by HX-Retarget where it belongs; a gateway's error page belongs nowhere.
document.addEventListener("htmx:before:swap", (event) => {
  const { response, hx } = event.detail.ctx;
  const status = response?.status ?? 200;
  const isSuggestions = event.target.id === "upsell_panel";
  if (isSuggestions ? status >= 400 : status >= 500 && !hx?.retarget) {
    event.preventDefault();
    showFailure(event.target);
  }
});
