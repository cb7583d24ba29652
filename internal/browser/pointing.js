// pointing lets a person show something on a page. While they do, the page gets none of what they do with the
// mouse or the keyboard: it is kept from it before any of the page's scripts, which start later than this one.
(() => {
	if (finder.point) return;
	const kinds = [
		"pointerdown", "pointerup", "pointermove", "pointerover", "pointerout", "pointerenter", "pointerleave", "mousedown", "mouseup",
		"mousemove", "mouseover", "mouseout", "mouseenter", "mouseleave", "click", "dblclick", "auxclick", "contextmenu", "touchstart",
		"touchmove", "touchend", "dragstart", "keydown", "keypress", "keyup", "beforeinput", "submit",
	];
	let pane = null;
	let shown = [];

	// The pane lies over everything, so that frames get nothing either. It is outside of the body, which is what is read.
	const cover = () => {
		pane = document.createElement("div");
		pane.popover = "manual";
		pane.style.cssText = "all: initial; position: fixed; inset: 0; width: auto; height: auto; cursor: crosshair; z-index: 2147483647; pointer-events: auto";
		const mark = pane.appendChild(document.createElement("div"));
		mark.style.cssText = "all: initial; position: fixed; pointer-events: none; background: #1a73e840; outline: 2px solid #1a73e8";
		document.documentElement.append(pane);
		pane.showPopover?.();
	};

	const under = (event) => {
		pane.style.pointerEvents = "none";
		const e = finder.deepest(event.clientX, event.clientY);
		pane.style.pointerEvents = "auto";
		return e;
	};

	const frameOffset = (e) => {
		let x = 0, y = 0;
		for (let frame = e.ownerDocument.defaultView.frameElement; frame; frame = frame.ownerDocument.defaultView.frameElement) {
			const box = frame.getBoundingClientRect();
			x += box.x + frame.clientLeft;
			y += box.y + frame.clientTop;
		}
		return { x, y };
	};

	const highlight = (e) => {
		const box = e.getBoundingClientRect(), offset = frameOffset(e), style = pane.firstChild.style;
		style.left = box.x + offset.x + "px";
		style.top = box.y + offset.y + "px";
		style.width = box.width + "px";
		style.height = box.height + "px";
	};

	const scrollAt = (e, event) => {
		for (let at = e; at; at = finder.parentOf(at)) {
			const before = [at.scrollLeft, at.scrollTop];
			at.scrollBy(event.deltaX, event.deltaY);
			if (at.scrollLeft !== before[0] || at.scrollTop !== before[1]) return;
		}
	};

	const hold = (event) => {
		if (pane === null) return;
		if (event.cancelable) event.preventDefault();
		event.stopImmediatePropagation();
		if (!event.isTrusted || !["click", "pointermove", "wheel"].includes(event.type)) return;
		const e = under(event);
		if (e === null) return;
		if (event.type === "pointermove") highlight(e);
		else if (event.type === "wheel") scrollAt(e, event);
		else for (let at = e, all = shown = []; at; at = finder.parentOf(at)) all.push(finder.handle(at));
	};
	for (const kind of [...kinds, "wheel"]) addEventListener(kind, hold, { capture: true, passive: false });

	// point begins, on the page that is shown, and returns what was clicked since, with all that it is in.
	const point = () => {
		if (pane === null && document.documentElement) cover();
		const all = shown;
		shown = [];
		return all;
	};

	const endPointing = () => {
		pane?.remove();
		pane = null;
		shown = [];
		return true;
	};

	Object.assign(finder, { point, endPointing });
})()
