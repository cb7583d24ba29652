package browser_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// twoButtons is a page that counts the clicks on each of two buttons.
const twoButtons = `<button id="a">One</button> <button id="b">Two</button> <p role="status">none</p><script>
	const clicks = { a: 0, b: 0 };
	for (const id of ["a", "b"]) document.getElementById(id).addEventListener("click", () => {
		clicks[id]++;
		document.querySelector("p").textContent = "a" + clicks.a + "b" + clicks.b;
	});
</script>`

func TestAwait_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	tab := servePage(t, `<p>Hello</p>`).open(t, browser.Options{Timeout: long})
	err := within(t, long/2, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		_, err := find(ctx, tab, step(), action("Go"))
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
}

// An answer from before the last click says nothing about the click.
func TestPage_AnsweredCountsOnlySinceLastClick(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]http.HandlerFunc{
		"/": html(`<button id="ask">Ask</button> <button>Rest</button><p role="status"></p><script>
			document.getElementById("ask").addEventListener("click", async () => {
				document.querySelector("p").textContent = await (await fetch("/answer")).text();
			});
		</script>`),
		"/answer": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "answered") },
	})
	tab := s.open(t, browser.Options{Timeout: long})
	if mustRead(t, tab).Answered {
		t.Error("a page without requests counts as answered")
	}
	for _, clicked := range []string{"Ask", "Rest"} {
		mustClick(t, tab, clicked)
		wantText(t, tab, "status", "answered")
		if got := mustRead(t, tab).Answered; got != (clicked == "Ask") {
			t.Errorf("after a click on %s, the page counts as answered: %t", clicked, got)
		}
	}
}

func TestAwait_BriefStepAcceptsRestlessPage(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		brief bool
		// milliseconds is the time between two changes of the page.
		milliseconds int
		want         browser.Kind
	}{
		"brief":     {true, 240, ""},
		"not brief": {false, 120, browser.Unsettled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := servePage(t, fmt.Sprintf(`<p role="status">0</p><script>
				setInterval(() => { const s = document.querySelector("p"); s.textContent = +s.textContent + 1 }, %d)
			</script>`, test.milliseconds)).open(t, browser.Options{Timeout: short})
			s := step()
			s.Brief = test.brief
			_, err := browser.Await(t.Context(), tab, s, func(p *browser.Page) (string, error) { return textOf(p, "status"), nil })
			if test.want == "" && err != nil || test.want != "" && !browser.IsKind(err, test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

func TestClick_ClicksOnlyItsTarget(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, button, want string }{
		"below the window": {`<div style="height: 3000px"></div>` + twoButtons, "Two", "a0b1"},
		"covered for a moment": {twoButtons + `<div id="over" style="position: fixed; inset: 0"></div>
			<script>setTimeout(() => document.getElementById("over").remove(), 500)</script>`, "One", "a1b0"},
		"under a chat button in the corner": {`<style>body { height: 3000px }</style>
			<div style="position: fixed; right: 0; bottom: 0; width: 300px; height: 600px; background: #000"></div>
			<div style="position: absolute; right: 20px; bottom: 20px">` + twoButtons + `</div>`, "Two", "a0b1"},
	}
	pages := map[string]string{}
	for name, test := range tests {
		pages[name] = test.body
	}
	forEachPage(t, browser.Options{Timeout: long}, pages, func(t *testing.T, name string, tab *browser.Tab) {
		mustClick(t, tab, tests[name].button)
		wantText(t, tab, "status", tests[name].want)
	})
}

func TestClick_RefusedClickDoesNothing(t *testing.T) {
	t.Parallel()
	const others = `<button onclick="document.querySelector('p').textContent = 'switched'">Switch to production ↗</button>
		<button aria-disabled="true" onclick="document.querySelector('p').textContent = 'off'">Off</button>`
	for name, test := range map[string]struct {
		button, cover string
		o             browser.Options
		cause         error
	}{
		"covered":              {button: "One", cover: `<div style="position: fixed; inset: 0; background: #eee8"></div>`, o: browser.Options{Timeout: short}},
		"never clicked":        {button: "Switch to production", o: browser.Options{Timeout: long}},
		"disabled":             {button: "Off", o: browser.Options{Timeout: short}},
		"in read-only browser": {button: "One", o: browser.Options{Timeout: long, ReadOnly: true}, cause: browser.ErrReadOnly},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := servePage(t, twoButtons+others+test.cover).open(t, test.o)
			err := wantStepError(t, tab.Click(t.Context(), changingStep(), mustFind(t, tab, action(test.button))), browser.Unclickable)
			if err.Uncertain || !err.DidNothing() || test.cause != nil && !errors.Is(err, test.cause) {
				t.Errorf("the error is %+v, want one that says that nothing was done", err)
			}
			wantText(t, tab, "status", "none")
			if test.o.ReadOnly {
				mustClick(t, tab, "Two")
				wantText(t, tab, "status", "a0b1")
			}
		})
	}
}

