// The components that the pages of both vendors are made of. They behave as Radix and shadcn/ui do: a menu
// opens when the pointer goes down, what floats is at the end of the body, and while something modal is
// open the rest of the page is hidden from assistive technology and takes no clicks.

export const boot = JSON.parse(document.getElementById("boot").textContent);

const mutations = new Set(boot.mutations);

// mutated reports whether the sandbox was asked for this change of the pages.
export const mutated = (name) => mutations.has(name);

// t returns a word as it is shown, with {0} replaced.
export function t(word, ...args) {
  const shown = boot.words[word];
  if (shown === undefined) throw new Error(`the table of words lacks "${word}"`);
  return args.reduce((text, arg, i) => text.replace(`{${i}}`, arg), shown);
}

let ids = 0;
export const newID = () => `radix-:r${(ids++).toString(32)}:`;

// h makes an element. A property that begins with "on" is a listener; one that is null or false is left out.
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const paths = {
  chat: "M4 5h16v11H9l-5 4z", check: "M5 13l4 4L19 7", copy: "M9 9h10v10H9z M5 15V5h10", down: "M6 9l6 6 6-6",
  dots: "M5 12h.01 M12 12h.01 M19 12h.01", info: "M12 3a9 9 0 1 0 .01 0 M12 11v5 M12 8h.01", menu: "M4 6h16 M4 12h16 M4 18h16",
  right: "M9 6l6 6-6 6", left: "M15 6l-6 6 6 6", square: "M4 4h16v16H4z M9 9h6v6H9z", user: "M12 12a4 4 0 1 0-.01 0 M5 20c1-5 13-5 14 0",
  warning: "M12 4l9 16H3z M12 10v4 M12 17h.01", x: "M6 6l12 12 M18 6L6 18", bin: "M5 7h14 M9 7V4h6v3 M7 7l1 13h8l1-13",
};

// icon is a picture without a name, as lucide's are.
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", paths[name]);
  svg.append(path);
  return svg;
}

export const hidden = (text) => h("span", { class: "sr-only" }, text);

// stray tells the sandbox of a click on what nobody needs who does what the vendor's guide says.
export const stray = (thing) => { ask("POST", `/data/strays/${encodeURIComponent(thing)}`).catch(() => {}); };

export const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// button is a button, unless a mutation makes something else of it.
export function button(text, properties = {}) {
  if (mutated("buttons-are-divs")) return h("div", { ...properties, class: `button ${properties.class ?? ""}` }, text);
  return h("button", { type: "button", ...properties, class: `button ${properties.class ?? ""}` }, text);
}

// layer is where everything that floats goes: the end of the body.
export function layer() {
  if (!mutated("shadow")) return document.body;
  let host = document.querySelector("kustom-layer");
  if (!host) {
    host = h("kustom-layer");
    document.body.append(host);
    openShadow(host);
  }
  return host.shadowRoot;
}

// openShadow gives an element an open shadow root with the styles of the page, and returns the root.
export function openShadow(host) {
  const root = host.attachShadow({ mode: "open" });
  root.append(h("link", { rel: "stylesheet", href: "/pages/style.css" }));
  return root;
}

// isolate hides everything but one part of the page, and what speaks, from assistive technology, and takes the
// clicks of the rest, as Radix does; it returns what undoes it.
function isolate(part) {
  const host = part.getRootNode().host ?? part;
  const changed = [];
  const hide = (parent) => {
    for (const child of parent.children) {
      if (child === host || child.tagName === "SCRIPT" || child.ariaHidden === "true" || child.hasAttribute("aria-live")) continue;
      if (child.contains(host)) {
        hide(child);
        continue;
      }
      child.setAttribute("aria-hidden", "true");
      child.inert = mutated("inert");
      changed.push(child);
    }
  };
  hide(document.body);
  document.body.style.pointerEvents = "none";
  return () => {
    for (const element of changed) {
      element.removeAttribute("aria-hidden");
      element.inert = false;
    }
    if (!open.some((o) => o.modal)) document.body.style.pointerEvents = "";
  };
}

