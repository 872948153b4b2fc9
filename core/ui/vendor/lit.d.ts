export { LitElement, html, nothing, render } from "lit";
export { repeat } from "lit/directives/repeat.js";