// As soon as the pointer is over one button, the page moves the other one under it.
func TestClick_MissesElementThatMovesUnderPointer(t *testing.T) {
	t.Parallel()
	tab := servePage(t, twoButtons+`<script>
		document.getElementById("a").addEventListener("pointerover", () => { document.getElementById("b").style = "position: fixed; inset: 0" });
	</script>`).open(t, browser.Options{Timeout: short})
	mustClick(t, tab, "One")
	if got := textOf(mustRead(t, tab), "status"); strings.Contains(got, "b1") {
		t.Error("the other button was clicked")
	}
}

func TestTab_ReportsAnotherHost(t *testing.T) {
	t.Parallel()
	other := servePage(t, `<h1>Contents</h1>`)
	s := serve(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, byOtherHost(other), http.StatusSeeOther)
	}})
	tab := s.open(t, browser.Options{Timeout: short})
	_, err := find(t.Context(), tab, step(), action("Keys"))
	if failed := wantStepError(t, err, browser.Elsewhere); failed.Message != byOtherHost(other) {
		t.Errorf("the error says %q, want %q", failed.Message, byOtherHost(other))
	}
}

func TestTab_ReportsTimedOutLoad(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]http.HandlerFunc{"/": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }})
	b := browser.New(shared.Group(t), browser.Options{Timeout: short})
	tab := s.tab(t, b, browser.NewAccount(s.Site, browser.Session{}))
	err := within(t, 3*short, func(ctx context.Context) error { return tab.Load(ctx, step(), s.Site.URL) })
	wantKind(t, err, browser.NoPage)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Error("the error looks like a timeout of the whole operation")
	}
}

func TestTab_RetriesLoadAfterServerError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status, times int
		header        string
		requests      int
		loaded        bool
	}{
		"503 once":        {status: 503, times: 1, requests: 2, loaded: true},
		"503 twice":       {status: 503, times: 2, requests: 3, loaded: true},
		"503 always":      {status: 503, times: 9, requests: 3},
		"429 once":        {status: 429, times: 1, header: "1", requests: 2, loaded: true},
		"429 for an hour": {status: 429, times: 1, header: "3600", requests: 1},
		"404":             {status: 404, times: 9, requests: 1, loaded: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s *site
			s = serve(t, map[string]http.HandlerFunc{"/{$}": func(w http.ResponseWriter, r *http.Request) {
				if s.requests("/") <= test.times {
					w.Header().Set("Retry-After", test.header)
					w.WriteHeader(test.status)
				}
				html("<h1>Contents</h1>")(w, r)
			}})
			timeout := long
			if test.header == "3600" {
				timeout = short
			}
			tab := s.tab(t, browser.New(shared.Group(t), browser.Options{Timeout: timeout}), browser.NewAccount(s.Site, browser.Session{}))
			err := tab.Load(t.Context(), step(), s.Site.URL)
			if test.loaded && err != nil {
				t.Error(err)
			} else if !test.loaded {
				wantKind(t, err, browser.NoPage)
			}
			if got := s.requests("/"); got != test.requests {
				t.Errorf("the page was requested %d times, want %d", got, test.requests)
			}
		})
	}
}

func TestRetryAfter_ReadsBothForms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"": 0, "2": 2 * time.Second, "-1": 0, "soon": 0, "Wed, 21 Oct 2015 07:28:00 GMT": 0,
	} {
		if got := browser.RetryAfter(text); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
	if got := browser.RetryAfter(time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)); got < 59*time.Minute || got > time.Hour {
		t.Errorf("a date in an hour is %v", got)
	}
}

