// Hands a file to whoever reads, under a name of its own.

/** As long as a browser may take to begin. */
const KEEP_MS = 60_000;

/** @param {string} name @param {Blob} blob */
export function save(name, blob) {
  const link = document.createElement("a");
  // Whatever it is: it is kept, and not opened as a page of ours.
  link.href = URL.createObjectURL(new Blob([blob], { type: "application/octet-stream" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEEP_MS);
}
