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

  /** Say what one thinks of an answer. Resolves to {id} once it is stored. */
  rate(chat, rating) {
    return this.#call("POST", `chats/${chat}/ratings`, rating);
  }

  /** Where a file of the chat can be read. */
  file(chat, id) {
    return new URL(`chats/${chat}/files/${id}`, this.base).href;
  }

  /**
   * Hand in a file. Resolves to {id, name, size, mime}.
   * about: {name, mime, kind}; progress(share) is told how much of it has gone; signal ends it.
   */
  upload(chat, file, about, { progress, signal }) {
    const url = new URL(`chats/${chat}/files`, this.base);
    for (const [name, value] of Object.entries(about)) url.searchParams.set(name, value);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest(); // fetch tells nothing while it sends
      request.open("POST", url);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.upload.addEventListener("progress", ({ loaded, total }) => progress(loaded / total));
      request.addEventListener("loadend", () => {
        const answer = parsed(request.responseText);
        if (request.status === 201 && answer) return resolve(answer);
        const { code = "network", message = request.statusText } = answer?.error ?? {};
        reject(new Refusal(request.status, code, message));
      });
      signal.addEventListener("abort", () => request.abort());
      request.send(file);
    });
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

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a proxy's error page, or nothing
  }
}
