// Requests that change the cart are queued (hx-sync), so that the first creates it and the last response is shown.

// A second submit during the request is ignored.
const adding = new WeakSet();

document.addEventListener("htmx:config:request", (event) => {
  const { target } = event;
  if (!target.matches(".add-form, .buy-form")) return;
  if (adding.has(target)) event.preventDefault();
  adding.add(target);
});

document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => adding.delete(ctx.sourceElement));

// The target may have been replaced while the request waited.
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  if (ctx.target?.isConnected === false) ctx.target = document.getElementById(ctx.target.id);
});
