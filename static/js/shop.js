// What the pages need beyond htmx. Without it, and without JavaScript, everything still works.
// The order is that in which the features hear an event that several of them listen for.

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
