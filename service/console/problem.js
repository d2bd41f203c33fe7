// What went wrong, in words: the API's problem details, or a server that does not answer.

import { t, has } from "./texts.js";

/** An answer of the API that is an error (RFC 9457), or `code` `offline` if there was no answer. */
export class Problem extends Error {
  /**
   * @param {{status: number, code: string, detail?: string, requestId?: string | null,
   *   retryAfterSeconds?: number | null, extra?: Record<string, any>}} fields
   */
  constructor({ status, code, detail = "", requestId = null, retryAfterSeconds = null, extra = {} }) {
    super(detail || code);
    Object.assign(this, { status, code, detail, requestId, retryAfterSeconds, extra });
  }

  /** @param {Response} response */
  static async from(response) {
    const body = await response.json().catch(() => ({}));
    const { code = `http_${response.status}`, detail = response.statusText, ...extra } = body;
    const retryAfter = Number(response.headers.get("Retry-After"));
    return new Problem({
      status: response.status,
      code,
      detail,
      extra,
      requestId: response.headers.get("X-Request-Id"),
      retryAfterSeconds: retryAfter > 0 ? retryAfter : null,
    });
  }

  static offline() {
    return new Problem({ status: 0, code: "offline" });
  }

  get temporary() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/**
 * What happened and what to do, for people. The words are `problems.CODE` in the texts; without them, the API's own.
 * @param {unknown} error
 */
export function inWords(error) {
  if (!(error instanceof Problem)) return t("problems.unexpected");
  if (has(`problems.${error.code}`)) return t(`problems.${error.code}`, error.extra);
  return error.detail ? sentence(error.detail) : t("problems.unexpected");
}

function sentence(text) {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
