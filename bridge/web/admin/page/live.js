// Keeps the page up to date, writes times in the reader's own zone, and asks before a deed.
// Without it the page works as well; one has to reload it.

const EVERY = 4000; // milliseconds between two looks
const policy = globalThis.trustedTypes?.createPolicy("admin", { createHTML: (text) => text });
const lost = document.getElementById("lost");
let tag = "";

function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    const sameDay = at.toDateString() === new Date().toDateString();
    const day = sameDay ? {} : { year: "numeric", month: "short", day: "numeric" };
    time.title = at.toLocaleString();
    const exact = sameDay && !time.closest(".axis"); // a chart has no room for what is zero
    time.textContent = at.toLocaleString(undefined, {
      ...day, hour: "2-digit", minute: "2-digit", ...(exact && { second: "2-digit" }),
    });
  }
}

// As the server sent it last, so that what was changed here is no reason to exchange a piece.
const sent = new Map();

function pieces(root) {
  return [...root.querySelectorAll("[data-live]")].filter((piece) => piece.id);
}

function inUse(piece) {
  const selection = getSelection();
  const marked = selection && !selection.isCollapsed && selection.containsNode(piece, true);
  const ticked = piece.querySelector("input[type=checkbox]:checked");
  return marked || ticked || (piece.contains(document.activeElement) && piece.querySelector("form"));
}

function exchange(text) {
  const fresh = new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
  let whole = true;
  for (const piece of pieces(fresh)) {
    const old = document.getElementById(piece.id);
    if (!old || sent.get(piece.id) === piece.outerHTML) continue;
    if (inUse(old)) {
      whole = false;
      continue;
    }
    sent.set(piece.id, piece.outerHTML);
    const scrolled = [...old.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
    const focused = old.contains(document.activeElement)
      ? document.activeElement.getAttribute("href") : null;
    localise(piece);
    old.replaceWith(document.adoptNode(piece));
    piece.querySelectorAll(".scroll").forEach((box, at) => { box.scrollLeft = scrolled[at] ?? 0; });
    if (focused) piece.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }
  return whole;
}

async function look() {
  const answer = await fetch(location.href, {
    headers: { "X-Live": "1", ...(tag && { "If-None-Match": tag }) },
    cache: "no-store",
    credentials: "same-origin",
  });
  if (answer.status === 401) {
    location.reload(); // signed out elsewhere, or for too long: it leads to the entrance
    return;
  }
  if (answer.status !== 304) {
    if (!answer.ok) throw new Error(`${answer.status}`);
    tag = exchange(await answer.text()) ? answer.headers.get("ETag") ?? "" : "";
  }
  lost.hidden = true;
}

let waiting = 0;

async function again() {
  clearTimeout(waiting);
  if (document.hidden) return; // nobody looks; it goes on when somebody does
  try {
    await look();
  } catch {
    lost.hidden = false;
  }
  waiting = setTimeout(again, EVERY);
}

for (const piece of pieces(document)) sent.set(piece.id, piece.outerHTML);
localise(document);
if (sent.size) {
  document.addEventListener("visibilitychange", again);
  waiting = setTimeout(again, EVERY);
}

document.addEventListener("submit", (event) => {
  const ask = event.submitter?.dataset.confirm;
  if (ask && !confirm(ask)) event.preventDefault();
});

document.addEventListener("change", (event) => {
  const all = event.target.dataset?.all;
  if (!all) return;
  for (const box of event.target.form.querySelectorAll("input[type=checkbox]")) {
    if (box.name === all) box.checked = event.target.checked;
  }
});
