// Small pieces of the page.

export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

export function button(className, text, press) {
  const element = make("button", className, text);
  element.type = "button";
  element.addEventListener("click", press);
  return element;
}

/** A button that is only a drawing; its name is for those who do not see it. */
export function drawn(className, name, label, press) {
  const element = button(className, "", press);
  element.append(icon(name));
  element.ariaLabel = element.title = label;
  return element;
}

export function icon(name) {
  return document.getElementById(`icon-${name}`).content.cloneNode(true);
}
