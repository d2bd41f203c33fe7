// Asks again and again, while the page is visible.

/**
 * Calls `ask` after `seconds()`, then again after each answer. It pauses while the window is hidden or `seconds` returns
 * null, and ends with `signal`.
 * @param {{ask: () => Promise<void>, seconds: () => number | null, signal: AbortSignal}} options `ask` must not reject,
 *   except when the page is left
 * @returns {{now: () => Promise<void>, wake: () => void}} `now` asks at once; `wake` after what `seconds` returns by now
 */
export function poll({ ask, seconds, signal }) {
  let timer = 0;
  let running = null;

  function wake() {
    clearTimeout(timer);
    const pause = seconds();
    if (pause !== null && !document.hidden && !signal.aborted) timer = setTimeout(now, pause * 1000);
  }

  function now() {
    clearTimeout(timer);
    running ??= ask()
      .catch((error) => signal.aborted || console.warn(error.message))
      .finally(() => {
        running = null;
        wake();
      });
    return running;
  }

  const changed = () => (document.hidden ? clearTimeout(timer) : seconds() !== null && now());
  document.addEventListener("visibilitychange", changed, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  wake();
  return { now, wake };
}
