package browser_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

func TestFind_ActionInAnyMarkup(t *testing.T) {
	t.Parallel()
	const clicked = `<p role="status">none</p><script>
		document.body.addEventListener("click", (e) => { document.querySelector("p").textContent = "clicked"; e.preventDefault(); });
		for (const frame of document.querySelectorAll("iframe")) frame.addEventListener("load", () => {
			frame.contentDocument.addEventListener("click", () => { document.querySelector("p").textContent = "clicked" });
		});
	</script>`
	pages := map[string]string{
		"button":              `<button>Generate new</button>`,
		"link":                `<a href="/new">Generate new</a>`,
		"shadcn":              `<button class="inline-flex"><svg aria-hidden="true"></svg>Generate new</button>`,
		"MUI":                 `<button class="MuiButton-root" tabindex="0"><span class="MuiButton-icon">+</span>GENERATE NEW<span></span></button>`,
		"Bootstrap":           `<a class="btn btn-primary" role="button" href="#">Generate new…</a>`,
		"input":               `<input type="submit" value="Generate new">`,
		"clickable box":       `<div style="cursor: pointer"><span>Generate new</span></div>`,
		"box without pointer": `<div><div>Generate new</div></div>`,
		"zero-width":          "<button>Gener\u200bate&nbsp; new</button>",
		"badge":               `<button>Generate new <span>3</span></button>`,
		"noun":                `<button>Generate new API key</button>`,
		"named icon":          `<button aria-label="Generate new"><svg></svg></button>`,
		"older word":          `<button>Add API Key *</button>`,
		"component":           `<x-b></x-b><script>document.querySelector("x-b").attachShadow({ mode: "open" }).innerHTML = "<button>Generate new</button>"</script>`,
		"slot":                `<x-b>Generate new</x-b><script>document.querySelector("x-b").attachShadow({ mode: "open" }).innerHTML = "<button><slot></slot></button>"</script>`,
		"frame":               `<iframe srcdoc="<button>Generate new</button>"></iframe>`,
		"beside a longer one": `<button>Generate new report</button><button>Generate new</button>`,
		"in a clickable box":  `<div style="cursor: pointer"><button>Generate new</button></div>`,
		"same link twice":     `<a href="/new">Generate new</a><a href="/new">Generate new</a>`,
	}
	for name := range pages {
		pages[name] += clicked
	}
	forEachPage(t, browser.Options{Timeout: long}, pages, func(t *testing.T, _ string, tab *browser.Tab) {
		target := action("Generate new", "Add API key").Before("key", "api", "keys")
		if err := tab.Click(t.Context(), changingStep(), mustFind(t, tab, target)); err != nil {
			t.Fatal(err)
		}
		wantText(t, tab, "status", "clicked")
	})
}

func TestFind_SkipsSimilarAndInvisibleElements(t *testing.T) {
	t.Parallel()
	forEachPage(t, browser.Options{Timeout: long}, map[string]string{
		"something longer":       `<button>Generate new report</button>`,
		"a heading":              `<h2>Generate new</h2>`,
		"a sentence":             `<p>Click <b>Generate new</b> to go on</p>`,
		"hidden":                 `<button hidden>Generate new</button>`,
		"invisible":              `<button style="visibility: hidden">Generate new</button>`,
		"a collapsed group":      `<div style="height: 0; overflow: hidden"><button>Generate new</button></div>`,
		"a drawer that is shut":  `<div style="position: fixed; width: 200px; height: 500px; transform: translateX(-300px)"><button>Generate new</button></div>`,
		"see-through and closed": `<div style="opacity: 0; pointer-events: none"><button>Generate new</button></div>`,
	}, func(t *testing.T, _ string, tab *browser.Tab) {
		if found := mustRead(t, tab).Find(action("Generate new").Before("key")); len(found) > 0 {
			t.Errorf("Find returns a %s of role %q", found[0].Tag, found[0].Role)
		}
	})
}

// A menu entry may have a badge. An entry that only begins or ends with the words is another one.
func TestFind_MenuEntryMatchesWholeName(t *testing.T) {
	t.Parallel()
	tab := servePage(t, `<nav><a href="#1">Developer logs</a><a href="#2">API documentation</a><a href="#3">Partner API</a><a href="#4">Orders ›</a>
		<a href="#5">Webhooks <b>New</b></a><a href="#6">Credentials (3)</a><a href="#7">Shipping settings</a></nav>`).open(t, browser.Options{Timeout: long})
	page := mustRead(t, tab)
	for word, want := range map[string]int{"Developer": 0, "API": 0, "›": 0, "Webhooks": 1, "Credentials": 1, "Shipping": 1} {
		if found := page.Find(action(word).InMenu("settings")); len(found) != want {
			t.Errorf("%d entries match %q, want %d", len(found), word, want)
		}
	}
}

