// Files that are to go with the next message: on their way to the server, or there already.

import { icon, make } from "./elements.js";
import { words } from "./words.js";

const MOST = 10; // files of one message
const ATTEMPTS = 3;
const DELAY = 1000; // milliseconds before another attempt, once more for each that failed

export class Tray {
  #list;
  #upload;
  #told;
  #items = [];
  largest = Infinity; // megabytes

  /**
   * upload(file, about, {progress, signal}): resolves to {id, name, size, mime}.
   * told: {changed(), trouble(text)}. address(id): where a file that is there can be read.
   */
  constructor(list, upload, told, address) {
    this.#list = list;
    this.#upload = upload;
    this.#told = told;
    this.address = address;
  }

  get isEmpty() {
    return this.#items.length === 0;
  }

  /** Something is still on its way. */
  get isBusy() {
    return this.#items.some(({ known }) => !known);
  }

  /** Take files in, as far as they can be sent. Resolves to whether all of them are there. */
  async add(files, kind = "") {
    const came = await Promise.all([...files].map((file) => this.#one(file, kind)));
    return came.length > 0 && came.every(Boolean);
  }

  /** Hand the files over to a message: [{id, name, size, mime}]. */
  take() {
    const known = this.#items.map((item) => item.known);
    this.#items = [];
    this.#changed();
    return known;
  }

  async #one(file, kind) {
    const trouble = this.#objection(file);
    if (trouble) return this.#told.trouble(trouble), false;
    const item = { name: file.name, leaving: new AbortController() };
    this.#show(item);
    this.#items.push(item);
    this.#changed();
    try {
      item.known = await this.#send(item, file, kind);
    } catch (refusal) {
      if (item.leaving.signal.aborted) return false;
      this.#drop(item);
      this.#told.trouble(`${file.name} ${words.notUploaded}: ${refusal.message || words.unreachable}`);
      return false;
    }
    this.#arrived(item);
    return true;
  }

  #objection(file) {
    if (this.#items.length >= MOST) return words.tooMany;
    if (file.size === 0) return `${file.name} ${words.emptyFile}`;
    const isTooLarge = file.size > this.largest * 1024 * 1024;
    return isTooLarge ? `${file.name} ${words.isTooLarge} ${this.largest} MB` : "";
  }

  async #send(item, file, kind) {
    const about = { name: file.name, mime: file.type, kind };
    const progress = (share) => (item.bar.value = share);
    const { signal } = item.leaving;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#upload(file, about, { progress, signal });
      } catch (refusal) {
        if (attempt >= ATTEMPTS || !refusal.passes || signal.aborted) throw refusal;
      }
      await new Promise((resolve) => setTimeout(resolve, attempt * DELAY));
    }
  }

  #show(item) {
    item.element = make("li", "parcel");
    item.bar = make("progress");
    item.bar.max = 1;
    item.bar.value = 0;
    item.bar.ariaLabel = item.name;
    item.face = make("span", "face");
    item.face.append(icon("file"));
    const remove = make("button", "quiet");
    remove.type = "button";
    remove.ariaLabel = remove.title = `${words.remove}: ${item.name}`;
    remove.append(icon("remove"));
    remove.addEventListener("click", () => {
      item.leaving.abort();
      this.#drop(item);
    });
    const name = make("span", "name", item.name);
    name.title = item.name;
    item.element.append(item.face, name, item.bar, remove);
    this.#list.append(item.element);
  }

  #arrived(item) {
    item.bar.remove();
    if (item.known.mime.startsWith("image/")) {
      const picture = make("img");
      picture.src = this.address(item.known.id);
      picture.alt = "";
      item.face.replaceChildren(picture);
    }
    this.#changed();
  }

  #drop(item) {
    this.#items = this.#items.filter((other) => other !== item);
    this.#changed();
  }

  #changed() {
    const shown = this.#items.map(({ element }) => element);
    for (const element of [...this.#list.children]) if (!shown.includes(element)) element.remove();
    this.#list.hidden = this.isEmpty;
    this.#told.changed();
  }
}
