// What others change shows here: a page asks for the number of the shop's latest event every few seconds, and gets its
// lists and details (data-live) again when it has grown. What is typed, selected or unfolded stays. A log that grows all
// the time (data-new-rows) isn't loaded again: it gets a link that says how many rows have come.

import { onPageStart } from "../page_start.js";
import { isChanged } from "./changed_fields.js";

const POLL_MS = 3000;

function isBusy(region) {
  if (region.querySelector(".htmx-request")) return true;
  return [...region.querySelectorAll("input, textarea, select")].some(isChanged);
}

function keepOpen(region, fresh) {
  for (const { id } of region.querySelectorAll("details[id][open]")) {
    fresh.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
  }
}

async function refresh(region) {
  const headers = {
    "HX-Request": "true",
    "HX-Request-Type": "partial",
    "HX-Target": `${region.localName}#${region.id}`,
  };
  const response = await fetch(region.dataset.live || location.href, { headers }).catch(() => null);
  if (!response?.ok || response.redirected) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById(region.id);
  if (!fresh || !region.isConnected || isBusy(region)) return;
  keepOpen(region, fresh);
  await htmx.swap({ sourceElement: region, target: region, swap: "outerMorph", text: fresh.outerHTML });
}

async function countNewRows(place) {
  const response = await fetch(place.dataset.newRows).catch(() => null);
  if (!response?.ok || response.redirected) return;
  const text = await response.text();
  if (!place.isConnected || (!text && !place.firstElementChild)) return;
  await htmx.swap({ sourceElement: place, target: place, swap: "innerMorph", text });
}

async function poll(main) {
  if (document.hidden || !window.htmx) return;
  for (const place of document.querySelectorAll("[data-new-rows]")) await countNewRows(place);
  const response = await fetch(main.dataset.latestEventUrl).catch(() => null);
  if (!response?.ok || response.redirected) return;
  const latest = await response.text();
  if (latest === main.dataset.latestEvent) return;
  const regions = [...document.querySelectorAll("[data-live]")];
  if (regions.some(isBusy)) return; // later
  main.dataset.latestEvent = latest;
  for (const region of regions) await refresh(region);
}

onPageStart(() => {
  const main = document.getElementById("main");
  if (!main.dataset.latestEventUrl) return;
  setInterval(() => poll(main), POLL_MS);
  // What one has changed in a detail shows in the list beside it at once.
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx.request?.method === "POST") poll(main);
  });
});
