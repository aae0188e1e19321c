// Whoever pressed a button in a region that was replaced keeps the place: the focus goes to the region itself when the
// button is gone.

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const button = ctx.sourceEvent?.submitter;
  if (button && !button.isConnected && document.activeElement === document.body) {
    ctx.target?.focus?.({ preventScroll: true });
  }
});