func TestTab_RecordsHoldNoContent(t *testing.T) {
	t.Parallel()
	const secret = "kco_live_api_observed"
	records := make(chan browser.Record, 9)
	tab := servePage(t, `<p role="alert">`+secret+`</p><input aria-label="F">`).open(t, browser.Options{
		Timeout: short, Observe: func(_ context.Context, r browser.Record) { records <- r },
	})
	f := mustFind(t, tab, field("F"))
	if err := tab.Fill(t.Context(), step(), f, secret); err != nil {
		t.Fatal(err)
	}
	_, err := find(t.Context(), tab, step(), action("Go"))
	wantKind(t, err, browser.NotFound)
	close(records)
	var kinds []browser.Kind
	for r := range records {
		kinds = append(kinds, r.Kind)
		if strings.Contains(fmt.Sprintf("%+v", r), "kco_") {
			t.Error("a record holds the secret")
		}
	}
	if want := []browser.Kind{"", browser.NotFound}; !slices.Equal(kinds, want) {
		t.Errorf("the records have the kinds %q, want %q", kinds, want)
	}
}

// Apps show an empty list until its content has loaded.
func TestAwait_WaitsForContent(t *testing.T) {
	t.Parallel()
	const empty = `<p role="status">0 keys</p>`
	const load = `fetch("/slow").then((r) => r.text()).then((text) => { document.querySelector("p").textContent = text });`
	later := func(placeholder string) string {
		return `<div id="wait">` + placeholder + `</div><script>setTimeout(() => {
			document.querySelector("p").textContent = "2 keys";
			document.getElementById("wait").remove();
		}, 1500)</script>`
	}
	forEachPage(t, browser.Options{Timeout: long}, map[string]string{
		"request":               empty + `<script>` + load + `</script>`,
		"shadcn placeholder":    empty + later(`<div class="animate-pulse" style="height: 40px"></div>`),
		"MUI placeholder":       empty + later(`<span class="MuiSkeleton-root" style="display: block; height: 40px"></span>`),
		"Bootstrap placeholder": empty + later(`<p class="placeholder-glow"><span style="display: block; height: 40px"></span></p>`),
		"ARIA placeholder":      empty + later(`<div aria-busy="true" style="height: 40px">…</div>`),
	}, func(t *testing.T, _ string, tab *browser.Tab) {
		if got := textOf(mustRead(t, tab), "status"); got != "2 keys" {
			t.Errorf("the status is read as %q", got)
		}
	})
}

func TestAwait_ErrorNamesMissingAndNearest(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body      string
		nearest   []string
		structure bool
	}{
		"another name":        {body: `<button>Generate key</button><button>Help</button>`, nearest: []string{"Generate key", "Help"}},
		"nothing similar":     {body: `<p>Hello</p>`, structure: true},
		"two matches":         {body: `<button>Generate new</button><p>or</p><button>Generate new</button>`, nearest: []string{"Generate new"}},
		"names with identity": {body: `<button>anne@shop.example</button><button>M00123456</button>`, structure: true},
	}
	pages := map[string]string{}
	for name, test := range tests {
		pages[name] = test.body
	}
	forEachPage(t, browser.Options{Timeout: short}, pages, func(t *testing.T, name string, tab *browser.Tab) {
		_, err := find(t.Context(), tab, step(), action("Generate new"))
		failed, want := wantStepError(t, err, browser.NotFound), tests[name]
		if !slices.Equal(failed.Nearest, want.nearest) || failed.Structure != want.structure || len(failed.Wanted) != 1 {
			t.Errorf("the error has the nearest names %q, structure %t, %d targets", failed.Nearest, failed.Structure, len(failed.Wanted))
		}
		if failed.Site != "The site" || failed.Page != "the first page" || failed.Step != "do it" {
			t.Errorf("the error does not name the site, page and step: %v", err)
		}
	})
}

func TestAwait_FailureAfterChangingClickIsUncertain(t *testing.T) {
	t.Parallel()
	forEachPage(t, browser.Options{Timeout: short}, map[string]string{
		"not found": `<p>Hello</p>`, "an alert": `<p role="alert">No</p>`, "signed out": `<button>Sign in</button>`,
	}, func(t *testing.T, _ string, tab *browser.Tab) {
		_, err := find(t.Context(), tab, changingStep(), action("Go"))
		if failed, ok := errors.AsType[*browser.StepError](err); !ok || !failed.MayHaveWorked() || failed.DidNothing() {
			t.Errorf("the error is %+v", err)
		}
	})
}

