// Loads the style sheet of a page or component, once.

const loaded = new Map();

/**
 * `await styles("./face-crop.css", import.meta.url)` at the top of a module: what it builds never shows unstyled.
 * @param {string} file
 * @param {string} base the module's own address
 * @returns {Promise<void>}
 */
export function styles(file, base) {
  const href = new URL(file, base).href;
  if (!loaded.has(href)) loaded.set(href, load(href));
  return loaded.get(href);
}

function load(href) {
  return new Promise((resolve) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = href;
    link.onload = () => resolve();
    link.onerror = () => {
      loaded.delete(href); // the next page that wants it tries again
      link.remove();
      resolve(); // without its style a page is plain, but it works
    };
    document.head.append(link);
  });
}
