// Asks again and again, while the page is visible.

/**
 * Calls `ask` at once, then some seconds after each answer. While the window is hidden it waits.
 * @param {number} seconds
 * @param {() => Promise<void>} ask must not reject, except when the page is left
 * @param {AbortSignal} signal of the page
 * @returns {{now: () => Promise<void>, first: Promise<void>}} `now` asks at once
 */
export function poll(seconds, ask, signal) {
  let timer = 0;
  let running = null;

  function now() {
    clearTimeout(timer);
    running ??= ask()
      .catch((error) => signal.aborted || console.warn(error.message))
      .finally(() => {
        running = null;
        if (!signal.aborted && !document.hidden) timer = setTimeout(now, seconds * 1000);
      });
    return running;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : now()), { signal });
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  return { now, first: now() };
}
