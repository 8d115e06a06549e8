// The page: what happens goes into the store, and the store goes on screen once per frame.

import { Api, Refusal } from "./api.js";
import { Line } from "./line.js";
import { Outbox } from "./outbox.js";
import { canRecord, Recorder } from "./recorder.js";
import { Follower } from "./scroll.js";
import { Store } from "./store.js";
import { Tray } from "./tray.js";
import { View } from "./view.js";
import { label, language, words } from "./words.js";

const LONGEST = 60_000; // bytes of one message; the server takes 64 KB with what is around it
const CALM = 1500; // milliseconds before a lost connection is worth a word
const DOUBLE = 600; // milliseconds in which a second click belongs to the first
const LOCATING = 20_000; // milliseconds the browser may take to find where it is
const HIDDEN = 20_000; // milliseconds until a hidden, idle tab gives its connection back
const NAME = "coze-bridge:name";
const DRAFT = "coze-bridge:draft";

const at = (id) => document.getElementById(id);
const base = new URL("../", import.meta.url);
const store = new Store();
const api = new Api(base);
let frame = 0;
let loading = false;
let unseen = false; // something came while the reader was elsewhere
let downSince = 0;
let spoken = 0; // the id of the last answer that was read aloud
let changing; // the message of the reader's that gets other words
let changeable = 0; // seconds in which one can be

label(document);

const line = new Line(api, {
  session({ title, largest, edits }) {
    tray.largest = largest;
    changeable = edits;
    at("title").textContent = document.title = title;
    document.body.dataset.state = "chat";
    at("login").hidden = true;
  },
  event(name, data) {
    if (name === "snapshot") store.snapshot(data, Date.now());
    else if (name === "upsert") store.upsert(data);
    else if (name === "typing") store.typing(data.seconds, Date.now());
    if (name === "snapshot") spoken = lastAnswer()?.id ?? 0; // history is not news
    if (name === "upsert") unseen = true;
    if (name !== "beat") draw();
  },
  up() {
    downSince = 0;
    draw();
    outbox.wake();
  },
  down() {
    downSince ||= Date.now();
    setTimeout(draw, CALM);
  },
  locked: showLogin,
});

const outbox = new Outbox(
  `coze-bridge:outbox:${base.pathname}`,
  async ({ id, text, files = [], place, edits, about, rating, reason }) => {
    if (!line.chat) throw new Refusal(0, "not_open", "");
    if (rating) return api.rate(line.chat, { id, about, rating, reason, language });
    const ids = files.map((file) => file.id);
    return api.post(line.chat, { id, text, files: ids, place, edits, ...reader() });
  },
  {
    changed: draw,
    stored: (item, id) => isMessage(item) && store.acknowledged(item, id),
    failed(item) {
      if (isMessage(item)) return; // it says so itself
      outbox.drop(item.id);
      notify(`${item.rating ? words.notRated : words.notChanged}: ${item.failed}`);
    },
    refused: (refusal) => refusal.isLostSession && line.open(),
  },
);

/** It is something new that was said, not what happens to something said before. */
function isMessage({ rating, edits }) {
  return !rating && !edits;
}

const address = (id) => api.file(line.chat, id);

const view = new View(at("log"), {
  say: press,
  retry: (id) => outbox.retry(id),
  drop: (id) => outbox.drop(id),
  rate: ({ id }, rating, reason) => outbox.add({ about: id, rating, reason }),
  change,
  canChange: ({ id, at, text }) =>
    Boolean(id) && !text.startsWith("/") && text !== "" && Date.now() / 1000 - at < changeable,
  locate,
  address,
});

const tray = new Tray(
  at("tray"),
  (file, about, way) => {
    if (!line.chat) throw new Refusal(0, "not_open", words.connecting);
    return api.upload(line.chat, file, about, way);
  },
  { changed: () => paintButtons(), trouble: notify },
  address,
);
const recorder = new Recorder();