const tabbable = "a[href], button:not([disabled]), input:not([disabled]), [tabindex='0']";

function trapFocus(part, event) {
  const stops = [...part.querySelectorAll(tabbable)];
  const last = stops.length - 1;
  const at = stops.indexOf(part.getRootNode().activeElement);
  const to = event.shiftKey ? (at <= 0 ? last : at - 1) : (at === last ? 0 : at + 1);
  event.preventDefault();
  stops[to]?.focus();
}

const open = []; // what floats, the topmost last

document.addEventListener("keydown", (event) => {
  const top = open.at(-1);
  if (!top) return;
  if (event.key === "Escape") top.close();
  if (event.key === "Tab" && top.modal) trapFocus(top.part, event);
});

// It listens before the page does, so that the press that opens something is not the one that closes it.
document.addEventListener("pointerdown", (event) => {
  const top = open.at(-1);
  const path = event.composedPath();
  if (top && !path.includes(top.part) && !path.includes(top.trigger)) top.close();
}, true);

// float shows parts at the end of the body until close is called, and gives the focus back then.
function float(parts, part, { modal, trigger, onclose }) {
  const before = document.activeElement;
  layer().append(...parts);
  part.style.pointerEvents = "auto";
  const undo = modal ? isolate(part) : () => {};
  const entry = {
    part, modal, trigger,
    close() {
      const at = open.indexOf(entry);
      if (at < 0) return;
      open.splice(at, 1);
      undo();
      for (const p of parts) p.remove();
      before?.focus();
      onclose?.();
    },
  };
  open.push(entry);
  return entry;
}

// dialog shows a modal dialog. It is named by its title and described by its sentence. What is asked for
// with makeBody gets the function that closes the dialog.
export function dialog(title, sentence, makeBody, { role = "dialog", plain = false, closeName = t("Close"), onclose } = {}) {
  const [titleID, sentenceID] = [newID(), newID()];
  const close = () => entry.close();
  const content = h("div", { class: "dialog", "data-state": "open" },
    h("h2", { id: titleID }, title), sentence ? h("p", { id: sentenceID, class: "muted" }, sentence) : null, makeBody(close),
    role === "alertdialog" ? null : h("button", { type: "button", class: "x", onclick: close }, icon("x"), closeName ? hidden(closeName) : null));
  if (!plain) {
    const names = { role, tabindex: "-1", "aria-labelledby": titleID, "aria-describedby": sentence ? sentenceID : null };
    for (const [name, value] of Object.entries(names)) if (value) content.setAttribute(name, value);
  }
  const overlay = h("div", { class: "overlay", "data-state": "open", "aria-hidden": plain ? null : "true" });
  const entry = float([overlay, content], content, { modal: !plain, onclose });
  (content.querySelector(tabbable) ?? content).focus();
  return { close, content };
}

// confirmDialog asks before it acts. The dialog stays until the action has ended well.
export function confirmDialog({ title, sentence, confirm, cancel = t("Cancel"), danger, role, typed, act }) {
  dialog(title, sentence, (close) => {
    const yes = button(confirm, {
      class: danger ? "danger" : "primary", disabled: Boolean(typed),
      onclick: async () => {
        yes.toggleAttribute("disabled", true);
        if (await act()) close();
        else yes.toggleAttribute("disabled", false);
      },
    });
    const field = typed ? h("input", { type: "text", "aria-label": t("Key ID"), oninput: (e) => yes.toggleAttribute("disabled", e.target.value !== typed) }) : null;
    return h("div", {}, field, h("div", { class: "buttons" }, button(cancel, { class: "outline", onclick: close }), yes));
  }, { role });
}