func TestFind_FieldWithAnyLabel(t *testing.T) {
	t.Parallel()
	forEachPage(t, browser.Options{Timeout: long}, map[string]string{
		"label":               `<label for="i">Kustom ID *</label><input id="i">`,
		"label around":        `<label>Kustom ID <input></label>`,
		"aria-label":          `<input aria-label="kustom id">`,
		"placeholder":         `<input placeholder="Kustom ID">`,
		"text beside":         `<div><span>Kustom ID:</span><div><input></div></div><div><span>Kustom Secret:</span><div><input></div></div>`,
		"table":               `<table><tr><td>Kustom ID</td><td><input></td></tr><tr><td>Kustom Secret</td><td><input></td></tr></table>`,
		"terms":               `<dl><dt>Kustom ID</dt><dd><input></dd><dt>Kustom Secret</dt><dd><input></dd></dl>`,
		"MUI":                 `<div class="MuiFormControl-root"><label>Kustom ID</label><div><input></div></div>`,
		"bare text":           `<p>Kustom ID <input></p><p>Kustom Secret <input></p>`,
		"textarea":            `<label>Kustom ID<textarea></textarea></label>`,
		"labelled by another": `<b id="l">Kustom ID</b><hr><input aria-labelledby="l">`,
	}, func(t *testing.T, _ string, tab *browser.Tab) {
		if err := tab.Fill(t.Context(), step(), mustFind(t, tab, field("Kustom ID")), "M00123456-aB3dE"); err != nil {
			t.Fatal(err)
		}
		first := ""
		for e := range mustRead(t, tab).All() {
			if first == "" && e.HasRole("textbox") {
				first = e.Value
			}
		}
		if first != "M00123456-aB3dE" {
			t.Errorf("the first field holds %q", first)
		}
	})
}

// keyLists returns a list of two keys, and one of one key, in the markup of several component libraries.
func keyLists() map[string]string {
	rows := [][]string{{"M00123456-aB3dE", "17 Nov 2025", "19:56", "18 Nov 2025", "–"}, {"M00123456-fG4hI", "24 Mar 2026", "08:01", "–", "1 Jan 2027"}}
	write := func(format string, rows [][]string) string {
		var text strings.Builder
		for _, r := range rows {
			fmt.Fprintf(&text, format, r[0], r[1], r[2], r[3], r[4])
		}
		return text.String()
	}
	const headers = `<th>Key ID</th><th>Creation date</th><th>Last used</th><th>Expiration date</th><th></th>`
	all := map[string]string{}
	for suffix, rows := range map[string][][]string{"": rows, ", only one": rows[:1]} {
		all["shadcn"+suffix] = `<h1>API</h1><div><p>2 results</p><button>Generate new</button></div><table><thead><tr>` + headers + `</tr></thead><tbody>` +
			write(`<tr><td>%s</td><td><b>%s</b> <span>%s</span></td><td>%s</td><td>%s</td><td><button aria-haspopup="menu">…</button></td></tr>`, rows) + `</tbody></table>`
		all["grid of ARIA"+suffix] = `<h1>API</h1><button>Generate new</button><div role="grid"><div role="row"><div role="columnheader">Key ID</div><div role="columnheader">Creation date</div>
			<div role="columnheader">Last used</div><div role="columnheader">Expiration date</div></div>` +
			write(`<div role="row"><div role="gridcell">%s <button>Copy</button></div><div role="gridcell">%s %s</div><div role="gridcell">%s</div><div role="gridcell">%s</div><div role="gridcell"><button><svg width="9" height="9"></svg></button></div></div>`, rows) + `</div>`
		all["boxes without roles"+suffix] = `<h1>API</h1><button>Generate new</button><style>.r { display: grid; grid-template-columns: 1fr 1fr 1fr 1fr 50px }</style>
			<div><div class="r"><div>Key ID</div><div>Creation date</div><div>Last used</div><div>Expiration date</div></div>` +
			write(`<div class="r"><div>%s</div><div><b>%s</b><i> %s</i></div><div>%s</div><div>%s</div><div style="cursor: pointer">⋮</div></div>`, rows) + `</div>`
		all["cards"+suffix] = `<h1>API</h1><button>Generate new</button><div>` +
			write(`<section><h3>%s</h3><dl><dt>Creation date</dt><dd>%s %s</dd><dt>Last used</dt><dd>%s</dd><dt>Expiration date</dt><dd>%s</dd></dl><button aria-expanded="false">Actions</button></section>`, rows) + `</div>`
		all["cards of text"+suffix] = `<h1>API</h1><button>Generate new</button><ul>` +
			write(`<li><code>%s</code><div>Creation date: %s %s</div><div>Last used: %s</div><div><span>Expiration date</span><span>%s</span></div><button aria-label="More">⋯</button></li>`, rows) + `</ul>`
		all["narrow cards"+suffix] = `<h1>API</h1><button>Generate new</button><div>` +
			write(`<div style="display: flex; gap: 20px"><div><div>Key ID</div><div>%s</div></div><div><div>Creation date</div><div>%s %s</div></div><div><div>Last used</div><div>%s</div></div><div><div>Expiration date</div><div>%s</div></div><button aria-haspopup="true">⋯</button></div>`, rows) + `</div>`
		all["components"+suffix] = `<x-t></x-t><script>document.querySelector("x-t").attachShadow({ mode: "open" }).innerHTML = ` + "`" + all["shadcn"+suffix] + "`" + `</script>`
		all["frame"+suffix] = `<h1>API</h1><iframe style="width: 900px; height: 400px" srcdoc='` + strings.ReplaceAll(all["shadcn"+suffix], "'", "&#39;") + `'></iframe>`
	}
	return all
}

