// What the reader said and the server has not confirmed. It survives a reload, and is said again
// with the same id until the server has it: the server knows repeats by that id.

const DELAYS = [1, 2, 4, 8, 15]; // seconds between attempts

export class Outbox {
  #name;
  #post;
  #told;
  #attempt = 0;
  #timer = 0;
  #pumping = false;
  items = [];

  /**
   * name: where in localStorage; the tabs of one browser share it.
   * post(item): resolves to {id}.
   * told: {changed(), stored(item, id), failed(item), refused(refusal)}.
   */
  constructor(name, post, told) {
    this.#name = name;
    this.#post = post;
    this.#told = told;
    this.#load();
    addEventListener("storage", ({ key }) => {
      if (key !== this.#name) return;
      this.#load();
      this.#told.changed();
    });
  }

  /** said: what the item consists of, as the server reads it. */
  add(said) {
    this.items.push({ ...said, id: uuid(), at: Date.now() / 1000 });
    this.#save();
    this.pump();
  }

  retry(id) {
    for (const item of this.items) if (item.id === id) delete item.failed;
    this.#save();
    this.wake();
  }

  drop(id) {
    this.items = this.items.filter((item) => item.id !== id);
    this.#save();
  }

  /** Something changed for the better: do not wait for the timer. */
  wake() {
    this.#attempt = 0;
    this.pump();
  }

  async pump() {
    clearTimeout(this.#timer);
    if (this.#pumping || !this.#next) return;
    this.#pumping = true;
    try {
      await alone(this.#name, () => this.#drain());
    } finally {
      this.#pumping = false;
    }
  }

  get #next() {
    return this.items.find((item) => !item.failed);
  }

  /** In order, one at a time; stop at the first that has to wait. */
  async #drain() {
    this.#load(); // another tab may have sent some of it
    for (let item = this.#next; item; item = this.#next) {
      try {
        const { id } = await this.#post(item);
        this.#attempt = 0;
        this.#told.stored(item, id);
        this.drop(item.id);
      } catch (refusal) {
        if (!this.#waits(item, refusal)) return;
      }
    }
  }

  /** Decide what a refusal means. True: go on with the next. */
  #waits(item, refusal) {
    const current = this.items.find(({ id }) => id === item.id);
    if (current && !refusal.passes && !refusal.isLostSession) {
      current.failed = refusal.message;
      this.#save();
      this.#told.failed(current);
      return true;
    }
    if (current) current.waiting = true;
    this.#save();
    const delay = DELAYS[Math.min(this.#attempt++, DELAYS.length - 1)];
    this.#timer = setTimeout(() => this.pump(), Math.max(delay, refusal.retryAfter) * 1000);
    this.#told.refused(refusal);
    return false;
  }

  #load() {
    let kept;
    try {
      kept = JSON.parse(localStorage.getItem(this.#name));
    } catch {
      // not ours, or cut short: nothing that could be sent
    }
    this.items = Array.isArray(kept) ? kept : [];
  }

  #save() {
    try {
      localStorage.setItem(this.#name, JSON.stringify(this.items));
    } catch {
      // Storage is full or forbidden: then it lasts as long as the page.
    }
    this.#told.changed();
  }
}

/** One tab sends at a time, where the browser has locks (https and localhost). */
function alone(name, work) {
  return navigator.locks ? navigator.locks.request(name, work) : work();
}

/** crypto.randomUUID() is missing on plain http. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
