// Suggestions under the search field (autocomplete): arrows choose, Enter goes there, Escape closes.

import { onPageStart } from "./page_start.js";

class SearchSuggestions {
  chosen = null;
  wanted = false;

  constructor(search, list) {
    this.search = search;
    this.list = list;
    search.setAttribute("role", "combobox");
    search.setAttribute("aria-autocomplete", "list");
    search.setAttribute("aria-controls", list.id);
    this.show();
    search.addEventListener("input", () => {
      this.wanted = true;
    });
    search.addEventListener("blur", () => this.close());
    search.form.addEventListener("submit", () => this.close());
    search.addEventListener("keydown", (event) => this.press(event));
    list.addEventListener("mousedown", (event) => event.preventDefault());
    document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
      if (ctx.target === list) this.show();
    });
  }

  choose(option) {
    this.chosen?.setAttribute("aria-selected", "false");
    this.chosen = option;
    this.chosen?.setAttribute("aria-selected", "true");
    this.chosen?.scrollIntoView({ block: "nearest" });
    this.search.setAttribute("aria-activedescendant", this.chosen?.id ?? "");
  }

  show() {
    this.list.hidden = !(this.wanted && this.list.childElementCount && document.activeElement === this.search);
    this.search.setAttribute("aria-expanded", String(!this.list.hidden));
    this.choose(null);
  }

  close() {
    this.wanted = false;
    this.show();
  }

  press(event) {
    if (event.key === "Escape" && !this.list.hidden) this.close();
    else if (event.key === "Enter" && this.chosen) this.chosen.click();
    else if (!["ArrowDown", "ArrowUp"].includes(event.key) || !this.move(event.key)) return;
    event.preventDefault();
  }

  // Move to the next or previous option, or past the last back to the field; false if there is none.
  move(key) {
    this.wanted = true;
    if (this.list.hidden) this.show();
    if (this.list.hidden) return false;
    const options = [...this.list.children];
    const up = this.chosen ? -1 : options.length; // from the field to the last
    this.choose(options[options.indexOf(this.chosen) + (key === "ArrowDown" ? 1 : up)] ?? null);
    return true;
  }
}

onPageStart(() => {
  const list = document.getElementById("suggest_list");
  if (list) new SearchSuggestions(document.getElementById("search"), list);
});
