// What the renderings share: the data, and a way to make elements. The pages themselves are imitations, written
// by hand, of what component libraries draw.
const api = {
	async get() { return (await fetch("/data")).json(); },
	async generate(store) { return (await fetch(`/data/keys?store=${store}`, { method: "POST" })).json(); },
	async remove(store, id) { await fetch(`/data/keys?store=${store}&id=${encodeURIComponent(id)}`, { method: "DELETE" }); },
	wrong(what) { fetch(`/wrong?what=${encodeURIComponent(what)}`, { method: "POST" }); },
};
function h(tag, attributes = {}, ...children) {
	const e = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes ?? {})) {
		if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
		else if (value !== false && value !== null && value !== undefined) e.setAttribute(name, value === true ? "" : value);
	}
	e.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
	return e;
}
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