// menu makes a button that opens a menu. Radix opens it when the pointer goes down, not at the click.
export function menu(label, items, properties = {}) {
  const trigger = h("button", { type: "button", "aria-haspopup": "menu", "aria-expanded": "false", "data-state": "closed", id: newID(), ...properties }, label);
  const show = () => {
    if (trigger.getAttribute("aria-expanded") === "true") return;
    const list = h("div", { role: "menu", id: newID(), class: "menu", "aria-orientation": "vertical", "aria-labelledby": trigger.id, tabindex: "-1" },
      items.map(({ text, act }) => h("div", { role: "menuitem", tabindex: "-1", onclick: () => { entry.close(); act(); } }, text)));
    const wrapper = h("div", { class: "popper" }, list);
    const entry = float([wrapper], list, { modal: true, onclose: () => expand(trigger, null) });
    expand(trigger, list.id);
    place(wrapper, trigger);
    list.firstElementChild?.focus();
    list.addEventListener("keydown", (event) => {
      const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
      const at = list.getRootNode().activeElement;
      if (step) at?.[step]?.focus();
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); at?.click(); }
    });
  };
  trigger.addEventListener("pointerdown", (event) => { if (event.button === 0) { event.preventDefault(); show(); } });
  trigger.addEventListener("keydown", (event) => {
    if (["Enter", " ", "ArrowDown"].includes(event.key)) { event.preventDefault(); show(); }
  });
  return trigger;
}

// expand says of a trigger that it has opened the part with that ID, or with null that it has closed it.
export function expand(trigger, id) {
  trigger.setAttribute("aria-expanded", String(Boolean(id)));
  trigger.setAttribute("data-state", id ? "open" : "closed");
  if (id) trigger.setAttribute("aria-controls", id);
  else trigger.removeAttribute("aria-controls");
}

function place(wrapper, trigger) {
  const at = trigger.getBoundingClientRect();
  wrapper.style.top = `${at.bottom + 4}px`;
  wrapper.style.left = `${Math.max(8, Math.min(at.left, innerWidth - 300))}px`;
}

// combobox is a button whose options exist only while it is open, in a popover with a field to search. As in cmdk,
// the selected option is the one that Enter takes, and not the one that was chosen.
export function combobox({ id, options, value, placeholder, searchable = true, onchange }) {
  const shown = () => options.find((o) => o.value === value)?.text ?? placeholder;
  const trigger = h("button", { type: "button", id, role: "combobox", class: "select", "aria-haspopup": "dialog", "aria-expanded": "false", "data-state": "closed" }, h("span", {}, shown()), icon("down"));
  let entry;
  const choose = (option) => {
    entry.close();
    if (option.value === value) return;
    value = option.value;
    trigger.firstElementChild.textContent = option.text;
    onchange(value);
  };
  const item = (o, i) => h("div", {
    role: "option", id: newID(), class: "option", "aria-disabled": "false", "aria-selected": String(i === 0), "data-value": o.text, onclick: () => choose(o),
    onpointermove: (event) => {
      for (const other of event.currentTarget.parentElement.children) other.setAttribute("aria-selected", String(other === event.currentTarget));
    },
  }, o.text, o.value === value ? icon("check") : null);
  trigger.addEventListener("click", () => {
    if (trigger.getAttribute("aria-expanded") === "true") return entry.close();
    const listID = newID();
    const list = h("div", { role: "listbox", id: listID, class: "options", tabindex: "-1", "aria-label": "Suggestions" });
    const fill = (query) => {
      const matching = options.filter((o) => o.text.toLowerCase().includes(query.trim().toLowerCase()));
      list.replaceChildren(...(matching.length ? matching.map(item) : [h("div", { class: "muted", role: "presentation" }, t("No results found."))]));
    };
    const input = h("input", {
      type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": listID, "aria-autocomplete": "list", autocomplete: "off",
      placeholder: t("Search store..."), oninput: (event) => fill(event.target.value),
      onkeydown: (event) => { if (event.key === "Enter") list.querySelector("[aria-selected=true]")?.click(); },
    });
    const content = h("div", { role: searchable ? "dialog" : null, id: newID(), class: "popover", tabindex: "-1", "data-state": "open" }, searchable ? input : null, list);
    const wrapper = h("div", { class: "popper" }, content);
    fill("");
    entry = float([wrapper], content, { modal: !searchable, trigger, onclose: () => expand(trigger, null) });
    expand(trigger, content.id);
    place(wrapper, trigger);
    return (searchable ? input : content).focus();
  });
  return trigger;
}

