// Live updates: one event stream while the tab is visible, and for at most a minute longer; without a stream, polling
// every 20 seconds. Typed input, focus and open details stay.

import { LiveRegions } from "./live_regions.js";
import { onPageStart } from "./page_start.js";

const CLOSE_WHEN_HIDDEN_MS = 60_000;
const MAX_MISSED_SECONDS = 60; // of news that the server keeps for a stream which begins later than its page
const POLL_MS = 20_000;
const POLL_ORDER_MS = 10_000;
const START_DELAY_MS = 1000;
const MAX_FAULTS = 3;

class LiveUpdates {
  stream = null;
  lastEventId = null;
  polling = null;
  hiding = null;
  tabs = null; // a browser has six connections to a host, so only the tab in front keeps its stream
  faults = 0;

  constructor(url, regions) {
    this.url = url;
    this.regions = regions;
    document.addEventListener("htmx:after:swap", () => this.open());
    document.addEventListener("visibilitychange", () => this.changeVisibility());
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", ({ persisted }) => {
      if (persisted) this.catchUp();
    });
    setTimeout(() => this.start(), START_DELAY_MS);
  }

  start() {
    this.tabs = new BroadcastChannel("live");
    this.tabs.onmessage = () => {
      if (document.hidden) this.close();
    };
    if (performance.getEntriesByType("navigation")[0]?.type === "back_forward") this.catchUp();
    else this.open();
  }

  open() {
    if (this.stream || this.polling || document.hidden || !this.regions.needStream()) return;
    const age = Math.ceil(performance.now() / 1000) + 1; // seconds, of what the page shows
    const query = new URLSearchParams();
    if (this.lastEventId) query.set("last", this.lastEventId);
    else if (age <= MAX_MISSED_SECONDS) query.set("age", age);
    else this.regions.refreshAll();
    this.stream = new EventSource(`${this.url}?${query}`);
    this.stream.onopen = () => {
      this.faults = 0;
    };
    this.stream.onerror = () => this.retry();
    for (const type of ["stock", "price", "product", "order", "reset"]) {
      this.stream.addEventListener(type, (event) => this.receive(event));
    }
  }

  close() {
    this.stream?.close();
    this.stream = null;
  }

  // The browser reconnects automatically, unless the server refused the stream.
  retry() {
    this.faults += 1;
    if (this.stream.readyState !== EventSource.CLOSED && this.faults < MAX_FAULTS) return;
    this.close();
    this.polling = setTimeout(() => {
      this.polling = null;
      this.catchUp();
    }, POLL_MS);
  }

  receive({ type, data, lastEventId }) {
    this.lastEventId = lastEventId;
    if (type === "order") {
      this.regions.refreshOrder(JSON.parse(data).order);
      return;
    }
    if (type === "reset" || this.regions.areOutOfDate(type, JSON.parse(data))) this.regions.refreshSoon();
  }

  catchUp() {
    this.regions.refreshAll();
    this.open();
  }

  changeVisibility() {
    clearTimeout(this.hiding);
    if (document.hidden) {
      this.hiding = setTimeout(() => this.close(), CLOSE_WHEN_HIDDEN_MS);
    } else {
      this.tabs?.postMessage("here");
      this.open();
    }
  }
}

onPageStart(() => {
  const { events, low } = document.getElementById("main").dataset;
  if (!events) return;
  const regions = new LiveRegions(Number(low));
  new LiveUpdates(events, regions);
  setInterval(() => {
    const order = document.querySelector("[data-follow]");
    if (order && !document.hidden) regions.refresh(order);
  }, POLL_ORDER_MS);
});
