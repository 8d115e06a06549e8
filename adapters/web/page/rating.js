// Thumbs under an answer, and a line to say why.

import { button, drawn, make } from "./elements.js";
import { words } from "./words.js";

export class Rating {
  #rate;
  #thumbs = {};
  #why;
  #rating = "";

  /** rate(rating, reason): "like", "dislike" or "none". The element goes among an answer's tools. */
  constructor(rate) {
    this.#rate = rate;
    this.element = make("span", "thumbs");
    for (const thumb of ["like", "dislike"]) {
      this.#thumbs[thumb] = drawn("copy", thumb, words[thumb], () => this.#press(thumb));
      this.element.append(this.#thumbs[thumb]);
    }
    this.show("");
  }

  show(rating) {
    this.#rating = rating;
    for (const [name, thumb] of Object.entries(this.#thumbs)) {
      thumb.ariaPressed = String(name === rating);
    }
  }

  #press(thumb) {
    const rating = thumb === this.#rating ? "none" : thumb;
    this.#rate(rating, "");
    // Not in `show`: word of an earlier press may come late, and somebody may be typing.
    if (rating === "dislike") this.#ask();
    else this.#close();
  }

  /** Nobody has to say why. */
  #ask() {
    this.#close();
    const field = make("input");
    field.type = "text";
    field.maxLength = 500;
    field.placeholder = field.ariaLabel = words.reasonHint;
    this.#why = make("form", "why");
    const send = button("link", words.send, () => {});
    send.type = "submit";
    this.#why.append(field, send, drawn("quiet", "remove", words.cancel, () => this.#close()));
    this.#why.addEventListener("submit", (event) => {
      event.preventDefault();
      const reason = field.value.trim();
      if (reason) this.#rate("dislike", reason);
      this.#close();
    });
    this.#why.addEventListener("keydown", ({ key }) => key === "Escape" && this.#close());
    this.element.parentElement.after(this.#why);
    field.focus();
  }

  #close() {
    if (this.#why?.contains(document.activeElement)) this.#thumbs.dislike.focus();
    this.#why?.remove();
    this.#why = undefined;
  }
}
