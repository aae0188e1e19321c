// The focus stays in a region that is replaced: it moves to the region itself if the pressed button is gone.

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const button = ctx.sourceEvent?.submitter;
  if (button && !button.isConnected && document.activeElement === document.body) {
    ctx.target?.focus?.({ preventScroll: true });
  }
});
