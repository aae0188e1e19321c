// The messages above the page.

import { announce } from "./announcements.js";

export function showMessage(templateId) {
  const messages = document.getElementById("messages");
  messages.replaceChildren(document.getElementById(templateId).content.cloneNode(true));
  announce(messages);
}

document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.parentElement.remove();
});
