// The control panel of a shop: a document for each page, whose content is in it from the start. Only the
// credentials are saved without a new document.

import { ask, boot, button, dialog, expand, h, icon, mutated, newID, openShadow, t, toast, wait } from "./ui.js";

const root = document.getElementById("root");
const extension = boot.extension;

const groups = [
  { text: "Design", children: [["Main Menu/Content", "/content"]] },
  { text: "Configuration", children: [["General", "/configuration"], ["Payment methods", "/payment-methods"], ["Administrators", "/administrators"]] },
  { text: "Logistics", children: [["Stock Value Report", "/stock"]] },
  { text: "Extensions", children: [["Your extensions", "/extensions"], ["All extensions", "/extension-store"]] },
];
if (mutated("lookalikes")) groups.at(-1).children.unshift(["Extensions news", "/content"], ["Order extensions", "/extension-store"]);

function group({ text, children }) {
  const id = newID();
  const list = h("ul", { id, class: "children" });
  const trigger = h("button", { type: "button", class: "group" }, h("span", {}, t(text)), icon("right"));
  const set = (open) => {
    expand(trigger, open ? id : null);
    list.hidden = !open;
  };
  list.append(...children.map(([name, path]) => h("li", {}, h("a", { href: boot.base + path }, t(name)))));
  trigger.addEventListener("click", () => set(list.hidden));
  set(mutated("menu-open") || children.some(([, path]) => boot.path.startsWith(path)));
  return h("li", {}, trigger, list);
}

function sidebar() {
  const items = mutated("extensions-flat") ? [...groups.slice(0, -1).map(group), h("li", {}, h("a", { href: `${boot.base}/extensions` }, t("Extensions")))] : groups.map(group);
  return h("aside", { class: "sidebar" }, h("div", { class: "logo" }, h("b", {}, "mystore")), h("nav", {}, h("ul", {}, items)));
}

function header() {
  return h("header", {}, h("div", { class: "corner" }, h("span", {}, boot.user), h("a", { href: `${boot.base}/logout` }, t("Log out"))));
}

const extensionName = (e) => (mutated("extension-renamed") && e.id === "klarna-checkout-v3" ? "Kustom Checkout" : e.name);

function extensionsPage() {
  const list = h("div");
  const show = (query) => list.replaceChildren(...boot.extensions
    .filter((e) => extensionName(e).toLowerCase().includes(query.trim().toLowerCase()))
    .map((e) => h("div", { class: "card" },
      mutated("lookalikes") ? h("a", { href: `${boot.base}/content` }, t("About {0}", extensionName(e))) : null,
      h("h3", {}, mutated("cards-unlinked") ? extensionName(e) : h("a", { href: `${boot.base}/extensions/${e.id}` }, extensionName(e))),
      e.credentials && !mutated("cards-bare") ? h("a", { class: "button outline", href: `${boot.base}/extensions/${e.id}/credentials` }, t("Credentials")) : null)));
  const search = h("input", { type: "search", placeholder: t("Search"), oninput: async (event) => {
    const query = event.target.value;
    if (mutated("search-slow")) await wait(700);
    if (query === event.target.value) show(query);
  } });
  show("");
  if (mutated("search-first")) list.replaceChildren();
  return h("div", {}, h("h1", {}, t("Your extensions")), search, list);
}

function extensionPage() {
  const tabs = ["Overview", "Credentials"];
  const panel = h("div");
  if (mutated("credentials-tab")) {
    const show = (name) => panel.replaceChildren(name === "Credentials" ? credentialsForm() : h("p", {}, t("Nothing to show yet.")));
    show("Overview");
    return h("div", {}, h("h1", {}, extensionName(extension)), h("div", { role: "tablist" }, tabs.map((name) => h("button", { type: "button", role: "tab", onclick: () => show(name) }, t(name)))), panel);
  }
  if (mutated("credentials-dialog")) return h("div", {}, h("h1", {}, extensionName(extension)), button(t("Credentials"), { onclick: () => dialog(t("Credentials"), null, credentialsForm) }));
  return h("div", {}, h("h1", {}, extensionName(extension)), extension.credentials ? h("a", { class: "button outline", href: `${boot.base}/extensions/${extension.id}/credentials` }, t("Credentials")) : null);
}

function field(name, type, value) {
  const id = newID();
  const input = h("input", { id, type, value, autocomplete: "off" });
  if (mutated("fields-placeholder")) {
    input.setAttribute("placeholder", name);
    return [input, h("div", { class: "field" }, input)];
  }
  const label = mutated("fields-label-apart") ? h("div", {}, name) : h("label", { for: id }, name);
  return [input, h("div", { class: "field" }, label, input)];
}

function credentialsForm() {
  const [id, idField] = field(t("Kustom ID"), "text", mutated("id-not-shown") ? "" : boot.kustom_id);
  const masked = mutated("secret-masked") && boot.kustom_id ? "••••••••" : "";
  const [secret, secretField] = field(t("Kustom Secret"), mutated("secret-text") ? "text" : "password", masked);
  const save = button(t("Update ID and Secret"), { class: "primary", onclick: async () => {
    save.toggleAttribute("disabled", true);
    try {
      const saved = await ask("POST", `/data/extensions/${extension.id}/credentials`, { kustom_id: id.value, kustom_secret: secret.value });
      if (saved) await afterSaving(secret, id);
    } catch (error) {
      toast(error.message);
    }
    save.toggleAttribute("disabled", false);
  } });
  return h("div", { class: "card" }, idField, secretField, save);
}

async function afterSaving(secret, id) {
  if (mutated("saved-reload")) return location.reload();
  secret.value = "";
  if (mutated("id-not-shown")) id.value = "";
  return toast(t("The credentials have been updated."));
}

const content = {
  home: () => h("div", {}, h("h1", {}, t("Dashboard"))),
  extensions: extensionsPage,
  extension: extensionPage,
  credentials: () => h("div", {}, h("h1", {}, extensionName(extension)), h("h2", {}, t("Credentials")), credentialsForm()),
};

const bare = location.search === "?frame";
const body = () => (mutated("iframe") && !bare ? h("iframe", { class: "frame", src: `${location.pathname}?frame` }) : content[boot.page]());

function render() {
  if (bare) return root.replaceChildren(h("main", {}, body()));
  const page = h("div", { class: "app mystore" }, sidebar(), h("div", {}, header(), h("main", {}, body())));
  if (!mutated("shadow")) return root.replaceChildren(page);
  const host = h("mystore-app");
  root.replaceChildren(host);
  return openShadow(host).append(page);
}

render();
