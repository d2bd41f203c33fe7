// Disables a button while what it began is going on, so that a double click asks the server once.

/**
 * @template T
 * @param {HTMLButtonElement} button keeps the focus, where it had it and nothing else has taken it since
 * @param {() => Promise<T>} action
 * @returns {Promise<T | undefined>} undefined where the button is disabled already
 */
export async function whileDisabled(button, action) {
  if (button.disabled) return undefined;
  const focused = document.activeElement === button;
  button.disabled = true;
  try {
    return await action();
  } finally {
    button.disabled = false;
    if (focused && button.isConnected && document.activeElement === document.body) button.focus();
  }
}
