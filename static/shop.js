// What the pages need beyond htmx. Without it, and without JavaScript, everything still works.

function failed(element) {
  // The suggestions are an extra: they leave quietly.
  if (element.id === "upsell_panel") element.hidden = true;
  else tell(navigator.onLine ? "failure_message" : "offline_message");
}

function tell(template) {
  document.getElementById("messages").replaceChildren(document.getElementById(template).content.cloneNode(true));
  say(document.getElementById("messages"));
}

// What a page starts with comes in pieces, so that no press waits behind all of it.
const start = (piece) => document.addEventListener("DOMContentLoaded", () => setTimeout(piece));

// One polite live region says what has changed: what new pieces of the page mark with data-say, once.
const said = new WeakMap();
let words = [];

function say(place, aloud = true) {
  for (const element of place.querySelectorAll("[data-say]")) {
    const text = element.textContent.trim().replace(/\s+/g, " ");
    if (text && said.get(element) !== text && aloud && !words.includes(text)) words.push(text);
    said.set(element, text);
  }
  if (!words.length) return;
  const announcer = document.getElementById("announcer");
  announcer.textContent = "";
  setTimeout(() => {
    if (words.length) announcer.textContent = words.join(" ");
    words = [];
  }, 100);
}

start(() => {
  say(document.getElementById("main"), false);
  say(document.getElementById("messages"));
});
document.addEventListener("htmx:after:swap", () => {
  say(document.getElementById("messages"));
  say(document);
});

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

// The cart's panel, where there is room for it: it comes after adding, or by the cart's link. The page gives way to it, so it
// covers nothing, and nobody is held in it: Escape, its button or a click beside it close it, and the focus goes back.
const wide = matchMedia("(min-width: 1100px)");
let opener = null;
const cartPanel = () => document.getElementById("cart_panel");
const isOpen = () => cartPanel()?.hidden === false;

// The page becomes narrower or wider; what the shopper looks at keeps its height on the screen meanwhile.
function showPanel(shown, anchor) {
  const before = anchor?.getBoundingClientRect().top;
  cartPanel().hidden = !shown;
  document.getElementById("cart_badge").setAttribute("aria-expanded", String(shown));
  if (anchor) scrollBy({ top: anchor.getBoundingClientRect().top - before, behavior: "instant" });
}

function openPanel(by, adding) {
  const panel = cartPanel();
  if (panel.hidden) {
    opener = by;
    showPanel(true, by);
  }
  panel.querySelector(`.cart-line[data-product="${CSS.escape(adding ?? "")}"]`)?.scrollIntoView({ block: "nearest" });
  if (!adding) panel.focus({ preventScroll: true });
}

function closePanel() {
  if (!isOpen()) return;
  const back = cartPanel().contains(document.activeElement);
  const next = opener?.isConnected ? opener : document.getElementById("cart_badge");
  showPanel(false, back ? next : null);
  if (back) next.focus({ preventScroll: true });
  document.getElementById("panel_lines").replaceChildren();
}

// htmx is given what stands there in dozens when it is pressed: to know each of them before would take a phone long.
const modified = (event) => event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !window.htmx || !form.matches(".shelf .add-form")) return;
  event.preventDefault();
  htmx.ajax("POST", form.getAttribute("action"), { source: form, event });
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("#products :is(.chips a:not(.chip-more), .pager a)");
  if (event.defaultPrevented || !window.htmx || !link || modified(event)) return;
  event.preventDefault();
  htmx.ajax("GET", link.getAttribute("href"), { source: link, event });
});

// What changes the cart waits in one line, so that the first opens it and the last word is shown; the same press twice is one.
const adding = new WeakSet();
document.addEventListener("htmx:config:request", (event) => {
  const { target } = event;
  if (!target.matches(".add-form, .buy-form")) return;
  if (adding.has(target)) event.preventDefault();
  adding.add(target);
});
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => adding.delete(ctx.sourceElement));
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  if (ctx.target?.isConnected === false) ctx.target = document.getElementById(ctx.target.id); // replaced while it waited
});

