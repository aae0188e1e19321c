// What the back office's pages need beyond htmx. Without it, and without JavaScript, everything still works.

import "./announcements.js";
import "./request_errors.js";
import "./focus.js";
import "./messages.js";
import "./admin/copy_link.js";
import "./admin/dialogs.js";
import "./admin/detail.js";
import "./admin/search.js";
import "./admin/selection.js";
import "./admin/shortcuts.js";
import "./admin/spare_rows.js";
import "./admin/live_lists.js";
import "./admin/unsaved_changes.js";
