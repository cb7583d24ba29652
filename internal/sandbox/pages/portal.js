// Kustom Portal as a single-page app: the document is the same everywhere, and what is on it comes by fetch.

import {
  ask, boot, button, combobox, confirmDialog, consentBanner, date, dialog, expand, h, hidden, icon, menu, mutated, newID, openShadow,
  select, skeleton, stray, t, toast, wait,
} from "./ui.js";

const integrations = boot.developers ? "Developers" : "Integrations";
const section = `/${integrations.toLowerCase()}`;
const apiPath = `${section}/api`;

const groups = () => [
  { text: "Home", path: "/" },
  { text: "Orders", children: [["All orders", "/orders"]] },
  { text: "Payment links", children: [["All payment links", "/payment-links"]] },
  { text: "Settlements", children: [["Reports", "/settlements"]] },
  { text: "Disputes", path: "/disputes" },
  { text: "User management", children: [["Users", "/user-management"]] },
  ...apiGroup(),
  { text: "Elements", badge: "New", children: [["Installation script", "/elements"]] },
  { text: "Developer logs", path: "/developer-logs" },
];

function apiGroup() {
  if (!me.admin) return [];
  if (mutated("menu-flat")) return [{ text: "API", path: apiPath }];
  if (mutated("page-tabs")) return [{ text: integrations, path: section }];
  const third = boot.developers ? ["Webhooks", `${section}/webhooks`] : ["SFTP credentials", `${section}/sftp-credentials`];
  const first = mutated("lookalikes") ? [["API documentation", `${section}/documentation`]] : [];
  return [{ text: integrations, children: [...first, ["API", apiPath], ["Shipping", `${section}/shipping`], third] }];
}

const root = document.getElementById("root");
const here = () => location.pathname.slice(boot.base.length).replace(/\/$/, "") || "/";
let me;
let stores;
let chosen; // the store of the API page

function go(path) {
  history.pushState(null, "", boot.base + path);
  render();
}

function link(text, path, properties = {}) {
  return h("a", { href: boot.base + path, "aria-current": here() === path ? "page" : null, ...properties, onclick: (event) => {
    event.preventDefault();
    if (path !== apiPath && path !== section) stray(path);
    go(path);
  } }, text);
}

function group({ text, children, badge }) {
  const id = newID();
  const list = h("ul", { id, class: "children" });
  const trigger = h("button", { type: "button", class: "group" }, icon("square"), h("span", {}, t(text)),
    badge ? h("span", { class: "badge" }, t(badge)) : null, icon("right"));
  const set = (open) => {
    expand(trigger, open ? id : null);
    list.hidden = !open;
    list.replaceChildren(...(open ? children.map(([name, path]) => h("li", {}, link(t(name), path))) : []));
    trigger.lastElementChild.replaceWith(icon(open ? "down" : "right"));
  };
  trigger.addEventListener("click", () => set(trigger.getAttribute("aria-expanded") !== "true"));
  set(children.some(([, path]) => path === here()));
  return h("li", {}, trigger, list);
}

function sidebar() {
  const items = me ? groups().map((item) => (item.children ? group(item)
    : h("li", {}, link(h("span", { class: "group" }, icon("square"), t(item.text)), item.path)))) : [h("li", {}, skeleton(9))];
  const bar = h("aside", { class: "sidebar" }, h("div", { class: "logo" }, h("b", {}, "Kustom"), " ", h("small", {}, "Portal")),
    h("nav", {}, h("ul", {}, items)), h("footer", { class: "muted" }, boot.version));
  if (!mutated("menu-hamburger")) return bar;
  bar.hidden = true;
  return h("div", {}, h("button", { type: "button", class: "hamburger", "aria-label": t("Toggle Sidebar"), onclick: () => { bar.hidden = !bar.hidden; } }, icon("menu")), bar);
}

function header() {
  const flag = h("span", { class: `flag ${boot.lang}` });
  const speak = (lang) => () => ask("POST", "/data/language", { lang }).then(() => location.reload());
  const languages = [{ text: "English", act: speak("en") }, { text: "Norsk", act: speak("nb") }];
  const own = ["Dark mode", "Account settings", "Microsoft login"].map((text) => ({ text: t(text), act: () => stray(text) }));
  own.push({ text: t("Sign out"), act: () => ask("POST", "/data/sign-out").then(() => location.assign(boot.signIn)) });
  return h("header", {},
    boot.playground ? h("a", { class: "pill", href: `${boot.base}/switch-environment` }, t("Switch to production")) : null,
    mutated("stores-in-header") && here() === apiPath ? storeChoice() : null,
    h("div", { class: "corner" }, menu(flag, languages, { class: "outline button" }),
      me ? menu(h("span", {}, icon("user"), " ", me.name), own, { class: "outline button" }) : null));
}

