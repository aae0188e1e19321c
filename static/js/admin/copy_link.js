// Buttons that copy a link of the page. Where the browser doesn't let them, as over plain HTTP, the link is selected.

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  const link = document.getElementById(button.dataset.copy);
  const isCopied = await navigator.clipboard?.writeText(link.href).then(
    () => true,
    () => false,
  );
  if (!isCopied) {
    getSelection().selectAllChildren(link);
    return;
  }
  button.textContent = button.dataset.copied;
  document.getElementById("announcer").textContent = button.dataset.copied;
});
