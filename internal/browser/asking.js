(title, heading, facts, note, buttons) => {
  const add = (to, tag, text) => {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    to.append(element);
    return element;
  };
  document.title = title;
  document.documentElement.lang = "en";
  document.body.style.cssText = "font: 16px/1.5 sans-serif; margin: 2em; color: #111; background: #fff";
  add(document.body, "h1", heading).style.fontSize = "20px";
  const list = add(document.body, "dl");
  list.style.cssText = "display: grid; grid-template-columns: max-content 1fr; gap: .25em 1em";
  for (const [name, value] of facts) {
    add(list, "dt", name);
    const cell = add(list, "dd", value);
    cell.style.cssText = "margin: 0; font-weight: bold; overflow-wrap: anywhere";
  }
  add(document.body, "p", note);
  window.answer = "";
  for (const word of buttons) {
    const choice = add(document.body, "button", word);
    choice.style.cssText = "font: inherit; margin-right: 1em; padding: .4em 2em";
    choice.addEventListener("click", (event) => { if (event.isTrusted) window.answer = word; });
    if (word === buttons.at(-1)) choice.focus();
  }
}
