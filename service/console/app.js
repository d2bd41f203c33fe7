// Starts the console: who is signed in, the frame around the pages, the router.

import { announcer } from "./announcer.js";
import { createLayout } from "./layout/layout.js";
import { startRouter } from "./router.js";
import { loadSession } from "./session.js";
import { createToasts } from "./components/toast/toast.js";

const layout = createLayout();
document.body.replaceChildren(...layout.elements, createToasts(), announcer);
await loadSession().catch(() => {}); // the first page shows what is wrong, and tries again
startRouter(layout);