func TestEntries_ReadsListInAnyMarkup(t *testing.T) {
	t.Parallel()
	is := func(text string) bool { return strings.HasPrefix(text, "M00123456-") && !strings.Contains(text, " ") }
	column := func(name string) browser.Target { return browser.Target{Kind: browser.Text, Words: []string{name}} }
	headers := []browser.Target{column("Key ID"), column("Creation date"), column("Last used"), column("Expiration date")}
	forEachPage(t, browser.Options{Timeout: long}, keyLists(), func(t *testing.T, name string, tab *browser.Tab) {
		apart := func(e *browser.Element) bool { return e.Text() == "Generate new" }
		var got [][]string
		for _, entry := range mustRead(t, tab).Entries(is, headers, apart) {
			row := []string{entry.Mark}
			for _, header := range headers[1:] {
				cell, _ := entry.Cell(header)
				row = append(row, cell.Text)
			}
			got = append(got, row)
			if entry.Menu() == nil {
				t.Errorf("entry %s has no menu", entry.Mark)
			}
		}
		want := [][]string{{"M00123456-aB3dE", "17 Nov 2025 19:56", "18 Nov 2025", "–"}, {"M00123456-fG4hI", "24 Mar 2026 08:01", "–", "1 Jan 2027"}}
		if strings.HasSuffix(name, "only one") {
			want = want[:1]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the entries differ (-want +got):\n%s", diff)
		}
	})
}

func TestDialogs_FindsDialogInAnyMarkup(t *testing.T) {
	t.Parallel()
	pages := map[string]string{
		"native":     `<dialog open>Delete the key?<button>Confirm</button></dialog>`,
		"Radix":      `<div aria-hidden="true"><button>Page</button></div><div style="position: fixed; inset: 0"></div><div role="alertdialog" style="position: fixed; top: 9px">Delete the key?<button>Confirm</button></div>`,
		"MUI":        `<div style="position: fixed; inset: 0" class="MuiModal-root"><div role="presentation"><div role="dialog" aria-modal="true">Delete the key?<button>Confirm</button></div></div></div>`,
		"an overlay": `<div style="position: fixed; inset: 0; background: #0008"><div style="background: #fff">Delete the key?<button>Confirm</button></div></div>`,
	}
	for name, dialog := range pages {
		pages[name] = `<p>The API keys of your store</p><nav style="position: fixed; width: 300px; height: 600px; right: 0"><a href="/">Home</a></nav>` + dialog
	}
	forEachPage(t, browser.Options{Timeout: long}, pages, func(t *testing.T, _ string, tab *browser.Tab) {
		if dialogs := mustRead(t, tab).Dialogs(); len(dialogs) != 1 || dialogs[0].Text() != "Delete the key? Confirm" {
			t.Errorf("Dialogs returns %d dialogs, want the one", len(dialogs))
		}
	})
}
