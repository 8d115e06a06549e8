// The files of a message: pictures to see, sound and films to play, everything else to save.

import { icon, make } from "./elements.js";
import { words } from "./words.js";

/** Make the files of a message. address(id): where a file can be read. */
export function filesOf(files, address) {
  return files.map((file) => shown(file, address(file.id)));
}

function shown(file, address) {
  const mime = file.mime ?? "";
  if (mime.startsWith("image/")) return picture(file, address);
  if (mime.startsWith("audio/")) return player("audio", file, address);
  if (mime.startsWith("video/")) return player("video", file, address);
  return link(file, address);
}

function picture(file, address) {
  const frame = make("a", "picture");
  frame.href = address;
  frame.target = "_blank";
  frame.rel = "noopener";
  const image = make("img");
  image.alt = image.title = file.name;
  image.addEventListener("error", () => frame.replaceWith(gone(file)));
  image.src = address;
  frame.append(image);
  return frame;
}

function player(tag, file, address) {
  const element = make(tag, "player");
  element.controls = true;
  element.preload = "metadata";
  element.ariaLabel = element.title = file.name;
  element.addEventListener("error", () => element.replaceWith(link(file, address)));
  element.src = address;
  return element;
}

function link(file, address) {
  const element = named(make("a", "parcel"), file, sized(file.size));
  element.href = address;
  element.download = file.name;
  return element;
}

function gone(file) {
  return named(make("span", "parcel"), file, words.fileGone);
}

function named(element, file, remark) {
  const name = make("bdi", "name", file.name);
  name.title = file.name;
  element.append(icon("file"), name, make("span", "size", remark));
  return element;
}

function sized(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${Math.round(bytes / 1024)} KB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}