// select is the browser's own.
export function select({ id, options, value, placeholder, onchange }) {
  const first = value === undefined ? [h("option", { value: "", selected: true }, placeholder)] : [];
  return h("select", { id, class: "select", onchange: (event) => onchange(event.target.value) }, first,
    options.map((o) => h("option", { value: o.value, selected: o.value === value }, o.text)));
}

const toaster = h("section", { class: "toaster", "aria-label": "Notifications alt+T", "aria-live": "polite", "aria-relevant": "additions text", tabindex: "-1" });
document.body.append(toaster);

// toast says something in the corner for a few seconds.
export function toast(text) {
  if (mutated("silent")) return;
  if (!toaster.firstElementChild) toaster.append(h("ol"));
  const role = mutated("toast-alert") ? "alert" : mutated("toast-status") ? "status" : null;
  const item = h("li", { role, tabindex: "0" }, text);
  toaster.firstElementChild.append(item);
  setTimeout(() => item.remove(), 4000);
}

export const skeleton = (lines = 3) => h("div", { class: "skeletons", "aria-hidden": "true" },
  Array.from({ length: lines }, () => h("div", { class: "skeleton" })));

// banner asks about cookies on the first visit.
export function consentBanner() {
  if (boot.consent || localStorage.getItem("cookie-consent")) return;
  const choose = (choice) => { localStorage.setItem("cookie-consent", choice); done(); };
  const buttons = () => h("div", { class: "buttons" },
    button(t("Necessary only"), { class: "outline", onclick: () => choose("necessary") }),
    button(t("Accept all"), { class: "primary", onclick: () => { stray("Accept all"); choose("all"); } }));
  const text = t("We use cookies to make the portal work and to understand how it is used.");
  let done;
  if (mutated("consent-modal")) {
    done = dialog(t("Cookies"), text, buttons, { role: "alertdialog" }).close;
    return;
  }
  const bar = h("div", { class: "consent", role: "region", "aria-label": t("Cookies") }, h("p", {}, text), buttons());
  done = () => bar.remove();
  document.body.append(bar);
}

// date is a moment in the browser's local time: the day in bold, and the time after it.
export function date(moment) {
  if (!moment) return "–";
  const at = new Date(moment);
  const two = (n) => String(n).padStart(2, "0");
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (mutated("dates-iso")) return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
  const month = boot.months[at.getMonth()];
  const day = `${at.getDate()} ${month} ${at.getFullYear()}`;
  if (mutated("dates-day-only")) return day;
  if (mutated("dates-time-element")) return h("time", { datetime: moment }, `${day} ${time}`);
  return h("span", {}, h("b", {}, day), " ", h("span", { class: "muted" }, time));
}

// ask calls the vendor's own endpoint. It resolves to null when nothing is to be shown: the answer says so,
// or the person has to sign in and is on the way there.
export async function ask(method, path, body) {
  const answer = await fetch(boot.base + path, {
    method, headers: { "X-CSRF-Token": boot.csrf, "Content-Type": "application/json" }, body: body && JSON.stringify(body),
  });
  if (answer.status === 401) {
    location.assign(boot.signIn);
    return null;
  }
  const text = await answer.text();
  const value = text ? JSON.parse(text) : {};
  if (!answer.ok) throw new Error(value.error ? t(value.error) : t("Something went wrong. Please try again."));
  return value.stay ? null : value;
}
