// Asks again and again while the page is seen.

/**
 * Calls `ask` after `seconds()`, then again; not while the page is hidden. It ends with `signal`, or when `seconds`
 * returns null.
 * @param {{ask: () => Promise<void>, seconds: () => number | null, signal: AbortSignal}} options
 */
export function poll({ ask, seconds, signal }) {
  let timer = null;
  let asking = false;

  function wait() {
    clearTimeout(timer);
    const pause = seconds();
    timer = pause === null || document.hidden || signal.aborted ? null : setTimeout(turn, pause * 1000);
  }

  async function turn() {
    if (asking) return;
    asking = true;
    try {
      await ask();
    } finally {
      asking = false;
      wait();
    }
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : seconds() !== null && turn()), { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  wait();
  return { wake: wait };
}