function title(text) {
  return h("h1", {}, icon("square"), h("span", {}, text));
}

// plainPage is a page that nobody needs here.
const plainPage = (text) => h("div", {}, title(text), h("p", { class: "muted" }, t("Nothing to show yet.")));

function homePage() {
  const banner = h("div");
  if (me?.admin) {
    ask("GET", "/data/endpoints").then((status) => {
      if (status?.action_required) banner.append(h("div", { role: "alert", class: "box warning" }, icon("warning"), h("span", {}, t(endpointsText))));
    });
  }
  return h("div", {}, title(t("Home")), banner, h("p", { class: "muted" }, t("Nothing to show yet.")));
}

const endpointsText = "Some services are still using Klarna endpoints. Follow this guide to switch your setup to Kustom.";

// page is what the address asks for.
function page() {
  if (!me) return skeleton(6);
  const path = here();
  if (path === "/embedded/api") return apiPage();
  if (path === apiPath && me.admin) return mutated("iframe") ? frame() : apiPage();
  if (path === section && me.admin && mutated("page-tabs")) return tabs();
  if (path === "/") return homePage();
  const known = groups().flatMap((item) => item.children ?? [[item.text, item.path]]).find(([, p]) => p === path);
  if (known) return plainPage(t(known[0]));
  return h("div", {}, h("h1", {}, "404"), h("p", {}, t("This page could not be found.")));
}

const frame = () => h("iframe", { class: "frame", src: `${boot.base}/embedded/api` });

function tabs() {
  const panel = h("div", { role: "tabpanel" });
  const names = ["Shipping", "API", "SFTP credentials"];
  const buttons = names.map((name) => h("button", { type: "button", role: "tab", "aria-selected": "false", onclick: () => {
    if (name !== "API") stray(name);
    show(name);
  } }, t(name)));
  const show = (name) => {
    buttons.forEach((b, i) => b.setAttribute("aria-selected", String(names[i] === name)));
    panel.replaceChildren(name === "API" ? apiPage() : plainPage(t(name)));
  };
  show("Shipping");
  return h("div", {}, h("div", { role: "tablist" }, buttons), panel);
}

let refresh = () => {}; // loads what the API page shows once more

function storeChoice() {
  const id = newID();
  const place = h("div", { class: "field" }, skeleton(1));
  listStores().then(() => {
    const settings = {
      id, value: chosen, placeholder: t("Select store"), searchable: !mutated("combobox-no-search"),
      options: stores.map((s) => ({ value: s.merchant_id, text: `${s.name} – ${s.merchant_id}` })),
      onchange: (value) => { chosen = value; refresh(); },
    };
    const label = mutated("stores-unlabelled") ? null : mutated("stores-label-apart") ? h("div", { class: "label" }, t("Stores")) : h("label", { for: id }, t("Stores"));
    const control = mutated("select-native") ? select(settings) : combobox(settings);
    place.replaceChildren(...[label, control, lookalike("View guide")].filter(Boolean));
  });
  return place;
}

// lookalike is what a name begins that something else is looked for by.
const lookalike = (text) => (mutated("lookalikes") ? button(t(text), { class: "ghost", onclick: () => stray(text) }) : null);

async function listStores() {
  stores ??= (await ask("GET", "/data/stores"))?.stores ?? [];
  if (!mutated("store-not-chosen")) chosen ??= stores[0]?.merchant_id;
}

function apiPage() {
  const status = h("div");
  const count = h("p");
  const head = h("div", { class: "cardhead" }, count, generateButton());
  const list = h("div");
  const card = { head, count, list };
  refresh = async () => {
    pageNumber = 1;
    status.replaceChildren();
    if (!stores) list.replaceChildren(skeleton(4));
    await listStores();
    head.hidden = !chosen;
    if (!chosen) {
      list.replaceChildren(h("p", { class: "muted" }, t("Select store")));
      return;
    }
    await Promise.all([showEndpoints(status), showKeys(card)]);
  };
  refresh();
  return h("div", {}, title(t("API")),
    h("div", { role: "alert", class: "box" }, icon("info"), h("span", {}, t("Your Kustom API keys let you securely connect to Kustom when placing or managing orders."))),
    mutated("stores-in-header") ? null : storeChoice(), status, h("div", { class: "card" }, head, list), lookalike("Next steps"));
}

