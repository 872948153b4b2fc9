// Which view a path of ours shows, and which path shows a view. Pure.

/** @typedef {"agents" | "review" | "keys" | "sessions" | "users" | "audit" | "usage"} Office */
/** @typedef {"running" | "capacity" | "product"} Figures */
/** @typedef {{ view: "analytics", page: Figures }} Analytics */
/** @typedef {{ view: "home" } | { view: "conversation", id: string } | { view: Office } | Analytics | { view: "nowhere" }} Place */

/** @type {readonly Office[]} */
const OFFICES = ["agents", "review", "keys", "sessions", "users", "audit", "usage"];
/** @type {readonly Figures[]} */
const FIGURES = ["running", "capacity", "product"];
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * The place that a path shows.
 * @param {string} path
 * @returns {Place}
 */
export function placeOf(path) {
  if (path === "/") return { view: "home" };
  const [first, second, ...rest] = path.slice(1).split("/");
  if (first === "c" && second && ID.test(second) && rest.length === 0) return { view: "conversation", id: second };
  const page = FIGURES.find((it) => it === (second ?? "running"));
  if (first === "analytics" && page && rest.length === 0) return { view: "analytics", page };
  const office = OFFICES.find((it) => it === first);
  return office && second === undefined ? { view: office } : { view: "nowhere" };
}

/**
 * The path that shows a place.
 * @param {Place} place
 */
export function pathOf(place) {
  switch (place.view) {
    case "conversation":
      return `/c/${place.id}`;
    case "analytics":
      return `/analytics/${place.page}`;
    case "home":
    case "nowhere":
      return "/";
    default:
      return `/${place.view}`;
  }
}

/**
 * Goes to a place; whoever listens to `popstate` hears of it.
 * @param {Place} place
 * @param {boolean} [instead] whether it takes the place of this one in the history
 */
export function go(place, instead = false) {
  history[instead ? "replaceState" : "pushState"](null, "", pathOf(place));
  dispatchEvent(new PopStateEvent("popstate"));
}
