// Markdown becomes elements, and nothing in it becomes a script.
//
// Three fences, each enough alone: raw HTML in an answer is shown as the text it is; DOMPurify lets
// a short list of elements and attributes through; the page's policy runs no inline script.
//
// While an answer grows only the blocks that changed are made again, so that what the reader has
// selected, scrolled or copied above stays put.

import { Marked } from "./vendor/marked.js";
import DOMPurify from "./vendor/purify.js";
import { words } from "./words.js";

const TAGS = [
  "a", "b", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i",
  "img", "input", "kbd", "li", "mark", "ol", "p", "pre", "s", "span", "strong", "sub", "sup",
  "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
];
const ATTRIBUTES = ["align", "alt", "checked", "class", "disabled", "href", "src", "start", "title", "type"];
const POLICY = {
  ALLOWED_TAGS: TAGS,
  ALLOWED_ATTR: ATTRIBUTES,
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|tel:)/i,
  ADD_URI_SAFE_ATTR: ["align", "start", "type"], // the pattern above is not for these
  RETURN_DOM_FRAGMENT: true,
};
const COLOURS = { ALLOWED_TAGS: ["span"], ALLOWED_ATTR: ["class"], RETURN_DOM_FRAGMENT: true };

// Formatting that models write as HTML because Markdown has none for it; never with attributes.
const HARMLESS = /^<(?:br ?\/?|\/?(?:b|i|s|u|kbd|mark|sub|sup))>$/i;
const LANGUAGE = /^language-[\w+#.-]{1,30}$/;
const LONGEST_OPEN = 280; // characters of a quote before the answer that is not folded
const LONGEST_COLOURED = 40_000; // characters of code; colouring more would be felt

const marked = new Marked({
  gfm: true,
  breaks: true, // a single line end is one to the people who chat
  renderer: {
    html({ text }) {
      return text.replace(/<[^<>]*>|[<>&]/g, (part) => (HARMLESS.test(part) ? part : escaped(part)));
    },
  },
});

function escaped(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer nofollow");
  } else if (node.tagName === "IMG") {
    node.replaceWith(linkInstead(node));
  } else if (node.tagName === "INPUT") {
    // task lists have boxes; anything else that can be filled in is a trick
    if (node.getAttribute("type") !== "checkbox") node.remove();
    else node.setAttribute("disabled", "");
  }
  if (node.tagName === "CODE" && !LANGUAGE.test(node.className)) node.removeAttribute("class");
  if (!["CODE", "SPAN"].includes(node.tagName)) node.removeAttribute("class");
});

/**
 * A picture in an answer follows it as a file, from our own server. Shown here as well it would be
 * there twice, and whoever wrote its address would be told that it was read, and by whom.
 */
function linkInstead(picture) {
  const address = picture.getAttribute("src") ?? "";
  const name = picture.getAttribute("alt") || address;
  if (!/^https?:/i.test(address) || picture.closest("a")) return name;
  const link = picture.ownerDocument.createElement("a");
  link.setAttribute("href", address);
  link.textContent = name;
  return link; // which is looked at in its turn
}

const shown = new WeakMap(); // element -> [{raw, block, grows}]

/**
 * Show `text` in `element`.
 *
 * growing: more may follow, so the last block may still change.
 * copyable(figure, read): gives a block of code its button.
 */
export function render(element, text, { growing, copyable }) {
  const tokens = marked.lexer(text).filter(({ type }) => type !== "space" && type !== "def");
  const before = shown.get(element) ?? [];
  const opening = tokens.findIndex(({ type }) => type !== "blockquote");
  const after = tokens.map((token, index) => {
    const grows = growing && index === tokens.length - 1;
    const folds = !grows && index < opening && token.text.length > LONGEST_OPEN;
    return kept(before[index], token, { grows, folds }) ?? made(token, { grows, folds, copyable });
  });
  after.forEach(({ block }, index) => {
    const current = element.children[index];
    if (current !== block) current ? current.replaceWith(block) : element.append(block);
  });
  while (element.children.length > after.length) element.lastElementChild.remove();
  shown.set(element, after);
}

/** Reuse a block that shows the token already, or is code that only has grown. */
function kept(old, token, { grows, folds }) {
  if (!old || old.type !== token.type || old.folds !== folds) return undefined;
  if (token.type !== "code") return old.raw === token.raw ? old : undefined;
  if (old.language !== language(token)) return undefined;
  const code = old.block.querySelector("code");
  if (old.raw !== token.raw) write(code, token.text);
  if (!grows && (old.grows || old.raw !== token.raw)) colour(code, old.language);
  return Object.assign(old, { raw: token.raw, grows });
}

function made(token, { grows, folds, copyable }) {
  const block = document.createElement("div");
  block.className = "block";
  const { type, raw } = token;
  const record = { type, raw, block, grows, folds, language: language(token) };
  if (token.type === "code") {
    const code = document.createElement("code");
    code.textContent = token.text;
    const pre = document.createElement("pre");
    pre.append(code);
    block.append(pre);
    frame(pre, record.language, copyable);
    if (!grows) colour(code, record.language);
  } else {
    block.append(DOMPurify.sanitize(marked.parser([token]), POLICY));
    finish(block, copyable);
    if (folds) fold(block);
  }
  return record;
}

/** Long thoughts before an answer are there for whoever opens them. */
function fold(block) {
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  const preview = document.createElement("span");
  preview.textContent = block.textContent.trim().slice(0, 200);
  const hide = document.createElement("b");
  hide.textContent = words.showLess;
  summary.append(preview, hide);
  details.append(summary, ...block.childNodes);
  block.append(details);
}

/** Give what came out of the sanitiser its furniture. */
function finish(block, copyable) {
  for (const pre of block.querySelectorAll("pre")) {
    const code = pre.querySelector("code");
    if (!code) continue;
    const name = code.className.replace("language-", "");
    frame(pre, name, copyable);
    colour(code, name);
  }
  for (const table of block.querySelectorAll("table")) {
    const wide = document.createElement("div");
    wide.className = "wide";
    wide.tabIndex = 0;
    table.replaceWith(wide);
    wide.append(table);
  }
}

function frame(pre, name, copyable) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const label = document.createElement("span");
  label.textContent = name || "text";
  caption.append(label);
  pre.replaceWith(figure);
  pre.tabIndex = 0;
  figure.append(caption, pre);
  copyable(caption, () => pre.textContent);
}

/** Append where possible: a selection in the code survives. */
function write(code, text) {
  const [node] = code.childNodes;
  const isPlain = code.childNodes.length === 1 && node.nodeType === Node.TEXT_NODE;
  if (isPlain && text.startsWith(node.data)) node.appendData(text.slice(node.data.length));
  else code.textContent = text;
}

function language(token) {
  return (token.lang ?? "").match(/^[\w+#.-]{1,30}/)?.[0] ?? "";
}

let highlighter;

/** Colour finished code, as soon as the library is here; plain code is fine until then. */
async function colour(code, name) {
  if (!name || code.textContent.length > LONGEST_COLOURED) return;
  highlighter ??= import("./vendor/highlight.js").then((module) => module.default);
  let hljs;
  try {
    hljs = await highlighter;
  } catch {
    highlighter = undefined; // the server was away: try again with the next block
    return;
  }
  if (!hljs.getLanguage(name)) return;
  const text = code.textContent;
  const { value } = hljs.highlight(text, { language: name, ignoreIllegals: true });
  code.replaceChildren(DOMPurify.sanitize(value, COLOURS));
}
