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