async function showEndpoints(place) {
  const store = chosen;
  const status = await ask("GET", `/data/stores/${store}/endpoints`);
  if (!status?.action_required || store !== chosen) return;
  const names = ["Service", "Host", "Last used", "Action required"];
  const dismiss = () => confirmDialog({
    title: t("Dismiss warning"), sentence: t("The warning will be hidden for you in this store."), confirm: t("Yes, dismiss warning"),
    act: async () => {
      await ask("POST", `/data/stores/${store}/endpoints/dismissal`);
      place.replaceChildren();
      return true;
    },
  });
  place.replaceChildren(h("section", { class: "card" }, h("h2", {}, t("Action required")),
    h("div", { role: "alert", class: "box warning" }, icon("warning"), h("span", {}, t(endpointsText))),
    h("table", {}, h("thead", {}, h("tr", {}, names.map((n) => h("th", { scope: "col" }, t(n))))),
      h("tbody", {}, status.services.map((s) => h("tr", {}, h("td", {}, t(s.service)), h("td", {}, s.host), h("td", {}, date(s.last_used_at)), h("td", {}, s.action ? t("Switch endpoint to {0}", s.action) : "–"))))),
    button(t("Dismiss warning"), { class: "outline", onclick: dismiss })));
}

let pageNumber = 1;

// showKeys shows the page of keys that is wanted, after those that are shown already.
async function showKeys(card, more = []) {
  const store = chosen;
  if (!more.length) {
    card.count.textContent = "";
    card.list.replaceChildren(mutated("skeleton-rows") ? keysTable(skeletonRows()) : skeleton(4));
  }
  if (mutated("empty-first")) {
    showCount(card, 0, 0);
    card.list.replaceChildren(keysTable([]));
    await wait(1500);
  }
  const all = mutated("one-page") ? "&all=1" : "";
  const list = await ask("GET", `/data/stores/${store}/keys?page=${pageNumber}${all}`);
  if (!list || store !== chosen) return;
  const keys = [...more, ...list.keys];
  showCount(card, list.total, keys.length);
  card.list.replaceChildren(...[keysTable(keys), pager(card, list, keys)].filter(Boolean));
}

function showCount(card, total, shown) {
  if (mutated("count-absent")) return;
  const words = total === 1 ? t("1 result") : t("{0} results", total);
  card.count.textContent = mutated("count-of") ? t("{0}/{1} Results", shown, total) : words;
}

const skeletonRows = () => Array.from({ length: 3 }, () => null);

function generateButton() {
  const properties = { class: "secondary", onclick: (event) => { event.preventDefault(); startGenerating(event.currentTarget); } };
  if (mutated("generate-link")) return h("a", { href: "#generate", ...properties, class: "button secondary" }, t("Generate new"));
  if (mutated("generate-icon")) return h("button", { type: "button", title: t("Generate new"), ...properties }, icon("square"));
  return button(t("Generate new"), properties);
}

function startGenerating(trigger) {
  if (!mutated("generate-confirm")) return generate(trigger);
  return confirmDialog({ title: t("Generate new"), sentence: t("A new API key will be generated."), confirm: t("Confirm"), act: async () => { generate(trigger); return true; } });
}

// generate makes a key at once. A key that takes its time is asked for until its password is there.
async function generate(trigger) {
  if (trigger.getAttribute("aria-busy")) return;
  const label = [...trigger.childNodes];
  trigger.setAttribute("aria-busy", "true");
  trigger.toggleAttribute("disabled", true);
  trigger.replaceChildren(h("span", { class: "spinner", "aria-hidden": "true" }), ...label.map((n) => n.cloneNode(true)));
  const notice = mutated("generate-slow") ? h("div", { role: "alert", class: "box" }, t("Please wait…")) : null;
  if (notice) trigger.parentElement.after(notice);
  const store = chosen;
  try {
    let key = await ask("POST", `/data/stores/${store}/keys`);
    if (notice) await wait(1500);
    while (key && !key.password) {
      await wait(300);
      key = await ask("GET", `/data/stores/${store}/keys/${encodeURIComponent(key.key_id)}/password`);
    }
    if (key) showNewKey(key);
  } catch (error) {
    toast(error.message);
  }
  notice?.remove();
  trigger.removeAttribute("aria-busy");
  trigger.toggleAttribute("disabled", false);
  trigger.replaceChildren(...label);
}