func TestClick_ReportsGoneElement(t *testing.T) {
	t.Parallel()
	served := servePage(t, `<button>Go</button>`)
	tab := served.open(t, browser.Options{Timeout: short})
	button := mustFind(t, tab, action("Go"))
	if err := tab.Load(t.Context(), step(), served.Site.URL); err != nil {
		t.Fatal(err)
	}
	err := tab.Click(t.Context(), step(), button)
	wantKind(t, err, browser.Unclickable)
	if !browser.Gone(err) {
		t.Errorf("the error does not say that the button is gone: %v", err)
	}
}

// A banner that can only be accepted stays.
func TestAwait_DeclinesCookies(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ buttons, answer string }{
		"all or necessary": {`<button>Accept all</button><button>Only necessary cookies</button>`, "Only necessary cookies"},
		"Norwegian":        {`<button>Godta alle</button><button>Avvis alle</button>`, "Avvis alle"},
		"accept only":      {`<button>Accept all</button>`, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := servePage(t, twoButtons+`<div id="banner" style="position: fixed; inset: 0; background: #fff8"><p>We use cookies.</p>`+test.buttons+`</div><script>
				document.getElementById("banner").addEventListener("click", (e) => {
					if (e.target.tagName !== "BUTTON") return;
					document.querySelector("[role=status]").textContent = e.target.textContent;
					document.getElementById("banner").remove();
				});
			</script>`).open(t, browser.Options{Timeout: short})
			if test.answer == "none" {
				wantKind(t, tab.Click(t.Context(), changingStep(), mustFind(t, tab, action("One"))), browser.Unclickable)
			}
			wantText(t, tab, "status", test.answer)
		})
	}
}

func TestTab_DismissesDialogsAndClosesPopups(t *testing.T) {
	t.Parallel()
	tab := servePage(t, `<p role="status">none</p><button onclick="document.querySelector('p').textContent = String(confirm('Really?'))">Ask</button>
		<button onclick="window.open('about:blank'); document.querySelector('p').textContent = 'opened'">Open</button>`).open(t, browser.Options{Timeout: short})
	mustClick(t, tab, "Ask")
	wantText(t, tab, "status", "false")
	_, err := find(t.Context(), tab, step(), action("Nothing"))
	if failed := wantStepError(t, err, browser.NotFound); failed.Asked != "Really?" {
		t.Errorf("the error quotes the dialog as %q", failed.Asked)
	}
	mustClick(t, tab, "Open")
	wantText(t, tab, "status", "opened")
}

