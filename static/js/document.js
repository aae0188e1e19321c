// Of pages that are printed. Without it, the browser's own menu prints them.

import "./print_button.js";