function showNewKey(key) {
  if (!mutated("list-stale")) refresh();
  const warning = h("div", { role: "alert", class: "box warning" }, icon("warning"), h("span", {}, t("The password will only be revealed this time and will disappear after you close this window.")));
  const body = (close) => {
    const rows = mutated("popup-dl") ? h("dl", {}, pairs(key).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]))
      : h("div", {}, pairs(key).map(([name, value]) => h("div", { class: "row" }, h("span", {}, name), shownValue(name, value), copyButton(value))));
    return h("div", {}, rows, warning, mutated("close-icon-only") ? null : button(t("Close"), { class: "secondary wide", onclick: close }));
  };
  const sentence = t("Please save the following credentials on your device or in another secure location.");
  if (mutated("popup-inline")) {
    const box = h("div", { class: "card" });
    box.append(h("h2", {}, t("Kustom API Key generated")), h("p", {}, sentence), body(() => box.remove()));
    (root.shadowRoot ?? document).querySelector("h1")?.after(box);
    return;
  }
  dialog(t("Kustom API Key generated"), sentence, body, {
    plain: mutated("popup-plain"), closeName: mutated("close-icon-only") ? null : t("Close"),
    role: mutated("popup-alertdialog") ? "alertdialog" : "dialog",
  });
}

const pairs = (key) => {
  const both = [[t("Key ID"), key.key_id], [t("Password"), key.password]];
  return mutated("popup-password-first") ? both.reverse() : both;
};

function shownValue(name, value) {
  if (mutated("popup-inputs")) return h("input", { type: "text", readonly: true, "aria-label": name, value });
  if (mutated("popup-password-inputs")) return h("input", { type: "password", readonly: true, value });
  if (mutated("popup-code")) return h("code", {}, value);
  if (mutated("popup-split")) return h("span", { class: "value" }, value.match(/.{1,9}/g).map((part) => h("span", {}, part)));
  return h("span", { class: "value" }, value);
}

const copyButton = (value) => h("button", { type: "button", class: "outline button", onclick: (event) => {
  stray("copy");
  navigator.clipboard?.writeText(value).catch(() => {});
  event.currentTarget.replaceChildren(icon("check"));
} }, icon("copy"));

// columns are the four that are known, in their order: a name, and what a key has there.
const columns = () => {
  const all = [["Key ID", (k) => k.key_id], ["Creation date", (k) => date(k.created_at)], ["Last used", (k) => date(k.last_used_at)], ["Expiration date", (k) => date(k.expires_at)]];
  if (mutated("columns-moved")) all.reverse();
  if (mutated("column-extra")) all.unshift(["Description", () => "–"]);
  return all;
};

function keysTable(keys) {
  if (mutated("table-cards")) return h("div", {}, keys.map((k) => h("article", { class: "card" }, columns().map(([name, cell]) => h("p", {}, h("span", { class: "muted" }, `${t(name)}: `), cell(k))), rowMenu(k))));
  if (mutated("table-dl")) return h("div", {}, keys.map((k) => h("div", { class: "card" }, h("dl", {}, columns().map(([name, cell]) => [h("dt", {}, t(name)), h("dd", {}, cell(k))])), rowMenu(k))));
  if (mutated("table-grid")) return grid(keys);
  const row = (k) => h("tr", {}, columns().map(([name, cell], i) => (mutated("row-headers") && i === 0 ? h("th", { scope: "row" }, cell(k)) : h("td", {}, k ? cell(k) : h("div", { class: "skeleton" })))), h("td", {}, k ? rowMenu(k) : ""));
  const none = h("tr", {}, h("td", { colspan: "5" }, t("No results.")));
  return h("table", {}, mutated("table-named") ? h("caption", {}, t("API keys")) : null,
    h("thead", {}, h("tr", {}, columns().map(([name]) => h("th", { scope: "col" }, t(name))), h("th", { scope: "col" }))),
    h("tbody", {}, keys.length ? keys.map(row) : none));
}

function grid(keys) {
  const row = (role, cells) => h("div", { role: "row", class: "gridrow" }, cells.map((cell) => h("div", { role }, cell)));
  return h("div", { role: "grid" }, row("columnheader", [...columns().map(([name]) => t(name)), ""]),
    keys.map((k) => row("gridcell", [...columns().map(([, cell]) => cell(k)), rowMenu(k)])));
}