const follower = new Follower(at("scroll"), at("log").parentElement, {
  moved() {
    if (follower.follows) unseen = false;
    at("jump").hidden = follower.follows;
    at("jump").classList.toggle("news", unseen);
  },
  nearStart: loadOlder,
});

/** Whatever is known of the reader goes with each message: nobody has to remember it. */
function reader() {
  const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
  return { name: localStorage.getItem(NAME) ?? "", language, timezone };
}

// On screen

function draw() {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    paint();
  });
}

function paint() {
  const messages = store.messages.map(asLastSaid);
  const known = new Set(messages.map(({ client }) => client));
  const pending = outbox.items
    .filter((item) => isMessage(item) && !known.has(item.id))
    .map((item) => ({ ...item, uid: item.id, author: "user", pending: true }));
  view.show(messages, pending);
  at("welcome").hidden = messages.length + pending.length > 0 || !line.chat;
  paintTyping();
  paintButtons();
  paintConnection();
  announce();
  follower.settle();
  at("jump").classList.toggle("news", unseen && !follower.follows);
}

/** A message as the reader has left it, though the server may not know yet. */
function asLastSaid(message) {
  if (!message.id) return message; // nothing can be said of it before it is stored
  const edit = outbox.items.findLast(({ edits }) => edits === message.id);
  const rated = outbox.items.findLast(({ about }) => about === message.id);
  if (!edit && !rated) return message;
  const rating = rated ? rated.rating.replace("none", "") : message.rating;
  return { ...message, rating, text: edit?.text ?? message.text };
}

function lastAnswer() {
  return store.messages.findLast(({ author }) => author === "bot");
}

function isAnswering() {
  const last = lastAnswer();
  return store.typingUntil > Date.now() || Boolean(last && !last.final);
}

let typingTimer = 0;

function paintTyping() {
  const left = store.typingUntil - Date.now();
  const last = store.messages.at(-1);
  at("typing").hidden = left <= 0 || (last?.author === "bot" && !last.final);
  clearTimeout(typingTimer);
  if (left > 0) typingTimer = setTimeout(draw, left + 10);
}

function paintButtons() {
  const isEmpty = at("words").value.trim() === "" && tray.isEmpty;
  const isStop = isAnswering() && isEmpty && !recorder.isOn;
  const hadFocus = document.activeElement === at(isStop ? "send" : "stop");
  at("stop").hidden = !isStop;
  at("send").hidden = isStop;
  at("send").disabled = (isEmpty && !recorder.isOn) || tray.isBusy;
  at("record").hidden = !canRecord || !isEmpty || recorder.isOn || Boolean(changing);
  at("attach").hidden = recorder.isOn || Boolean(changing);
  at("words").hidden = recorder.isOn;
  at("recording").hidden = !recorder.isOn;
  if (hadFocus) at("words").focus();
}

function paintConnection() {
  const isDown = downSince > 0 && Date.now() - downSince >= CALM;
  const text = isDown ? words.reconnecting : "";
  if (at("connection").textContent !== text) at("connection").textContent = text;
  at("connection").hidden = !isDown;
}

/** Read a finished answer to those who listen, once and whole, not word by word. */
function announce() {
  const last = lastAnswer();
  if (!last?.final || !(last.id > spoken)) return;
  spoken = last.id;
  at("spoken").textContent = last.text.slice(0, 4000);
  if (document.hidden) document.title = `● ${at("title").textContent}`;
}

async function loadOlder() {
  if (loading || !store.more || !line.chat) return;
  loading = true;
  at("older").hidden = false;
  try {
    const older = await api.older(line.chat, store.oldest);
    paint(); // what has come meanwhile, or it would move what is read together with the older ones
    follower.above(() => {
      store.prepend(older);
      at("older").hidden = true;
      paint();
    });
  } catch {
    // The next scroll tries again; a lost line says so in the bar.
  } finally {
    at("older").hidden = true;
    loading = false;
  }
}