func TestFill_ReplacesAndVerifies(t *testing.T) {
	t.Parallel()
	const secret = "kco_live_api_Zz' \"\\n\u00e6"
	tests := map[string]struct {
		field, text string
		filled      bool
	}{
		"empty":                 {`<input aria-label="F">`, secret, true},
		"filled":                {`<input aria-label="F" value="something longer than that, much longer">`, secret, true},
		"password":              {`<input aria-label="F" type="password" value="old">`, secret, true},
		"e-mail address":        {`<input aria-label="F" type="email" value="a@b.example">`, "c@d.example", true},
		"textarea":              {`<textarea aria-label="F">old</textarea>`, "two\nlines", true},
		"to be emptied":         {`<input aria-label="F" value="old">`, "", true},
		"in a component":        {`<x-field></x-field><script>document.querySelector("x-field").attachShadow({ mode: "open" }).innerHTML = "<label>F<input></label>"</script>`, secret, true},
		"too short":             {`<input aria-label="F" maxlength="5">`, secret, false},
		"read-only":             {`<input aria-label="F" readonly value="old">`, secret, false},
		"disabled":              {`<input aria-label="F" disabled value="old">`, secret, false},
		"changes what is typed": {`<input aria-label="F" oninput="this.value = this.value.toUpperCase()">`, secret, false},
		"passes the focus on": {
			`<input aria-label="F" onfocus="document.getElementById('g').focus()"><input id="g" aria-label="G">`, secret, false,
		},
	}
	pages := map[string]string{}
	for name, test := range tests {
		pages[name] = `<form>` + test.field + `</form>`
	}
	forEachPage(t, browser.Options{Timeout: short}, pages, func(t *testing.T, name string, tab *browser.Tab) {
		test := tests[name]
		err := tab.Fill(t.Context(), step(), mustFind(t, tab, field("F")), test.text)
		if !test.filled {
			wantKind(t, err, browser.Unclickable)
			if strings.Contains(err.Error(), secret) {
				t.Error("the error quotes the typed text")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if value := mustFind(t, tab, field("F")).Value; value != test.text {
			t.Errorf("the field holds %q, want %q", value, test.text)
		}
	})
}

func TestChoose_SelectsOption(t *testing.T) {
	t.Parallel()
	const status = `<p role="status"></p><script>
		addEventListener("change", (e) => { document.querySelector("p").textContent = "chosen " + e.target.selectedIndex });
		addEventListener("click", (e) => { if (e.target.role === "option") document.querySelector("p").textContent = "chosen 2" });
	</script>`
	forEachPage(t, browser.Options{Timeout: long}, map[string]string{
		"select":                 `<select aria-label="L"><option>One<option>Two<option>Three</select>` + status,
		"options of equal value": `<select aria-label="L"><option value="1">One<option value="1">Two<option value="1">Three</select>` + status,
		"listbox of the page": `<div role="listbox" aria-label="L"><div role="option" aria-selected="true">One</div>` +
			`<div role="option" aria-selected="false">Two</div><div role="option" aria-selected="false">Three</div></div>` + status,
	}, func(t *testing.T, _ string, tab *browser.Tab) {
		var third *browser.Element
		for e := range mustRead(t, tab).All() {
			if e.Role == "option" && e.Text() == "Three" {
				third = e
			}
		}
		if err := tab.Choose(t.Context(), step(), third); err != nil {
			t.Fatal(err)
		}
		wantText(t, tab, "status", "chosen 2")
	})
}

// The provider reads dates from pages.
func TestTab_ShowsDatesInEnglishAndUTC(t *testing.T) {
	t.Parallel()
	tab := servePage(t, `<p role="status"></p><script>
		document.querySelector("p").textContent = new Date(0).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
	</script>`).open(t, browser.Options{Timeout: long})
	wantText(t, tab, "status", "Jan 1, 1970, 12:00 AM")
}

// The last snapshot shows the page on which a step ended, even if it failed.
func TestTab_SnapshotsShowElementsAndPages(t *testing.T) {
	t.Parallel()
	var snapshots []browser.Snapshot
	tab := serve(t, map[string]http.HandlerFunc{
		"/": html(`<a href="/keys">API keys</a>`), "/keys": html(`<h1>Contents</h1>`),
	}).open(t, browser.Options{Timeout: short, OnSnapshot: func(s browser.Snapshot) { snapshots = append(snapshots, s) }})
	route := browser.Route{
		Goal: func(p *browser.Page) error {
			_, err := p.One(browser.Target{Kind: browser.Text, Words: []string{"Contents"}})
			return err
		},
		Steps: []browser.WalkStep{{Target: action("API")}},
	}
	if err := tab.Walk(t.Context(), step(), route); err != nil {
		t.Fatal(err)
	}
	if _, err := find(t.Context(), tab, step(), action("Make one")); err == nil {
		t.Fatal("a missing action was found")
	}
	if len(snapshots) < 3 {
		t.Fatalf("there are %d snapshots, want at least 3", len(snapshots))
	}
	if passed := snapshots[1].Passed; passed == nil || passed.Found != "API keys" || !passed.OK() {
		t.Errorf("the second snapshot has the finding %+v", passed)
	}
	last := snapshots[len(snapshots)-1]
	if !last.Failed || last.Shown == nil || !strings.Contains(last.Shown.Text(), "Contents") {
		t.Errorf("the last snapshot is %+v", last)
	}
}

func TestExamine_NamesNearest(t *testing.T) {
	t.Parallel()
	tab := servePage(t, `<button>Add a key</button> <button>Help 12345</button> <button>Delete</button> <button>Delete</button>`).open(t, browser.Options{Timeout: long})
	page := mustRead(t, tab)
	if f := page.Examine(action("Add key", "Create key")); f.OK() || !slices.Equal(f.Nearest[:1], []string{"Add a key"}) || len(f.Nearest) != 2 {
		t.Errorf("the finding is %+v", f)
	}
	if f := page.Examine(action("Delete")); f.OK() || !f.Several {
		t.Errorf("the finding is %+v", f)
	}
	if f := page.Examine(action("Add a key")); !f.OK() || f.Found != "Add a key" {
		t.Errorf("the finding is %+v", f)
	}
}
