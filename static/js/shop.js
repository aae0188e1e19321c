// What the pages need beyond htmx. Without it, and without JavaScript, everything still works.
// Event listeners of several features for one event run in this order.

import "./announcements.js";
import "./request_errors.js";
import "./focus.js";
import "./messages.js";
import "./delegated_requests.js";
import "./cart_requests.js";
import "./cart_panel.js";
import "./quantity_stepper.js";
import "./offline.js";
import "./unsent_input.js";
import "./product_list.js";
import "./search_suggestions.js";
import "./live_updates.js";
