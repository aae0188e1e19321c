// Keys: "/" searches, "j" and "k" go from row to row, "x" selects one, "?" shows this. They can be switched off, because
// whoever dictates presses them by accident.

import { onPageStart } from "../page_start.js";
import { canOpenBeside, openBeside } from "./detail.js";

const STORED = "admin-shortcuts";
const OFF = "off";

function rows() {
  return [...document.querySelectorAll("#list [data-row]")];
}

function currentRow() {
  const all = rows();
  return (
    all.find((row) => row.contains(document.activeElement)) ?? all.find((row) => row.querySelector("[aria-current]"))
  );
}

function move(step) {
  const all = rows();
  const from = all.indexOf(currentRow());
  const to = all[from < 0 ? 0 : Math.min(Math.max(from + step, 0), all.length - 1)];
  const link = to?.querySelector("a, button, select, summary"); // a row of people has no link
  if (!link) return;
  link.focus();
  if (link.dataset.beside && canOpenBeside()) openBeside(link);
}

const ACTS = {
  "/": () => document.getElementById("list_search")?.select(),
  j: () => move(1),
  k: () => move(-1),
  x: () => currentRow()?.querySelector("[data-select]")?.click(),
  "?": () => document.getElementById("shortcuts")?.showModal(),
};

function isTyping(element) {
  return element.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !ACTS[event.key]) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]") || localStorage.getItem(STORED) === OFF) return;
  event.preventDefault();
  ACTS[event.key]();
});

onPageStart(() => {
  const box = document.getElementById("shortcuts_on");
  if (!box) return; // a page without the frame, as a delivery note
  box.checked = localStorage.getItem(STORED) !== OFF;
  box.addEventListener("change", () => localStorage.setItem(STORED, box.checked ? "on" : OFF));
});
