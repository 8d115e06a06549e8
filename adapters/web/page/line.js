// The line to the server: opens the session, listens, and comes back by itself.

const DELAYS = [0.3, 1, 2, 4, 8, 15]; // seconds between attempts
const SILENCE = 40_000; // milliseconds without even a beat (one each 15 s): the line is dead

export class Line {
  #api;
  #told;
  #source;
  #attempt = 0;
  #timer = 0;
  #watch = 0;
  #opening;
  chat = "";

  /** told: {up(), down(), locked(refusal), event(name, data), session(answer)}. */
  constructor(api, told) {
    this.#api = api;
    this.#told = told;
  }

  get isUp() {
    return this.#source?.readyState === EventSource.OPEN;
  }

  /** Open the session and listen; at once, whatever was planned. */
  open(token = "") {
    clearTimeout(this.#timer);
    this.#opening ??= this.#open(token).finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  close() {
    clearTimeout(this.#timer);
    clearTimeout(this.#watch);
    this.#source?.close();
    this.#source = undefined;
  }

  async #open(token) {
    this.close();
    try {
      const answer = await this.#api.session(token);
      this.chat = answer.chat;
      this.#told.session(answer);
    } catch (refusal) {
      if (!refusal.passes) return this.#told.locked(refusal);
      return this.#later();
    }
    this.#listen();
  }

  #listen() {
    const source = (this.#source = this.#api.events(this.chat));
    for (const name of ["snapshot", "upsert", "typing", "beat"]) {
      source.addEventListener(name, ({ data }) => {
        this.#alive();
        if (name === "snapshot") this.#attempt = 0;
        this.#told.event(name, JSON.parse(data));
        if (name === "snapshot") this.#told.up();
      });
    }
    // The browser would retry some failures and not others: always do it ourselves.
    source.addEventListener("error", () => source === this.#source && this.#later());
    this.#alive();
  }

  #alive() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#later(), SILENCE);
  }

  #later() {
    this.close();
    this.#told.down();
    const delay = DELAYS[Math.min(this.#attempt++, DELAYS.length - 1)];
    this.#timer = setTimeout(() => this.open(), delay * (0.75 + Math.random() / 2) * 1000);
  }
}