function rowMenu(key) {
  if (mutated("row-delete-button")) return h("button", { type: "button", class: "outline button", "aria-label": t("Delete API Key"), onclick: () => confirmDelete(key) }, icon("bin"));
  const items = [{ text: t("Delete API Key"), act: () => confirmDelete(key) }];
  if (mutated("menu-more-items")) items.unshift(...["Set expiration date", "Copy Key ID"].map((text) => ({ text: t(text), act: () => stray(text) })));
  const name = mutated("row-menu-unnamed") ? null : t("Open menu");
  return menu(h("span", {}, name ? hidden(name) : null, icon("dots")), items, { class: "ghost" });
}

function confirmDelete(key) {
  const act = () => removeKey(key);
  if (mutated("delete-native")) {
    if (window.confirm(t("Are you sure you want to delete this API key? It stops working at once."))) act();
    return;
  }
  if (mutated("delete-at-once")) {
    act();
    return;
  }
  const named = mutated("delete-names-key");
  confirmDialog({
    title: t("Delete API Key"),
    sentence: named ? t("The API key {0} stops working at once.", key.key_id) : t("Are you sure you want to delete this API key? It stops working at once."),
    confirm: mutated("delete-red") ? t("Delete API key") : t("Confirm"), danger: mutated("delete-red"),
    role: mutated("delete-alertdialog") ? "alertdialog" : undefined, typed: mutated("delete-typed") ? key.key_id : undefined, act,
  });
}

async function removeKey(key) {
  try {
    if (!await ask("DELETE", `/data/stores/${key.merchant_id}/keys/${encodeURIComponent(key.key_id)}`)) return false;
  } catch (error) {
    toast(error.message);
    return false;
  }
  toast(t("API key deleted"));
  refresh();
  return true;
}

function pager(card, list, keys) {
  if (list.pages < 2 || mutated("one-page")) return null;
  const turn = (to) => (event) => {
    event.preventDefault();
    pageNumber = to;
    showKeys(card);
  };
  if (mutated("load-more")) {
    if (list.page === list.pages) return null;
    return button(t("Load more"), { class: "outline", onclick: () => { pageNumber = list.page + 1; showKeys(card, keys); } });
  }
  const step = (name, label, to, sign) => {
    const off = to < 1 || to > list.pages;
    const face = mutated("next-icon") ? icon(sign) : h("span", {}, t(name));
    const properties = { "aria-label": mutated("next-plain") ? null : t(label), class: "button ghost" };
    if (mutated("next-absent") && off) return null;
    if (mutated("next-link")) return h("a", { ...properties, href: "#", "aria-disabled": off ? "true" : null, onclick: off ? (e) => e.preventDefault() : turn(to) }, face);
    return h("button", { type: "button", ...properties, disabled: off, onclick: turn(to) }, face);
  };
  const number = (n) => h("li", {}, h("button", { type: "button", class: "button ghost", "aria-current": n === list.page ? "page" : null, onclick: turn(n) }, String(n)));
  return h("nav", { role: "navigation", "aria-label": "pagination" }, h("ul", { class: "pager" },
    h("li", {}, step("Previous", "Go to previous page", list.page - 1, "left") ?? ""),
    Array.from({ length: list.pages }, (_, i) => number(i + 1)),
    h("li", {}, step("Next", "Go to next page", list.page + 1, "right") ?? "")));
}

function render() {
  document.title = "Kustom Portal";
  refresh = () => {};
  const main = h("main", {}, page());
  if (here() === "/embedded/api") return root.replaceChildren(main);
  let place = root;
  if (mutated("shadow")) {
    const host = h("kustom-app");
    root.replaceChildren(host);
    place = openShadow(host);
    place.append(h("div", { class: "app" }, sidebar(), h("div", {}, header(), main)));
    return undefined;
  }
  return place.replaceChildren(h("div", { class: "app" }, sidebar(), h("div", {}, header(), main)));
}

function chatButton() {
  document.body.append(h("div", { class: "chat", role: "button", tabindex: "0", "aria-label": "Open Intercom Messenger", onclick: () => stray("chat") }, icon("chat")));
}

function news() {
  dialog(t("What's new"), t("You can now see your settlements as they happen."), (close) => h("div", { class: "buttons" }, button(t("Got it"), { class: "primary", onclick: close })));
}

addEventListener("popstate", render);
render();
ask("GET", "/data/session").then((session) => {
  if (!session) return;
  me = session;
  render();
  if (here() === "/embedded/api") return;
  chatButton();
  consentBanner();
  if (mutated("news-dialog")) setTimeout(news, 400);
});
