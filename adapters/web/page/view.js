// The conversation on screen: rows that are made once and touched only where they changed.

import { button, drawn, icon, make } from "./elements.js";
import { filesOf } from "./files.js";
import { render } from "./markdown.js";
import { Rating } from "./rating.js";
import { words } from "./words.js";

const CAN_LOCATE = Boolean(navigator.geolocation && globalThis.isSecureContext);
const DIVIDERS = { "/new": words.newConversation, "/clear": words.cleared };
const ANOTHER_TRY = /^\/retry \d+$/; // the button under an apology, which becomes the answer

export class View {
  #log;
  #rows = new Map();
  #acts;

  /**
   * acts: {say(text), locate(), retry(id), drop(id), change(item), canChange(item),
   * rate(item, rating, reason), address(file id)}.
   */
  constructor(log, acts) {
    this.#log = log;
    this.#acts = acts;
  }

  /**
   * Show `messages` and, below them, what the server has not confirmed.
   * Every item has a `uid`; a pending one becomes its message without being made again.
   */
  show(messages, pending) {
    const items = [...messages, ...pending];
    const lastWords = items.findLastIndex(
      ({ author, text }) => author === "user" && !ANOTHER_TRY.test(text),
    );
    const alive = new Set();
    let place = null; // rows are laid from the end: most often nothing above has moved
    for (let index = items.length - 1; index >= 0; index--) {
      const item = items[index];
      const row = this.#row(item);
      row.update(item, { offers: index > lastWords, isLast: index === lastWords });
      alive.add(item.uid);
      if (row.element.nextSibling !== place || !row.element.parentNode) {
        this.#log.insertBefore(row.element, place);
      }
      place = row.element;
    }
    for (const [uid, row] of this.#rows) {
      if (alive.has(uid)) continue;
      row.element.remove();
      this.#rows.delete(uid);
    }
  }

  #row(item) {
    let row = this.#rows.get(item.uid);
    if (!row) {
      row = item.author === "bot" ? new Answer(this.#acts) : new Words(this.#acts, item);
      this.#rows.set(item.uid, row);
    }
    return row;
  }
}

/** What the reader said: a bubble, or a line across the page where a command changes the scene. */
class Words {
  #acts;
  #bubble;
  #change;
  #item;
  #state;
  #shown = "";

  constructor(acts, { text, files }) {
    this.#acts = acts;
    const said = text.trim();
    const command = said.split(/\s/)[0].toLowerCase();
    if (command in DIVIDERS) {
      this.element = make("div", "divider");
      this.element.role = "separator";
      this.element.append(make("span", "", DIVIDERS[command]));
    } else if (command === "/stop" || ANOTHER_TRY.test(said)) {
      this.element = make("p", "unsaid"); // the answer above shows what came of it
    } else {
      this.element = make("article", "mine");
      this.element.ariaLabel = words.you;
      this.element.append(...filesOf(files ?? [], acts.address));
      this.#bubble = make("p", /^\/[a-z]+$/.test(text.trim()) ? "bubble command" : "bubble");
      this.#bubble.dir = "auto";
      this.#change = drawn("copy change", "change", words.change, () => acts.change(this.#item));
      this.element.append(this.#bubble, this.#change);
    }
    this.#state = make("p", "state");
    this.element.append(this.#state);
  }

  update(item, { isLast }) {
    this.#item = item;
    if (this.#bubble) {
      if (this.#bubble.textContent !== item.text) this.#bubble.textContent = item.text;
      this.#bubble.hidden = item.text === "";
      this.#change.hidden = !isLast || !this.#acts.canChange(item);
    }
    const now = item.pending ? (item.failed ?? (item.waiting ? "waiting" : "sending")) : "";
    if (now === this.#shown) return;
    this.#shown = now;
    this.element.classList.toggle("pending", Boolean(item.pending));
    this.element.classList.toggle("failed", Boolean(item.failed));
    this.#state.replaceChildren();
    if (item.failed) {
      const retry = button("link", words.retry, () => this.#acts.retry(item.id));
      const drop = button("link", words.drop, () => this.#acts.drop(item.id));
      this.#state.append(`${words.notSent}: ${item.failed} `, retry, " ", drop);
    } else if (item.pending) {
      this.#state.append(words[now]);
    }
  }
}

/** What the agent answered: a page of Markdown with its tools and suggestions. */
class Answer {
  #acts;
  #body = make("div", "md");
  #files = make("div", "files");
  #tools = make("div", "tools");
  #rating;
  #offers = make("div", "suggestions");
  #item;
  #shown = {};

  constructor(acts) {
    this.#acts = acts;
    this.element = make("article", "answer");
    this.element.ariaLabel = words.agent;
    this.#body.dir = "auto";
    copyButton(this.#tools, words.copyAnswer, () => this.#item.text);
    this.#rating = new Rating((rating, reason) => acts.rate(this.#item, rating, reason));
    this.#tools.append(this.#rating.element);
    this.element.append(this.#body, this.#files, this.#tools, this.#offers);
  }

  update(item, { offers }) {
    this.#item = item;
    const wanted = { text: item.text, final: item.final, buttons: offers && item.final };
    const { text, final, buttons } = this.#shown;
    if (text !== wanted.text || final !== wanted.final) this.#write(item);
    if (buttons !== wanted.buttons || this.#shown.of !== item.buttons) {
      this.#offer(wanted.buttons ? item.buttons : []);
    }
    if (!sameFiles(this.#shown.files, item.files)) {
      this.#files.replaceChildren(...filesOf(item.files, this.#acts.address));
    }
    this.#rating.element.hidden = !item.rates;
    this.#rating.show(item.rating);
    this.#tools.classList.toggle("rated", item.rating !== "");
    this.#shown = { ...wanted, of: item.buttons, files: item.files };
  }

  #write(item) {
    this.element.ariaBusy = String(!item.final);
    const copyable = (place, read) => copyButton(place, words.copyCode, read, words.copy);
    render(this.#body, item.text, { growing: !item.final, copyable });
    this.#body.hidden = item.text === "";
    this.#tools.hidden = !item.final || item.text === "";
    this.#tools.querySelector("time")?.remove();
    this.#tools.append(time(item.at));
  }

  #offer(buttons) {
    const fit = buttons.filter(({ wants }) => !wants || CAN_LOCATE);
    this.#offers.replaceChildren(...fit.map((each) => this.#offered(each)));
  }

  /** What was pressed is gone at once, not only when its words are seen. */
  #press(says) {
    this.#offers.replaceChildren();
    this.#acts.say(says);
  }

  #offered({ label, says, wants }) {
    if (!wants) return button("", label, () => this.#press(says));
    const element = button("wants", "", () => this.#acts.locate());
    element.append(icon("place"), label);
    return element;
  }
}

function sameFiles(some, others) {
  return some?.length === others.length && some.every(({ id }, at) => id === others[at].id);
}

function time(at) {
  const element = make("time");
  const date = new Date(at * 1000);
  element.dateTime = date.toISOString();
  element.title = date.toLocaleString();
  element.textContent = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return element;
}

function copyButton(place, label, read, text = "") {
  const element = button("copy", "", async () => {
    if (!(await copy(read()))) return;
    face("done", words.copied);
    setTimeout(() => face("copy", label), 1600);
  });
  const face = (drawing, name) => {
    element.replaceChildren(icon(drawing));
    if (text) element.append(make("span", "", name === words.copied ? name : text));
    element.ariaLabel = element.title = name;
  };
  face("copy", label);
  place.append(element);
}

/** The clipboard API is missing on plain http; the old way still works there. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = make("textarea", "unseen");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
