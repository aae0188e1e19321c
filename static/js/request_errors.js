// What is shown when a request of htmx fails.

import { showMessage } from "./messages.js";

function showFailure(element) {
  // The suggestions are optional: the checkout works without them.
  if (element.id === "upsell_panel") element.hidden = true;
  else showMessage(navigator.onLine ? "failure_message" : "offline_message");
}

// No response, or a timeout.
document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx) showFailure(event.target);
});

// Errors of the shop have HX-Retarget; error pages of a gateway don't, and are not inserted.
document.addEventListener("htmx:before:swap", (event) => {
  const { response, hx } = event.detail.ctx;
  const status = response?.status ?? 200;
  const isSuggestions = event.target.id === "upsell_panel";
  if (isSuggestions ? status >= 400 : status >= 500 && !hx?.retarget) {
    event.preventDefault();
    showFailure(event.target);
  }
});
