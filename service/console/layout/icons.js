// Small line icons, decorative: a word is always beside them.

import { svg } from "../dom.js";

const SHAPES = {
  menu: "M4 7h16M4 12h16M4 17h16",
  identify: "M4 8V5a1 1 0 0 1 1-1h3M16 4h3a1 1 0 0 1 1 1v3M20 16v3a1 1 0 0 1-1 1h-3M8 20H5a1 1 0 0 1-1-1v-3M9 10v1M15 10v1M9 15c2 1.6 4 1.6 6 0",
  verify: "M3 6h8v12H3zM13 6h8v12h-8zM6 13l1.5 1.5L10 11",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c.8-4.500 3.800-7 8-7s7.200 2.500 8 7",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c.6-4 3-6 6.500-6s5.900 2 6.500 6M16 11a3 3 0 0 0 0-6M17.500 14.300c2.200.7 3.500 2.600 4 5.700",
  reviews: "M8 4H5v16h14V4h-3M8 3h8v3H8zM8.500 13.500l2.300 2.300 4.700-5",
  imports: "M12 3v11M7.500 10l4.500 4.500 4.500-4.500M4 16v4h16v-4",
  models: "M12 3l8 4.500v9L12 21l-8-4.500v-9zM12 12l8-4.500M12 12v9M12 12L4 7.500",
  gallery: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.500v5M9 14.500v5",
  galleries: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  operations: "M3 12h4l2.500-7 4.500 14 2.500-7H21",
  access: "M14.500 9.500a4.500 4.500 0 1 0-4 4.470L12 15.500h2v2h2v2h4v-3.500l-5.700-5.700M8.500 8.500h.01",
  audit: "M6 3h9l4 4v14H6zM9 12h7M9 16h7M9 8h3",
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 16.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7z",
  try: "M6 4.500l13 7.500-13 7.500z",
  upload: "M12 16V5M7.500 9L12 4.500 16.500 9M4 16v4h16v-4",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 12.500l4.500 4.500L19 7.500",
  warning: "M12 4L2.500 20h19zM12 10v4.500M12 17.500v.01",
  refresh: "M20 11a8 8 0 1 0-2.300 6.500M20 5v6h-6",
};

/** @param {keyof typeof SHAPES} name */
export const icon = (name) =>
  svg(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", width: 20, height: 20, "aria-hidden": "true", focusable: "false" },
    svg("path", { d: SHAPES[name] ?? "" }),
  );
