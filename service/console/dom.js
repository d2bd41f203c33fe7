// Builds elements. Text is always text: nothing here reads HTML, so names of people cannot become markup.

const SVG = "http://www.w3.org/2000/svg";
const SAFE_URL = /^(https?:|blob:|#|\.{0,2}\/|[^:]*$)/i;

/**
 * An element: `h("button", { class: "primary", onclick: save }, "Save")`.
 *
 * `onclick` and the like take functions; `style` an object of CSS properties; true and false set and omit an
 * attribute; null and undefined omit it. `value`, `checked` and the like are set as properties.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...any} children elements, texts, numbers, arrays of these; null, undefined and false are left out
 */
export function h(tag, props = {}, ...children) {
  return build(document.createElement(tag), props, children);
}

/** The same for SVG. */
export function svg(tag, props = {}, ...children) {
  return build(document.createElementNS(SVG, tag), props, children);
}

/** Replaces what is in `element`. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

function build(element, props, children) {
  append(element, children); // before `value`: a select needs its options
  for (const [name, value] of Object.entries(props)) set(element, name, value);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === true) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

const PROPERTIES = new Set(["value", "checked", "indeterminate", "selected", "srcObject", "muted", "volume"]);

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (typeof value === "function") {
    element.addEventListener(name.replace(/^on/, ""), value);
  } else if (name === "style") {
    for (const [property, text] of Object.entries(value)) element.style.setProperty(property, text);
  } else if (PROPERTIES.has(name)) {
    element[name] = value;
  } else if ((name === "href" || name === "src") && !SAFE_URL.test(value)) {
    throw new TypeError(`not an address that a page may have: ${name}`);
  } else {
    element.setAttribute(name, value === true ? "" : value);
  }
}
