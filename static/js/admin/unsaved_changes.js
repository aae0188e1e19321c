// Whoever leaves a page, also by sending one of its forms, is asked first if another form has changes that aren't saved.

import { isChanged } from "./changed_fields.js";

const FIELDS = "input:not([data-select], [data-select-all]), textarea, select"; // selected rows are no changes

let sentForm = null;

function isUnsaved(form) {
  if (form === sentForm || form.method !== "post") return false;
  return [...form.elements].some((field) => field.matches(FIELDS) && isChanged(field));
}

document.addEventListener("submit", (event) => {
  if (!event.defaultPrevented) sentForm = event.target; // htmx prevents it and stays on the page
});

addEventListener("beforeunload", (event) => {
  if ([...document.forms].some(isUnsaved)) event.preventDefault();
  sentForm = null; // who stays may leave later
});
