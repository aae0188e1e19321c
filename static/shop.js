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

// What stands empty in a form needn't stand in the address.
document.addEventListener("htmx:config:request", ({ target, detail: { ctx } }) => {
  if (target.matches("form[method=get]")) for (const [name, value] of [...ctx.request.body]) if (!value) ctx.request.body.delete(name);
});

// Who has opened the filters keeps them open while the list changes.
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.sourceElement?.matches(".filters")) document.getElementById("filters")?.setAttribute("open", "");
});

// Suggestions under the search field: arrows choose, Enter goes there, Escape closes.
document.addEventListener("DOMContentLoaded", () => {
  const search = document.getElementById("search");
  const list = document.getElementById("suggest_list");
  if (!list) return;
  let chosen = null;
  let wanted = false;

  const choose = (option) => {
    chosen?.setAttribute("aria-selected", "false");
    chosen = option;
    chosen?.setAttribute("aria-selected", "true");
    chosen?.scrollIntoView({ block: "nearest" });
    search.setAttribute("aria-activedescendant", chosen?.id ?? "");
  };
  const show = () => {
    list.hidden = !(wanted && list.childElementCount && document.activeElement === search);
    search.setAttribute("aria-expanded", String(!list.hidden));
    choose(null);
  };
  const close = () => { wanted = false; show(); };

  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", list.id]]) search.setAttribute(name, value);
  show();
  search.addEventListener("input", () => { wanted = true; });
  search.addEventListener("blur", close);
  search.form.addEventListener("submit", close);
  list.addEventListener("mousedown", (event) => event.preventDefault());
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => { if (ctx.target === list) show(); });
  search.addEventListener("keydown", (event) => {
    const options = [...list.children];
    if (event.key === "Escape" && !list.hidden) close();
    else if (event.key === "Enter" && chosen) chosen.click();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      wanted = true;
      if (list.hidden) show();
      if (list.hidden) return;
      const next = options.indexOf(chosen) + (event.key === "ArrowDown" ? 1 : chosen ? -1 : options.length);
      choose(options[next] ?? null);
    } else return;
    event.preventDefault();
  });
});

// What changes elsewhere shows here: one stream of the shop's news while the tab is looked at, and at most a minute
// longer; where none is to be had, a look every 20 seconds. What is typed, focused or unfolded stays.
document.addEventListener("DOMContentLoaded", () => {
  const { events, low } = document.getElementById("main").dataset;
  if (!events) return;
  const tabs = new BroadcastChannel("live"); // a browser has six connections to a host, so only the tab in front keeps its
  let stream, last, waiting, hiding, looking;
  let faults = 0;
  let touched = 0;
  const region = () => document.querySelector("#products, #product, #cart_lines");

  const refresh = async (place) => {
    const before = touched;
    const headers = { "HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": `${place.localName}#${place.id}` };
    const answer = await fetch(location.href, { headers }).catch(() => null);
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(place.id);
    if (touched !== before) soon(); // the shopper did something meanwhile
    else if (fresh && place.isConnected) {
      for (const { id } of place.querySelectorAll("details[open]")) fresh.querySelector(`#${id}`)?.setAttribute("open", "");
      await htmx.swap({ live: true, sourceElement: place, target: place, swap: "outerMorph", text: fresh.outerHTML });
    }
  };
  const look = () => {
    waiting = null;
    if (!document.hidden && region()) refresh(region());
  };
  const soon = () => { waiting ??= setTimeout(look, 200); };

  const hear = ({ type, data, lastEventId }) => {
    last = lastEventId;
    const { product_id: id, stock } = JSON.parse(data);
    const places = [...(region()?.querySelectorAll("[data-product]") ?? [])].filter((place) => place.dataset.product === id);
    const left = stock <= low ? String(stock) : "";
    if (type === "reset" || places.some((place) => type === "price" || place.dataset.left !== left)) soon();
  };
  const close = () => {
    stream?.close();
    stream = null;
  };
  const open = () => {
    if (stream || looking || document.hidden || !region()?.querySelector("[data-product]")) return;
    const age = Math.ceil(performance.now() / 1000) + 1; // how old what is shown may be
    if (!last && age > 60) look();
    stream = new EventSource(`${events}?${last ? `last=${last}` : age > 60 ? "" : `age=${age}`}`);
    stream.onopen = () => { faults = 0; };
    stream.onerror = () => {
      faults += 1;
      if (stream.readyState !== EventSource.CLOSED && faults < 3) return;
      close();
      looking = setTimeout(() => {
        looking = null;
        look();
        open();
      }, 20000);
    };
    for (const type of ["stock", "price", "reset"]) stream.addEventListener(type, hear);
  };
  const touch = (event) => {
    if (!event.detail.ctx.live) touched += 1;
  };
  const returned = () => {
    look();
    open();
  };

  document.addEventListener("htmx:before:request", touch);
  document.addEventListener("htmx:after:swap", touch);
  document.addEventListener("htmx:after:swap", open);
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(close, 60000);
    else {
      tabs.postMessage("here");
      open();
    }
  });
  tabs.onmessage = () => {
    if (document.hidden) close();
  };
  addEventListener("pagehide", close);
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) returned();
    else setTimeout(performance.getEntriesByType("navigation")[0]?.type === "back_forward" ? returned : open, 1000);
  });
  setInterval(() => {
    const order = document.querySelector("[data-follow]");
    if (order && !document.hidden) refresh(order);
  }, 10000);
});
