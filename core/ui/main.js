// The page begins here: language, colours, and the one element that is everything else.

import { speak } from "./words/index.js";
import { colours } from "./views/side.js";

colours();
await speak();
await import("./views/app.js");
