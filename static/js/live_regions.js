// The regions of a page that show prices and stock, and how they are refreshed.

const BURST_MS = 200;

export class LiveRegions {
  waiting = null;
  interactions = 0; // requests and swaps of the shopper's own

  constructor(lowStock) {
    this.lowStock = lowStock;
    const count = ({ detail: { ctx } }) => {
      if (!ctx.live) this.interactions += 1;
    };
    document.addEventListener("htmx:before:request", count);
    document.addEventListener("htmx:after:swap", count);
  }

  all() {
    return [...document.querySelectorAll("#products, #product, #cart_lines")];
  }

  haveProducts() {
    return this.all().some((region) => region.querySelector("[data-product]"));
  }

  // The order whose page is open, if it waits for a payment.
  waitingOrder() {
    return document.querySelector('[data-follow]:not([data-follow=""])');
  }

  needStream() {
    return this.haveProducts() || this.waitingOrder() !== null;
  }

  areOutOfDate(type, { product_id: productId, variant_id: variantId, stock }) {
    const left = stock <= this.lowStock ? String(stock) : "";
    return this.all()
      .flatMap((region) => [...region.querySelectorAll("[data-product]")])
      .filter((place) => place.dataset.product === productId)
      .some(({ dataset }) => {
        if (type !== "stock") return true;
        if (dataset.low) return String(JSON.parse(dataset.low)[variantId] ?? "") !== left;
        // A card shows the sum of its variants, which isn't known here when one of them is low.
        return dataset.left !== left || ("variants" in dataset && left !== "");
      });
  }

  // An order is named by a digest of its id, because all pages get the message.
  refreshOrder(digest) {
    const order = this.waitingOrder();
    if (order?.dataset.follow === digest && !document.hidden) this.refresh(order);
  }

  refreshSoon() {
    this.waiting ??= setTimeout(() => this.refreshAll(), BURST_MS);
  }

  refreshAll() {
    this.waiting = null;
    if (document.hidden) return;
    for (const region of this.all()) this.refresh(region);
  }

  async refresh(place) {
    const before = this.interactions;
    const page = await this.load(place);
    if (!page) return;
    const fresh = page.getElementById(place.id);
    if (this.interactions !== before) {
      this.refreshSoon(); // what came is older than what the shopper has changed meanwhile
    } else if (fresh && place.isConnected) {
      for (const { id } of place.querySelectorAll("details[open]")) {
        fresh.querySelector(`#${id}`)?.setAttribute("open", "");
      }
      await htmx.swap({ live: true, sourceElement: place, target: place, swap: "outerMorph", text: fresh.outerHTML });
    }
  }

  async load(place) {
    const headers = {
      "HX-Request": "true",
      "HX-Request-Type": "partial",
      "HX-Target": `${place.localName}#${place.id}`,
    };
    // The cart in the panel has its own URL, and what was chosen of a product may not be in the page's yet.
    const chosen = [...place.querySelectorAll(".option :checked")].map(({ name, value }) => [name, value]);
    const address = chosen.length
      ? `${location.pathname}?${new URLSearchParams(chosen)}`
      : (place.closest("[hx-get]")?.getAttribute("hx-get") ?? location.href);
    const answer = await fetch(address, { headers }).catch(() => null);
    if (answer?.status === 404) location.reload(); // it was taken off sale
    if (!answer?.ok) return null;
    const language = answer.headers.get("Content-Language");
    if (language && language !== document.documentElement.lang) {
      location.reload(); // it was changed in another tab
      return null;
    }
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }
}