// What the reader does

/** more: {files, place} of the message. */
function say(text, more = {}) {
  outbox.add({ text, ...more });
  follower.follow();
}

/** A pressed button says its words and is gone: the next thing to do is to write. */
function press(text) {
  say(text);
  if (!isTouch()) at("words").focus();
}

function isTouch() {
  return matchMedia("(hover: none) and (pointer: coarse)").matches;
}

function submit() {
  if (recorder.isOn) return sendRecording();
  const text = wellFormed(at("words").value.trim());
  if (!text && tray.isEmpty) return;
  if (tray.isBusy) return notify(words.stillComing);
  if (new Blob([JSON.stringify(text)]).size > LONGEST) return notify(words.tooLong);
  if (changing) return changeTo(text);
  at("words").value = "";
  const files = tray.take();
  typed();
  say(text, { files });
}

function notify(text) {
  at("notice").textContent = text;
  at("notice").hidden = false;
}

// Other words for the last question

function change(message) {
  if (!changing) keptAside = at("words").value;
  changing = message;
  write(message.text);
  at("words").focus();
}

let keptAside = ""; // what was being written when a question was to be changed

function changeTo(text) {
  if (!text) return;
  if (text !== changing.text) outbox.add({ text, edits: changing.id });
  leaveUnchanged();
}

function leaveUnchanged() {
  changing = undefined;
  write(keptAside);
  at("words").focus();
}

function write(text) {
  at("words").value = text;
  at("editing").hidden = !changing;
  typed();
}

at("leave").addEventListener("click", leaveUnchanged);

// Files, a voice, a place

async function record() {
  at("notice").hidden = true;
  at("record").disabled = true; // while the browser asks
  try {
    await recorder.start(sendRecording);
  } catch {
    return notify(words.noMicrophone);
  } finally {
    at("record").disabled = false;
  }
  paintButtons();
  at("send").focus();
  countRecorded();
}

function countRecorded() {
  if (!recorder.isOn) return;
  const seconds = Math.floor((Date.now() - recorder.startedAt) / 1000);
  at("recorded").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  setTimeout(countRecorded, 250);
}

async function sendRecording() {
  const file = await recorder.stop();
  paintButtons();
  at("words").focus();
  const isThere = await tray.add([file], "voice");
  // What was attached meanwhile goes with it, once all of it has arrived and somebody says so.
  if (isThere && !tray.isBusy) say("", { files: tray.take() });
}

function locate() {
  navigator.geolocation.getCurrentPosition(
    ({ coords: { latitude, longitude } }) =>
      say(`${words.location}: ${latitude}, ${longitude}`, { place: { latitude, longitude } }),
    () => notify(words.noLocation),
    { timeout: LOCATING, maximumAge: 60_000 },
  );
}

function discard() {
  recorder.discard();
  paintButtons();
  at("words").focus();
}

at("record").addEventListener("click", record);
at("discard").addEventListener("click", discard);
addEventListener("keydown", ({ key }) => key === "Escape" && recorder.isOn && discard());

function attach(files) {
  at("notice").hidden = true;
  if (!changing && !recorder.isOn) tray.add(files);
}

at("attach").addEventListener("click", () => at("files").click());
at("files").addEventListener("change", () => {
  attach([...at("files").files]);
  at("files").value = ""; // the same file may be chosen again
  at("words").focus();
});
at("words").addEventListener("paste", (event) => {
  const { files } = event.clipboardData;
  if (files.length === 0) return;
  event.preventDefault();
  attach([...files]);
});

const carriesFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
let dragging = 0;

addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault(); // else the browser would open the file
  if (document.body.dataset.state !== "chat") return;
  at("drop").hidden = false;
  clearTimeout(dragging);
  dragging = setTimeout(() => (at("drop").hidden = true), 300); // it left, or was let go elsewhere
});
addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  at("drop").hidden = true;
  if (document.body.dataset.state === "chat") attach([...event.dataTransfer.files]);
});

