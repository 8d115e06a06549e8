// The page's side of the HTTP that adapters/web/adapter.py describes.

const PATIENCE = 20_000; // milliseconds for one request; a repeat is harmless

/** The server said no, or nothing (`status` 0). */
export class Refusal extends Error {
  constructor(status, code, message, retryAfter = 0) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** The same request may succeed later. */
  get passes() {
    return this.status === 0 || this.status >= 500 || [408, 425, 429].includes(this.status);
  }

  /** Nothing is wrong with the request: the session has to be opened again first. */
  get isLostSession() {
    return this.status === 401 || this.code === "unknown_chat";
  }
}

export class Api {
  /** base: the address of the account, such as https://host/web/web/ */
  constructor(base) {
    this.base = base;
  }

  /** Open, or come back to, this browser's chat. Resolves to {chat, title}. */
  session(token = "") {
    return this.#call("POST", "session", token ? { token } : {});
  }

  /** Say something. Resolves to {id} once it is stored. */
  post(chat, message) {
    return this.#call("POST", `chats/${chat}/messages`, message);
  }

  /** Resolves to {entries, more}: what was said before the message `before`. */
  older(chat, before) {
    return this.#call("GET", `chats/${chat}/messages?before=${before}&limit=50`);
  }

  /** Everything that happens from now on. */
  events(chat) {
    return new EventSource(new URL(`chats/${chat}/events`, this.base));
  }

  async #call(method, path, body) {
    let response;
    let answer = {};
    try {
      response = await fetch(new URL(path, this.base), {
        method,
        headers: body ? { "Content-Type": "application/json" } : {},
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(PATIENCE),
      });
      answer = await response.json();
    } catch (error) {
      // A proxy's error page is no JSON: its status still says what to do.
      throw new Refusal(response && !response.ok ? response.status : 0, "network", String(error));
    }
    if (response.ok) return answer;
    const { code = "", message = response.statusText } = answer.error ?? {};
    throw new Refusal(response.status, code, message, Number(response.headers.get("Retry-After")));
  }
}