// The panel shows the region of the cart's own page.
document.addEventListener("htmx:config:request", ({ target, detail: { ctx } }) => {
  const lines = document.getElementById("panel_lines");
  if (lines && wide.matches && target.matches(".add-form, .buy-form")) Object.assign(ctx, { target: lines, swap: "innerHTML" });
  if (lines && ctx.target === lines) ctx.request.headers["HX-Target"] = "section#cart_lines";
});
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target?.id !== "panel_lines") return;
  if (ctx.request.form) openPanel(ctx.sourceEvent.submitter, ctx.request.body.get("product_id"));
  else openPanel(document.getElementById("cart_badge"));
});
// The path is that of the press: what was pressed may be gone by now, as a dismissed message is.
const belongs = (event) => event.composedPath().some((place) => place.matches?.("#cart_panel, .add-form, .buy-form, #messages"));
document.addEventListener("click", (event) => {
  const { target } = event;
  if (target.closest("#cart_badge") && cartPanel() && wide.matches && !modified(event)) {
    event.preventDefault();
    if (isOpen() && event.detail) closePanel(); // by the keyboard one goes into it
    else htmx.trigger("#panel_lines", "panel:fill");
  } else if (target.closest("[data-close]") || (isOpen() && !belongs(event))) closePanel();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented) closePanel();
});
wide.addEventListener("change", () => closePanel());

// One more, one fewer: a burst of presses is one change, and none is lost to who goes on at once.
let stepped = null;
let pause = 0;

function settle() {
  clearTimeout(pause);
  const input = stepped;
  stepped = null;
  if (input?.isConnected && input.value !== input.defaultValue) input.dispatchEvent(new Event("change", { bubbles: true }));
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-step]");
  if (!button) return;
  const input = button.parentElement.querySelector("input");
  if (stepped !== input) settle();
  if (button.dataset.step > 0) input.stepUp();
  else input.stepDown();
  stepped = input;
  clearTimeout(pause);
  pause = setTimeout(settle, 300);
});
for (const type of ["pointerdown", "focusin"]) {
  document.addEventListener(type, ({ target }) => {
    if (stepped && !target.closest?.("[data-step]")) settle();
  });
}

// Without a network that is said as long as it lasts, and no press leads to the browser's own error page, where the words
// of a form would be lost. The shop may run on this very machine: so it is asked.
const isThere = () => fetch(location.href, { method: "HEAD", cache: "no-store" }).then(() => true, () => false);

async function lookForNetwork() {
  if (!navigator.onLine && !(await isThere())) tell("offline_message");
  else document.querySelector("[data-offline]")?.remove();
}

let sure = null; // the form that goes after all

async function leave(event, go) {
  event.preventDefault();
  if (await isThere()) go();
  else tell("offline_message");
}

for (const type of ["online", "offline"]) addEventListener(type, lookForNetwork);
start(lookForNetwork);
document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (navigator.onLine || event.defaultPrevented || sure === form) return;
  leave(event, () => {
    sure = form;
    form.requestSubmit(submitter); // with what its button says
    sure = null;
  });
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("main a[href], header a[href]");
  if (!navigator.onLine && link && !event.defaultPrevented) leave(event, () => location.assign(link.href));
});

// What was typed and not sent yet stays when its region is replaced, and when the page comes in another language.
const typedIn = (place, sent) => [...place.querySelectorAll("input[id]")]
  .filter(({ id, value, defaultValue }) => value !== defaultValue && !sent?.querySelector(`#${CSS.escape(id)}`))
  .map(({ id, value }) => [id, value]);

function typeAgain(typed) {
  for (const [id, value] of typed) {
    const field = document.getElementById(id);
    if (field) field.value = value;
  }
}

