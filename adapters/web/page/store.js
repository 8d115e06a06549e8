// What was said, as far as this page knows. No DOM, no network: events in, a list out.

// What the server leaves out where there is none.
const NOTHING_MORE = { buttons: [], files: [], rates: false, rating: "" };

/**
 * A message: {uid, id?, key?, client?, author, text, at, final, buttons, files, rates, rating}.
 * `uid` is ours and stays the same while a message goes from pending to stored.
 */
export class Store {
  #messages = [];
  #uids = 0;
  more = false;
  typingUntil = 0;

  /** Stored messages by id, then those that have no id yet. */
  get messages() {
    return this.#messages;
  }

  get oldest() {
    return this.#messages.find((message) => message.id)?.id;
  }

  /** Start over from what the server knows, keeping the history that was scrolled up to. */
  snapshot({ entries, more, typing }, now) {
    const first = entries.find((entry) => entry.id)?.id ?? Infinity;
    const joins = this.#messages.some((message) => message.id >= first);
    const before = joins ? this.#messages.filter((message) => message.id < first) : [];
    const known = this.#messages;
    this.#messages = [...before, ...entries.map((entry) => this.#named(entry, known))];
    if (before.length === 0) this.more = more;
    this.typingUntil = typing ? now + typing * 1000 : 0;
    this.#sort();
  }

  /** One message is new or has changed. */
  upsert(event) {
    const [first, ...doubles] = this.#messages.filter((message) => isSame(message, event));
    if (event.withdrawn) {
      this.#messages = this.#messages.filter((message) => message !== first);
      return;
    }
    if (!first && event.text === undefined) return; // the start of it is above what was loaded
    if (!first && this.more && event.id < this.oldest) return;
    const message = first ?? this.#named(event, []);
    const text = event.text ?? message.text.slice(0, event.keep) + event.append;
    Object.assign(message, NOTHING_MORE, event, { text });
    // A repeated send shows a new message until it turns out to be one that is here already.
    this.#messages = this.#messages.filter((other) => !doubles.includes(other));
    if (!first) this.#messages.push(message);
    if (message.author === "bot") this.typingUntil = 0;
    this.#sort();
  }

  /** The server has what this page said. */
  acknowledged(item, id) {
    const { text, at, files = [] } = item;
    this.upsert({ id, client: item.id, author: "user", text, at, files, final: true });
  }

  /** Older messages, oldest first. */
  prepend({ entries, more }) {
    this.#messages.unshift(...entries.map((entry) => this.#named(entry, [])));
    this.more = more;
  }

  typing(seconds, now) {
    this.typingUntil = now + seconds * 1000;
  }

  #named(entry, known) {
    const same = known.find((message) => isSame(message, entry));
    const client = entry.client ?? same?.client;
    const uid = client ?? same?.uid ?? `m${++this.#uids}`;
    return { ...NOTHING_MORE, ...entry, client, uid };
  }

  #sort() {
    const order = (message) => message.id ?? Infinity;
    this.#messages.sort((a, b) => (order(a) === order(b) ? 0 : order(a) - order(b)));
  }
}

function isSame(message, event) {
  return ["id", "key", "client"].some((name) => event[name] && message[name] === event[name]);
}
