// The signs of the page. Each stands beside a name that can be read, so none has one of its own.

import { html } from "../vendor/lit.js";

const PATHS = {
  plus: "M12 5v14M5 12h14",
  menu: "M4 7h16M4 12h16M4 17h16",
  more: "M4 12a1 1 0 1 0 2 0a1 1 0 1 0-2 0M11 12a1 1 0 1 0 2 0a1 1 0 1 0-2 0M18 12a1 1 0 1 0 2 0a1 1 0 1 0-2 0",
  close: "M6 6l12 12M18 6L6 18",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M6 6h12v12H6zM9 9h6v6H9z",
  clip: "M20 11.5l-8.2 8.2a5 5 0 0 1-7-7L13.2 4.3a3.3 3.3 0 0 1 4.7 4.7l-8.3 8.3a1.7 1.7 0 0 1-2.4-2.4l7.5-7.5",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  up: "M7 11v9H4v-9zM7 11l4-7a2 2 0 0 1 2.6 2.3L13 9.5h5.5a1.8 1.8 0 0 1 1.8 2.2l-1.4 6.6a2 2 0 0 1-2 1.7H7",
  down: "M17 13V4h3v9zM17 13l-4 7a2 2 0 0 1-2.6-2.3l.6-3.2H5.5a1.8 1.8 0 0 1-1.8-2.2l1.4-6.6A2 2 0 0 1 7.1 4H17",
  again: "M20 11a8 8 0 1 0-2.3 6.3M20 5v6h-6",
  pen: "M4 20h4L19 9l-4-4L4 16z",
  other: "M4 8h13l-3-3M20 16H7l3 3",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M3 20c0-3.5 2.7-6 6-6s6 2.5 6 6M16 4.5a3.5 3.5 0 0 1 0 6.3M18 14.5c1.9.9 3 2.9 3 5.5",
  newest: "M12 5v14M6 13l6 6 6-6",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
};

/** @param {keyof typeof PATHS} name */
export const icon = (name) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${PATHS[name]}></path></svg>`;
