// A polite live region announces each new element with data-say once.

import { onPageStart } from "./page_start.js";

const ANNOUNCE_DELAY_MS = 100; // a screen reader misses a text that comes in the moment in which the region is emptied

const announced = new WeakMap();
let pending = [];

export function announce(place, aloud = true) {
  for (const element of place.querySelectorAll("[data-say]")) {
    const text = element.textContent.trim().replace(/\s+/g, " ");
    if (text && announced.get(element) !== text && aloud && !pending.includes(text)) {
      pending.push(text);
    }
    announced.set(element, text);
  }
  if (!pending.length) return;
  const announcer = document.getElementById("announcer");
  announcer.textContent = "";
  setTimeout(() => {
    if (pending.length) announcer.textContent = pending.join(" ");
    pending = [];
  }, ANNOUNCE_DELAY_MS);
}

onPageStart(() => {
  announce(document.getElementById("main"), false);
  announce(document.getElementById("messages"));
});

document.addEventListener("htmx:after:swap", () => {
  announce(document.getElementById("messages"));
  announce(document);
});
