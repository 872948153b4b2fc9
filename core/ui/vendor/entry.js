// What the page takes from Lit; vendor/make.mjs makes one module of it.
export { LitElement, html, nothing, render } from "lit";
export { repeat } from "lit/directives/repeat.js";
