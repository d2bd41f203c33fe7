// The entries of a long list, loaded page by page where they are looked at.

const MOST_PAGES = 60;

/**
 * @param {object} options
 * @param {(offset: number, limit: number, signal: AbortSignal) => Promise<any[]>} options.load
 * @param {number} options.size entries of a page
 * @param {() => void} options.onLoaded something is there that was not
 * @param {(error: Error) => void} options.onError
 * @param {AbortSignal} options.signal
 */
export function createPages({ load, size, onLoaded, onError, signal }) {
  /** @type {Map<number, {items: any[] | null, controller: AbortController}>} the last used last */
  const pages = new Map();

  function request(number) {
    const controller = new AbortController();
    const page = { items: null, controller };
    pages.set(number, page);
    load(number * size, size, AbortSignal.any([signal, controller.signal])).then(
      (items) => {
        page.items = items;
        onLoaded();
      },
      (error) => {
        pages.delete(number);
        if (error.name !== "AbortError") onError(error);
      },
    );
  }

  return {
    /** The entry, or undefined while it is not there. */
    get: (index) => pages.get(Math.floor(index / size))?.items?.[index % size],
    put(number, items) {
      pages.set(number, { items, controller: new AbortController() });
    },
    /** Has the entries from `first` to `last` loaded, and gives up on what else was on its way. */
    want(first, last) {
      const from = Math.floor(first / size);
      const to = Math.floor(last / size);
      for (const [number, { items, controller }] of pages) {
        if (items === null && (number < from || number > to)) controller.abort();
      }
      for (let number = from; number <= to; number++) {
        const page = pages.get(number);
        if (!page) request(number);
        else if (page.items !== null) pages.delete(number), pages.set(number, page);
      }
      for (const number of pages.keys()) {
        if (pages.size <= MOST_PAGES) break;
        if (number < from || number > to) pages.delete(number);
      }
    },
    clear() {
      for (const { controller } of pages.values()) controller.abort();
      pages.clear();
    },
  };
}
