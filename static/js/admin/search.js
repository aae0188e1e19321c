// What is typed into the search field before htmx is ready is searched as soon as it is.

document.addEventListener("htmx:after:init", ({ target }) => {
  if (target.id !== "list_form") return;
  const field = document.getElementById("list_search");
  if (field.value !== field.defaultValue) field.dispatchEvent(new Event("input", { bubbles: true }));
});
