// Offline, the page shows a message, and no click leads to the browser's error page, where typed input would be lost.

import { showMessage } from "./messages.js";
import { onPageStart } from "./page_start.js";

// The shop may run on this machine, where `navigator.onLine` doesn't tell whether it responds: so send a request.
const canReachShop = () =>
  fetch(location.href, { method: "HEAD", cache: "no-store" }).then(
    () => true,
    () => false,
  );

async function updateOfflineMessage() {
  if (!navigator.onLine && !(await canReachShop())) showMessage("offline_message");
  else document.querySelector("[data-offline]")?.remove();
}

async function leaveIfReachable(event, leave) {
  event.preventDefault();
  if (await canReachShop()) leave();
  else showMessage("offline_message");
}

for (const type of ["online", "offline"]) addEventListener(type, updateOfflineMessage);
onPageStart(updateOfflineMessage);

let resubmitted = null; // the form that is sent after the shop was reached

document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (navigator.onLine || event.defaultPrevented || resubmitted === form) return;
  leaveIfReachable(event, () => {
    resubmitted = form;
    form.requestSubmit(submitter); // with the name and value of its button
    resubmitted = null;
  });
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("main a[href], header a[href]");
  if (!navigator.onLine && link && !event.defaultPrevented) {
    leaveIfReachable(event, () => location.assign(link.href));
  }
});