document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
  if (ctx.target) ctx.typed = typedIn(ctx.target, ctx.sourceElement);
});
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => typeAgain(ctx.typed ?? []));
document.addEventListener("submit", ({ target }) => {
  if (target.matches(".site-footer form")) sessionStorage.setItem("typed", JSON.stringify([location.pathname, typedIn(document)]));
});
start(() => {
  const [path, typed] = JSON.parse(sessionStorage.getItem("typed")) ?? [];
  sessionStorage.removeItem("typed");
  if (path === location.pathname) typeAgain(typed);
});

// What stands empty in a form needn't stand in the address.
document.addEventListener("htmx:config:request", ({ target, detail: { ctx } }) => {
  if (target.matches("form[method=get]")) for (const [name, value] of [...ctx.request.body]) if (!value) ctx.request.body.delete(name);
});

// Who has opened the filters keeps them open while the list changes.
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.sourceElement?.matches(".filters")) document.getElementById("filters")?.setAttribute("open", "");
});

// On a phone the category that is looked at may stand further along its row.
function showCategory() {
  const chip = document.querySelector(".chip[aria-current]:not(:first-child)");
  const row = chip?.parentElement;
  if (row) row.scrollLeft = chip.offsetLeft - row.offsetLeft - (row.clientWidth - chip.offsetWidth) / 2;
}
start(showCategory);
// Browsers leave a chip where it is that is half in sight when the focus comes to it.
document.addEventListener("focusin", ({ target }) => {
  if (target.matches(".chip")) target.scrollIntoView({ block: "nearest", inline: "nearest" });
});
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target?.id === "products") showCategory();
});

// Suggestions under the search field: arrows choose, Enter goes there, Escape closes.
start(() => {
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
start(() => {
  const { events, low } = document.getElementById("main").dataset;
  if (!events) return;
  let tabs; // a browser has six connections to a host, so only the tab in front keeps its
  let stream, last, waiting, hiding, looking;
  let faults = 0;
  let touched = 0;
  const regions = () => [...document.querySelectorAll("#products, #product, #cart_lines")];

  const refresh = async (place) => {
    const before = touched;
    const headers = { "HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": `${place.localName}#${place.id}` };
    const address = place.closest("[hx-get]")?.getAttribute("hx-get") ?? location.href; // the cart in its panel has its own
    const answer = await fetch(address, { headers }).catch(() => null);
    if (!answer?.ok) return;
    const language = answer.headers.get("Content-Language");
    if (language && language !== document.documentElement.lang) return location.reload(); // changed elsewhere
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(place.id);
    if (touched !== before) soon(); // the shopper did something meanwhile
    else if (fresh && place.isConnected) {
      for (const { id } of place.querySelectorAll("details[open]")) fresh.querySelector(`#${id}`)?.setAttribute("open", "");
      await htmx.swap({ live: true, sourceElement: place, target: place, swap: "outerMorph", text: fresh.outerHTML });
    }
  };
  const look = () => {
    waiting = null;
    if (!document.hidden) regions().forEach(refresh);
  };
  const soon = () => { waiting ??= setTimeout(look, 200); };

  const hear = ({ type, data, lastEventId }) => {
    last = lastEventId;
    const { product_id: id, stock } = JSON.parse(data);
    const places = regions().flatMap((region) => [...region.querySelectorAll("[data-product]")]).filter((place) => place.dataset.product === id);
    const left = stock <= low ? String(stock) : "";
    if (type === "reset" || places.some((place) => type === "price" || place.dataset.left !== left)) soon();
  };
  const close = () => {
    stream?.close();
    stream = null;
  };
  const open = () => {
    if (stream || looking || document.hidden || !regions().some((region) => region.querySelector("[data-product]"))) return;
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
      tabs?.postMessage("here");
      open();
    }
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) returned();
  });
  setTimeout(() => {
    tabs = new BroadcastChannel("live");
    tabs.onmessage = () => {
      if (document.hidden) close();
    };
    if (performance.getEntriesByType("navigation")[0]?.type === "back_forward") returned();
    else open();
  }, 1000);
  setInterval(() => {
    const order = document.querySelector("[data-follow]");
    if (order && !document.hidden) refresh(order);
  }, 10000);
});
