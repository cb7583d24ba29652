// finder reads a page as a person sees it: one tree of what is visible, through open shadow roots and frames
// of the same origin. It runs in a world of its own, where the page's scripts can't reach it.
(() => {
	if (globalThis.finder) return;
	const ids = new WeakMap();
	const nodes = new Map();
	let last = 0;
	// Handles stay the same as long as the element does, so that two looks can be compared.
	const handle = (element) => {
		let id = ids.get(element);
		if (id === undefined) {
			id = ++last;
			ids.set(element, id);
			nodes.set(id, new WeakRef(element));
		}
		return id;
	};
	const node = (id) => nodes.get(id)?.deref() ?? null;

	// In a frame, the classes of elements are another window's: instanceof would miss them.
	const isElement = (n) => n.nodeType === 1;
	const isText = (n) => n.nodeType === 3;
	const tag = (e) => e.localName ?? "";

	// childrenOf is the composed tree: what is drawn, not what was written.
	const childrenOf = (e) => {
		if (e.shadowRoot) return [...e.shadowRoot.childNodes];
		if (tag(e) === "slot") {
			const assigned = e.assignedNodes();
			if (assigned.length > 0) return assigned;
		}
		return [...e.childNodes];
	};
	const parentOf = (e) => {
		if (e.assignedSlot) return e.assignedSlot;
		if (e.parentNode?.nodeType === 11) return e.parentNode.host ?? null;
		if (e.parentNode && isElement(e.parentNode)) return e.parentNode;
		return e.ownerDocument?.defaultView?.frameElement ?? null;
	};
	const inside = (e, outer) => {
		for (let at = e; at; at = parentOf(at)) if (at === outer) return true;
		return false;
	};

	const typed = ["", "text", "email", "password", "search", "tel", "url", "number"];
	const implied = (e) => {
		switch (tag(e)) {
		case "a": case "area": return e.hasAttribute("href") ? "link" : "";
		case "button": case "summary": return "button";
		case "input":
			if (["button", "submit", "reset", "image"].includes(e.type)) return "button";
			if (e.type === "search") return "searchbox";
			if (e.type === "checkbox" || e.type === "radio") return e.type;
			return typed.includes(e.type) ? "textbox" : "";
		case "textarea": return "textbox";
		case "select": return "combobox";
		case "option": return "option";
		case "table": return "table";
		case "tr": return "row";
		case "th": return e.scope === "row" ? "rowheader" : "columnheader";
		case "td": return "cell";
		case "h1": case "h2": case "h3": case "h4": case "h5": case "h6": return "heading";
		case "dialog": return e.open ? "dialog" : "";
		case "li": return "listitem";
		case "ul": case "ol": case "menu": return "list";
		case "dt": return "term";
		case "dd": return "definition";
		case "nav": return "navigation";
		case "main": return "main";
		case "aside": return "complementary";
		case "article": return "article";
		case "label": return "label";
		case "time": return "time";
		}
		return e.isContentEditable && !e.parentElement?.isContentEditable ? "textbox" : "";
	};
	const roleOf = (e) => (e.getAttribute("role") ?? "").trim().split(/\s+/)[0] || implied(e);

	const named = (e, attribute) => {
		const root = e.getRootNode();
		return (e.getAttribute(attribute) ?? "").split(/\s+/).filter(Boolean)
			.map((id) => root.getElementById?.(id)?.textContent ?? "").join(" ").trim();
	};
	const nameOf = (e) => {
		const name = named(e, "aria-labelledby") || (e.getAttribute("aria-label") ?? "").trim();
		if (name) return name;
		if (e.labels?.length > 0) return [...e.labels].map((l) => l.textContent).join(" ").trim();
		if (tag(e) === "input" && ["button", "submit", "reset"].includes(e.type)) return e.value;
		return (e.getAttribute("alt") ?? "").trim();
	};

	const interactive = ["link", "button", "tab", "menuitem", "menuitemradio", "menuitemcheckbox", "option", "switch", "treeitem"];
	const waiting = /(^|[-_\s])(skeleton|shimmer|spinner|loader|animate-(pulse|spin)|placeholder-(glow|wave))|MuiSkeleton|CircularProgress/i;

	const styleOf = (e) => e.ownerDocument.defaultView.getComputedStyle(e);

	const snapshot = () => {
		const all = [];
		let busy = document.readyState === "loading";
		const apart = [];

		const hides = (e, style, box) => {
			if (style.display === "none" || style.contentVisibility === "hidden") return true;
			if (style.opacity === "0" && style.pointerEvents === "none") return true;
			if (style.display === "contents" || tag(e) === "slot") return false;
			const clips = style.overflowX !== "visible" || style.overflowY !== "visible";
			if (clips && (box.width === 0 || box.height === 0)) return true;
			// A drawer that waits outside of the window can't be reached by scrolling.
			const placed = style.position === "fixed" || style.position === "absolute";
			const view = e.ownerDocument.defaultView;
			return placed && box.width > 1 && (box.right + view.scrollX <= 0 || box.bottom + view.scrollY <= 0 ||
				style.position === "fixed" && (box.left >= view.innerWidth || box.top >= view.innerHeight));
		};

		const text = (n, parent, style) => {
			if (n.data === "" || style.visibility !== "visible") return;
			all.push({ p: parent, r: "text", x: n.data });
		};

		const element = (e, parent, above, offset, pointed) => {
			const name = tag(e);
			if (["script", "style", "template", "noscript", "head"].includes(name)) return;
			if (name === "br") return void all.push({ p: parent, r: "text", x: " " });
			const style = styleOf(e);
			const box = e.getBoundingClientRect();
			const inSelect = name === "option" || name === "optgroup";
			if (!inSelect && hides(e, style, box)) return;
			const role = roleOf(e);
			const pointer = style.cursor === "pointer";
			const made = {
				p: parent, i: handle(e), t: name, r: role, n: nameOf(e),
				h: (e.getAttribute("placeholder") ?? "").trim(), l: (e.getAttribute("title") ?? "").trim(),
				b: [box.x + offset.x, box.y + offset.y, box.width, box.height].map(Math.round),
			};
			if (!style.display.startsWith("inline") && style.display !== "contents" && name !== "slot") made.k = true;
			if (style.display.startsWith("inline-")) made.k = true;
			if (typeof e.value === "string" && ["input", "textarea", "select"].includes(name)) made.v = e.value;
			else if (role === "textbox" && e.isContentEditable) made.v = e.textContent;
			if (name === "input") { made.y = e.type; made.a = e.autocomplete; }
			if (e.readOnly) made.o = true;
			if (e.disabled || e.getAttribute("aria-disabled") === "true" || e.closest("fieldset[disabled]") ||
				/(^|[-_\s])disabled(\s|$)/i.test(e.getAttribute("class") ?? "") || e.hasAttribute("data-disabled")) made.d = true;
			if (e.hasAttribute("aria-expanded")) made.e = e.getAttribute("aria-expanded");
			else if (name === "summary" && e.parentElement?.localName === "details") made.e = String(e.parentElement.open);
			if (e.hasAttribute("aria-haspopup") && e.getAttribute("aria-haspopup") !== "false") made.u = e.getAttribute("aria-haspopup");
			if (name === "option" ? e.selected : ["aria-selected", "aria-checked"].some((a) => e.getAttribute(a) === "true")) made.s = true;
			if (e.hasAttribute("aria-current") && e.getAttribute("aria-current") !== "false") made.w = true;
			if (e.getAttribute("aria-modal") === "true") made.m = true;
			if (style.position === "fixed" || style.position === "sticky") made.f = style.position;
			if (name === "a" && e.hasAttribute("href")) made.q = e.pathname + e.search;
			if (e.hasAttribute("datetime")) made.g = e.getAttribute("datetime");
			if (e.hasAttribute("aria-rowcount")) made.z = e.getAttribute("aria-rowcount");
			if (interactive.includes(role) || e.tabIndex >= 0 && e.hasAttribute("tabindex") || e.hasAttribute("onclick") || pointer && !pointed) made.c = true;
			const area = box.width * box.height;
			if (area >= 300 && style.visibility === "visible" && (e.getAttribute("aria-busy") === "true" || waiting.test(e.getAttribute("class") ?? "") ||
				role === "progressbar" && !e.hasAttribute("aria-valuenow"))) busy = true;
			if (style.visibility !== "visible") { delete made.c; made.r = ""; }
			const at = all.push(made) - 1;
			if (name === "iframe" || name === "frame") {
				let body = null;
				try { body = e.contentDocument?.body ?? null; } catch { /* It is another origin's. */ }
				if (body === null) { apart.push(e.src); return; }
				if (e.contentDocument.readyState === "loading") busy = true;
				return element(body, at, style, { x: offset.x + box.x + e.clientLeft, y: offset.y + box.y + e.clientTop }, false);
			}
			if (name === "textarea" || name === "svg") return;
			for (const child of childrenOf(e)) {
				if (isElement(child)) element(child, at, style, offset, pointer || pointed);
				else if (isText(child)) text(child, at, style);
			}
		};
		if (document.body) element(document.body, -1, null, { x: 0, y: 0 }, false);
		return { url: location.href, title: document.title, document: String(performance.timeOrigin), view: [innerWidth, innerHeight], busy, apart, nodes: all };
	};

	// deepest is what lies under a point of the window, through frames and shadow roots.
	const deepest = (x, y) => {
		let root = document;
		for (;;) {
			const e = root.elementFromPoint(x, y);
			if (e === null) return null;
			if (tag(e) === "iframe" || tag(e) === "frame") {
				let inner = null;
				try { inner = e.contentDocument; } catch { /* It is another origin's. */ }
				if (inner === null) return e;
				const box = e.getBoundingClientRect();
				x -= box.x + e.clientLeft;
				y -= box.y + e.clientTop;
				root = inner;
				continue;
			}
			if (e.shadowRoot && e.shadowRoot !== root && e.shadowRoot.elementFromPoint(x, y) && e.shadowRoot.elementFromPoint(x, y) !== e) {
				root = e.shadowRoot;
				continue;
			}
			return e;
		}
	};

	const offsetOf = (e) => {
		const offset = { x: 0, y: 0 };
		for (let frame = e.ownerDocument.defaultView.frameElement; frame; frame = frame.ownerDocument.defaultView.frameElement) {
			const box = frame.getBoundingClientRect();
			offset.x += box.x + frame.clientLeft;
			offset.y += box.y + frame.clientTop;
		}
		return offset;
	};

	// protect keeps a click that is meant for e from everything else: the page may move under the pointer.
	// A page may never see the end of a click, as where a menu opens when the button goes down: the next one
	// has a guard of its own.
	let guard = null;
	const protect = (e) => {
		guard?.abort();
		const over = guard = new AbortController();
		const stop = (event) => {
			if (event.composedPath().includes(e)) return;
			event.preventDefault();
			event.stopImmediatePropagation();
		};
		for (let view = e.ownerDocument.defaultView; ; view = view.parent) {
			// A frame's events don't reach the windows around it, which must get none at all.
			for (const kind of ["pointerdown", "mousedown", "pointerup", "mouseup", "click"]) {
				view.addEventListener(kind, stop, { capture: true, signal: over.signal });
			}
			view.addEventListener("click", () => over.abort(), { once: true, signal: over.signal });
			if (view === view.parent) break;
		}
		setTimeout(() => over.abort(), 2000);
	};

	// clickPoint returns where to click an element, or what lies in front of it. It scrolls until a point is free.
	const clickPoint = (id) => {
		const e = node(id);
		if (e === null || !e.isConnected) return { gone: true };
		let cover = "";
		for (const block of ["center", "start", "end"]) {
			e.scrollIntoView({ block, inline: "nearest", behavior: "instant" });
			const offset = offsetOf(e);
			const box = e.getClientRects()[0] ?? e.getBoundingClientRect();
			for (const [dx, dy] of [[0.5, 0.5], [0.25, 0.5], [0.75, 0.5], [0.1, 0.3], [0.9, 0.7]]) {
				const x = box.x + offset.x + box.width * dx;
				const y = box.y + offset.y + box.height * dy;
				const top = box.width > 0 && box.height > 0 ? deepest(x, y) : null;
				// Text in a slot belongs to the host of the shadow root in which e is.
				if (top !== null && (inside(top, e) || top.shadowRoot && inside(e, top))) {
					protect(e);
					return { x, y };
				}
				if (top !== null && cover === "") cover = (top.getAttribute("aria-label") ?? top.innerText ?? "").slice(0, 80);
			}
		}
		return { cover };
	};

	// fill replaces what is in a field, all at once, so that the focus can't go elsewhere meanwhile.
	const fill = (id, value) => {
		const e = node(id);
		if (e === null || !e.isConnected) return "gone";
		e.focus();
		let active = e.getRootNode().activeElement;
		if (active !== e) return "unfocused";
		if (e.isContentEditable) e.ownerDocument.getSelection().selectAllChildren(e);
		else e.select();
		if (value === "") e.ownerDocument.execCommand("delete");
		else e.ownerDocument.execCommand("insertText", false, value);
		return (e.value ?? e.textContent) === value ? "" : "refused";
	};

	// choose chooses an option of a native list.
	const choose = (id) => {
		const option = node(id);
		const list = option?.closest("select") ?? null;
		if (list === null) return false;
		option.selected = true;
		for (const kind of ["input", "change"]) list.dispatchEvent(new Event(kind, { bubbles: true, composed: true }));
		return true;
	};

	// scroll moves the nearest scrolling box around an element by most of its height. It tells whether it moved.
	const scroll = (id, back) => {
		for (let e = node(id); e; e = parentOf(e)) {
			if (e.scrollHeight <= e.clientHeight + 1 || !/(auto|scroll)/.test(styleOf(e).overflowY) && e !== document.scrollingElement) continue;
			const before = e.scrollTop;
			e.scrollTop = back ? 0 : before + e.clientHeight * 0.8;
			return e.scrollTop !== before;
		}
		return false;
	};

	// mask makes all text transparent but known words, and all that is typed or drawn. It is a style that is
	// inherited, so that it also reaches what the page shows later, or keeps in closed shadow roots.
	const mask = (known) => {
		const keep = new Set(known);
		const plain = (s) => s.toLowerCase().replace(/[\u00ad\u200b-\u200f\u2060\ufeff]/g, "").replace(/\s+/g, " ").replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");
		const go = (root) => {
			const style = new CSSStyleSheet();
			style.replaceSync(`*, *::before, *::after, *::placeholder { -webkit-text-fill-color: transparent !important; text-shadow: none !important;
					text-decoration-color: transparent !important; text-emphasis-color: transparent !important; -webkit-text-stroke: 0 !important;
					transition: none !important; animation: none !important; }
				span[data-known-word] { -webkit-text-fill-color: currentcolor !important; }
				iframe, object, embed, canvas, img, video, svg text { visibility: hidden !important; }`);
			root.adoptedStyleSheets.push(style);
			for (const e of root.querySelectorAll("*")) {
				if (e.shadowRoot) go(e.shadowRoot);
				if (["script", "style", "option", "textarea", "title"].includes(tag(e)) || e.hasAttribute("data-known-word")) continue;
				for (const child of [...e.childNodes]) {
					if (!isText(child) || !keep.has(plain(child.data))) continue;
					// A new element can't have a shadow root of the page's.
					const word = document.createElement("span");
					word.setAttribute("data-known-word", "");
					child.replaceWith(word);
					word.append(child);
				}
			}
		};
		go(document);
		return String(performance.timeOrigin);
	};

	globalThis.finder = { snapshot, clickPoint, fill, choose, scroll, mask, deepest, handle, parentOf };
})()
