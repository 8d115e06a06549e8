// Where the reader is. The page follows an answer only for a reader who is at its end.

const NEAR_END = 24; // pixels
const NEAR_START = 600; // pixels: load older messages before the reader meets the edge

export class Follower {
  #box;
  #last = 0;
  #told;
  follows = true;

  /** told: {moved(), nearStart()}. `content` is what grows inside `box`. */
  constructor(box, content, told) {
    this.#box = box;
    this.#told = told;
    box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    const resized = new ResizeObserver(() => this.settle());
    resized.observe(box);
    resized.observe(content);
  }

  /** Go to the end and stay there. */
  follow() {
    this.follows = true;
    this.settle();
    this.#told.moved();
  }

  /** The content changed: keep the end in view if that is where the reader was. */
  settle() {
    if (this.follows) this.#box.scrollTop = this.#box.scrollHeight;
    this.#last = this.#box.scrollTop;
    this.#atStart();
  }

  /** Put something above the reader without moving what is read. */
  above(change) {
    const fromEnd = this.#box.scrollHeight - this.#box.scrollTop;
    change();
    this.#box.scrollTop = this.#box.scrollHeight - fromEnd;
    this.#last = this.#box.scrollTop;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    const toEnd = scrollHeight - scrollTop - clientHeight;
    // Only the reader scrolls up; content that grows moves the end away without a scroll.
    if (scrollTop < this.#last && toEnd > 1) this.follows = false;
    else if (toEnd < NEAR_END) this.follows = true;
    this.#last = scrollTop;
    this.#atStart();
    this.#told.moved();
  }

  #atStart() {
    if (this.#box.scrollTop < NEAR_START) this.#told.nearStart();
  }
}