/** Half a character, as some keyboards leave behind, is no text that can be sent. */
function wellFormed(text) {
  return new TextDecoder().decode(new TextEncoder().encode(text));
}

function typed() {
  const box = at("words");
  at("notice").hidden = true;
  paintButtons(); // first: with other buttons beside it the text breaks elsewhere
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
  keepDraft(box.value);
}

function keepDraft(text) {
  try {
    sessionStorage.setItem(DRAFT, text);
  } catch {
    // Too large for the browser, or forbidden: then it lasts as long as the page.
  }
}

at("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});

at("words").addEventListener("input", typed);
at("words").addEventListener("keydown", (event) => {
  // 229: Safari ends a composition before it tells us that Enter was part of it
  const isComposing = event.isComposing || event.keyCode === 229;
  if (event.key === "Escape" && changing && !isComposing) leaveUnchanged();
  if (event.key !== "Enter" || event.shiftKey || isComposing) return;
  if (isTouch()) return; // a phone's Enter is a new line
  event.preventDefault();
  submit();
});

let clickedAt = -Infinity;

/** Leave out the second half of a double click: Stop comes up where Send was just pressed. */
function once(act) {
  return ({ timeStamp }) => {
    const isEcho = timeStamp - clickedAt < DOUBLE; // of the finger: a slow page hears of it later
    clickedAt = timeStamp;
    if (!isEcho) act();
  };
}

at("send").addEventListener("click", ({ timeStamp }) => (clickedAt = timeStamp));
at("stop").addEventListener("click", once(() => press("/stop")));
at("new").addEventListener("click", once(() => press("/new")));
at("jump").addEventListener("click", () => follower.follow());
at("welcome").addEventListener("click", ({ target }) => {
  const says = target.closest("[data-says]")?.dataset.says;
  if (says) press(says);
});

at("profile").addEventListener("click", () => {
  at("name").value = localStorage.getItem(NAME) ?? "";
  at("name-dialog").showModal();
});
at("name").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault(); // Enter would press the first button, which is Cancel
  at("name-dialog").close("save");
});
at("name-dialog").addEventListener("close", () => {
  if (at("name-dialog").returnValue === "save") localStorage.setItem(NAME, wellFormed(at("name").value.trim()));
});

// Getting in

function showLogin(refusal) {
  line.close();
  document.body.dataset.state = "login";
  at("login").hidden = false;
  const says = { token_needed: "", unauthorised: "", wrong_token: words.wrongToken };
  const text = says[refusal.code] ?? refusal.message;
  at("login-error").textContent = text;
  at("login-error").hidden = text === "";
  at("token").value = "";
  at("token").focus();
}

at("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  await line.open(at("token").value.trim());
  if (document.body.dataset.state !== "login") at("words").focus();
  else if (at("login-error").hidden) {
    at("login-error").textContent = words.unreachable;
    at("login-error").hidden = false;
  }
});

/** The link printed at start carries the token where no server sees it; take it out at once. */
function tokenOfLink() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
  if (token) history.replaceState(null, "", location.pathname + location.search);
  return token;
}

// Coming and going

let hiding = 0;

/** A browser opens six connections to a server: many hidden tabs would starve the visible one. */
function rest() {
  if (isAnswering() || outbox.items.length > 0) hiding = setTimeout(rest, HIDDEN);
  else line.close();
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) {
    hiding = setTimeout(rest, HIDDEN);
    return;
  }
  document.title = at("title").textContent;
  if (!line.isUp && document.body.dataset.state === "chat") line.open();
});
addEventListener("online", () => document.body.dataset.state === "chat" && line.open());
addEventListener("hashchange", () => {
  const token = tokenOfLink();
  if (token) line.open(token);
});

at("words").value = sessionStorage.getItem(DRAFT) ?? "";
typed();
line.open(tokenOfLink());
if (!isTouch()) at("words").focus();
