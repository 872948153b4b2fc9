// What agents and models write becomes elements here, and nothing but what is listed here.

import { Marked } from "../vendor/marked.js";
import DOMPurify from "../vendor/dompurify.js";

const TAGS = "p br strong em del code pre ul ol li blockquote h3 h4 h5 h6 table thead tbody tr th td a hr span".split(" ");
const ATTRIBUTES = ["href", "title", "align", "start", "class"];
const CLASSES = ["host", "task"];
/** Which addresses a link may have. */
const ADDRESS = /^(?:https?:\/\/|mailto:)/i;
/** Signs that turn the direction of what follows them: what is written would not be what is read. */
const OVERRIDES = /[\u202A\u202B\u202D\u202E]/g;

/** A heading of an answer stands below those of the page. */
const DEMOTED = 2;

const marked = new Marked({
  gfm: true,
  renderer: {
    heading({ tokens, depth }) {
      const level = Math.min(depth + DEMOTED, 6);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
    // HTML is shown as it is written.
    html({ text, block }) {
      return block ? `<p>${escaped(text)}</p>` : escaped(text);
    },
    // Nothing is fetched from elsewhere because somebody wrote so: a picture is a link to it.
    image({ href, text }) {
      return anchor(href, escaped(text || href));
    },
    link({ href, tokens }) {
      return anchor(href, this.parser.parseInline(tokens));
    },
    checkbox({ checked }) {
      return `<span class="task">${checked ? "☑" : "☐"}</span> `;
    },
  },
});

/**
 * Elements of what was written.
 * @param {import("marked").Token[]} tokens
 * @returns {DocumentFragment}
 */
export function fragmentOf(tokens) {
  const html = marked.parser(tokens);
  const fragment = DOMPurify.sanitize(html, {
    RETURN_DOM_FRAGMENT: true,
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOWED_URI_REGEXP: ADDRESS,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
  });
  return dressed(fragment);
}

/** Without the signs that turn directions. @param {string} text */
export const plainly = (text) => text.replace(OVERRIDES, "\uFFFD");

/** @param {DocumentFragment} fragment */
function dressed(fragment) {
  for (const element of fragment.querySelectorAll("p, ul, ol, li, h3, h4, h5, h6, blockquote, th, td")) {
    element.setAttribute("dir", "auto");
  }
  for (const element of fragment.querySelectorAll("[class]")) {
    if (!CLASSES.includes(element.className)) element.removeAttribute("class");
  }
  for (const link of fragment.querySelectorAll("a")) {
    link.rel = "noopener noreferrer nofollow ugc";
    link.target = "_blank";
  }
  for (const wide of fragment.querySelectorAll("table, pre")) reachable(wide);
  const texts = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const value = text.nodeValue ?? "";
    const plain = plainly(value);
    if (plain !== value) text.nodeValue = plain;
  }
  return fragment;
}

/** What is wider than the column is moved within a frame of its own, also by keyboard. @param {Element} element */
function reachable(element) {
  const frame = document.createElement("div");
  frame.className = element.tagName === "PRE" ? "code" : "wide";
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  element.replaceWith(frame);
  frame.append(element);
}

/** A link says where it leads, unless its words do. @param {string} href @param {string} inner */
function anchor(href, inner) {
  if (!ADDRESS.test(href)) return inner;
  const host = URL.canParse(href) ? new URL(href).host : "";
  const told = host && !inner.includes(host) ? `<span class="host"> (${escaped(host)})</span>` : "";
  return `<a href="${escaped(href)}">${inner}${told}</a>`;
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
