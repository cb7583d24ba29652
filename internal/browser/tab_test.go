package browser_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// counting is a page with two buttons, which counts the clicks on each.
const counting = `<button id="a">One</button> <button id="b">Two</button> <p role="status">none</p><script>
	const clicks = { a: 0, b: 0 };
	for (const id of ["a", "b"]) document.getElementById(id).addEventListener("click", () => {
		clicks[id]++;
		document.querySelector("p").textContent = "a" + clicks.a + "b" + clicks.b;
	});
</script>`

func TestAwait_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, `<p>Hello</p>`).open(t, browser.Options{Timeout: long})
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

// TestPage_KnowsWhetherItsScriptWasAnswered: what was answered before the last click says nothing about the click.
func TestPage_KnowsWhetherItsScriptWasAnswered(t *testing.T) {
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
	if see(t, tab).Answered {
		t.Error("the page has asked for nothing, and counts as answered")
	}
	for _, clicked := range []string{"Ask", "Rest"} {
		if err := tab.Click(t.Context(), step(), await(t, tab, action(clicked))); err != nil {
			t.Fatal(err)
		}
		says(t, tab, "status", "answered")
		if got := see(t, tab).Answered; got != (clicked == "Ask") {
			t.Errorf("after a click on %s, the page counts as answered: %t", clicked, got)
		}
	}
}

// TestAwait_TakesBriefLook: a step that only leads to the next one does not wait for a page to come to rest.
func TestAwait_TakesBriefLook(t *testing.T) {
	t.Parallel()
	const restless = `<p role="status">0</p><script>setInterval(() => { const s = document.querySelector("p"); s.textContent = +s.textContent + 1 }, 240)</script>`
	for _, brief := range []bool{true, false} {
		t.Run(fmt.Sprint(brief), func(t *testing.T) {
			t.Parallel()
			tab := serveOne(t, restless).open(t, browser.Options{Timeout: 2 * short})
			s := step()
			s.Brief = brief
			_, err := browser.Await(t.Context(), tab, s, func(p *browser.Page) (string, error) { return said(p, "status"), nil })
			if brief && err != nil || !brief && !browser.IsKind(err, browser.Unsettled) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestTab_ClicksOnlyItsTarget(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, `<div style="height: 3000px"></div>`+counting).open(t, browser.Options{Timeout: long})
	for range 2 {
		if err := tab.Click(t.Context(), step(), await(t, tab, action("Two"))); err != nil {
			t.Fatal(err)
		}
	}
	says(t, tab, "status", "a0b2")
}

func TestTab_ClicksNothingCovered(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, counting+`<div style="position: fixed; inset: 0; background: #eee8"></div>`).open(t, browser.Options{Timeout: short})
	go_ := await(t, tab, action("One"))
	failed := failure(t, tab.Click(t.Context(), changing(), go_), browser.Unclickable)
	if failed.Uncertain || !failed.DidNothing() {
		t.Errorf("the error does not say that nothing was done: %+v", failed)
	}
	says(t, tab, "status", "none")
}

func TestTab_WaitsUntilNothingCoversTarget(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, counting+`<div id="over" style="position: fixed; inset: 0"></div>
		<script>setTimeout(() => document.getElementById("over").remove(), 500)</script>`).open(t, browser.Options{Timeout: long})
	if err := tab.Click(t.Context(), step(), await(t, tab, action("One"))); err != nil {
		t.Fatal(err)
	}
	says(t, tab, "status", "a1b0")
}

// TestTab_ClickMissesWhatMovesUnderIt: the page puts another button under the pointer as soon as that comes.
func TestTab_ClickMissesWhatMovesUnderIt(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, counting+`<script>
		document.getElementById("a").addEventListener("pointerover", () => { document.getElementById("b").style = "position: fixed; inset: 0" });
	</script>`).open(t, browser.Options{Timeout: short})
	if err := tab.Click(t.Context(), step(), await(t, tab, action("One"))); err != nil {
		t.Fatal(err)
	}
	if got := said(see(t, tab), "status"); strings.Contains(got, "b1") {
		t.Error("the other button was clicked")
	}
}

func TestTab_ReportsAnotherHost(t *testing.T) {
	t.Parallel()
	other := serveOne(t, `<h1>Contents</h1>`)
	s := serve(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere(other), http.StatusSeeOther)
	}})
	tab := s.open(t, browser.Options{Timeout: short})
	_, err := find(t.Context(), tab, step(), action("Keys"))
	if failed := failure(t, err, browser.Elsewhere); failed.Message != elsewhere(other) {
		t.Errorf("the error says %q, want %q", failed.Message, elsewhere(other))
	}
}

func TestTab_ReportsTimedOutLoad(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]http.HandlerFunc{"/": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }})
	b := browser.New(shared.Group(t), browser.Options{Timeout: short})
	tab := s.tab(t, b, browser.NewAccount(s.Site, browser.Session{}))
	err := within(t, 3*short, func(ctx context.Context) error { return tab.Load(ctx, step(), s.Site.URL) })
	fails(t, err, browser.NoPage)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Error("the error looks like the end of the whole operation's time")
	}
}

func TestTab_RetriesLoadAfterServerError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status, times int
		header        string
		asked         int
		loaded        bool
	}{
		"503 once":            {status: 503, times: 1, asked: 2, loaded: true},
		"503 twice":           {status: 503, times: 2, asked: 3, loaded: true},
		"503 for ever":        {status: 503, times: 9, asked: 3},
		"429 once":            {status: 429, times: 1, header: "1", asked: 2, loaded: true},
		"429 for a long time": {status: 429, times: 1, header: "3600", asked: 1},
		"404":                 {status: 404, times: 9, asked: 1, loaded: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s *site
			s = serve(t, map[string]http.HandlerFunc{"/{$}": func(w http.ResponseWriter, r *http.Request) {
				if s.asked("/") <= test.times {
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
				fails(t, err, browser.NoPage)
			}
			if asked := s.asked("/"); asked != test.asked {
				t.Errorf("the page was asked for %d times, want %d", asked, test.asked)
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
		t.Errorf("in an hour is %v", got)
	}
}

func TestTab_ObservesStepsWithoutContent(t *testing.T) {
	t.Parallel()
	const secret = "kco_live_api_observed"
	records := make(chan browser.Record, 9)
	tab := serveOne(t, `<p role="alert">`+secret+`</p><input aria-label="F">`).open(t, browser.Options{
		Timeout: short, Observe: func(_ context.Context, r browser.Record) { records <- r },
	})
	f := await(t, tab, field("F"))
	if err := tab.Fill(t.Context(), step(), f, secret); err != nil {
		t.Fatal(err)
	}
	_, err := find(t.Context(), tab, step(), action("Go"))
	fails(t, err, browser.NotFound)
	close(records)
	var kinds []browser.Kind
	for r := range records {
		kinds = append(kinds, r.Kind)
		if strings.Contains(fmt.Sprintf("%+v", r), "kco_") {
			t.Error("a record has a secret")
		}
	}
	if fmt.Sprint(kinds) != fmt.Sprint([]browser.Kind{"", browser.NotFound}) {
		t.Errorf("the records are of %q", kinds)
	}
}

func TestAwait_WaitsForWhatComesLate(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, `<h1>Contents</h1><script>setTimeout(() => {
		document.body.insertAdjacentHTML("beforeend", '<button>Go</button>');
	}, 500)</script>`).open(t, browser.Options{Timeout: long})
	await(t, tab, action("Go"))
}

// TestAwait_WaitsForTheNetwork: an app shows an empty list first, and what it has asked for later.
func TestAwait_WaitsForTheNetwork(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]http.HandlerFunc{
		"/": html(`<p role="status">0 keys</p><script>
			fetch("/keys").then((r) => r.text()).then((text) => { document.querySelector("p").textContent = text });
		</script>`),
		"/keys": func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(1500 * time.Millisecond)
			_, _ = io.WriteString(w, "2 keys")
		},
	})
	tab := s.open(t, browser.Options{Timeout: long})
	if got := said(see(t, tab), "status"); got != "2 keys" {
		t.Errorf("the page is taken to say %q", got)
	}
}

func TestAwait_WaitsForSkeletons(t *testing.T) {
	t.Parallel()
	for name, skeleton := range map[string]string{
		"shadcn":    `<div class="animate-pulse" style="height: 40px"></div>`,
		"MUI":       `<span class="MuiSkeleton-root" style="display: block; height: 40px"></span>`,
		"Bootstrap": `<p class="placeholder-glow"><span style="display: block; height: 40px"></span></p>`,
		"ARIA":      `<div aria-busy="true" style="height: 40px">…</div>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := serveOne(t, `<p role="status">0 keys</p><div id="wait">`+skeleton+`</div><script>setTimeout(() => {
				document.querySelector("p").textContent = "2 keys";
				document.getElementById("wait").remove();
			}, 1500)</script>`).open(t, browser.Options{Timeout: long})
			if got := said(see(t, tab), "status"); got != "2 keys" {
				t.Errorf("the page is taken to say %q", got)
			}
		})
	}
}

func TestAwait_SaysWhatItHasNotFoundAndWhatThereIs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body      string
		nearest   []string
		structure bool
	}{
		"another name":      {body: `<button>Generate key</button><button>Help</button>`, nearest: []string{"Generate key", "Help"}},
		"nothing like it":   {body: `<p>Hello</p>`, structure: true},
		"two of it":         {body: `<button>Generate new</button><p>or</p><button>Generate new</button>`, nearest: []string{"Generate new"}},
		"a name that tells": {body: `<button>anne@shop.example</button><button>M00123456</button>`, structure: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := serveOne(t, test.body).open(t, browser.Options{Timeout: short})
			_, err := find(t.Context(), tab, step(), action("Generate new"))
			failed := failure(t, err, browser.NotFound)
			if !slices.Equal(failed.Nearest, test.nearest) || failed.Structure != test.structure || len(failed.Wanted) != 1 {
				t.Errorf("the error has the nearest names %q, structure %t", failed.Nearest, failed.Structure)
			}
			if failed.Site != "The site" || failed.Page != "the first page" || failed.Step != "do it" {
				t.Errorf("the error does not say where: %v", err)
			}
		})
	}
}

func TestAwait_AfterAClickThatChangesAFailureIsUncertain(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"not found": `<p>Hello</p>`, "an alert": `<p role="alert">No</p>`, "signed out": `<button>Sign in</button>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := serveOne(t, body).open(t, browser.Options{Timeout: short})
			_, err := find(t.Context(), tab, changing(), action("Go"))
			var failed *browser.StepError
			if !errors.As(err, &failed) || !failed.MayHaveWorked() || failed.DidNothing() {
				t.Errorf("the error is %+v", err)
			}
		})
	}
}

func TestClick_NeverClicksWhatIsForbiddenOrDisabled(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, counting+`<button onclick="document.querySelector('p').textContent = 'switched'">Switch to production ↗</button>
		<button aria-disabled="true" onclick="document.querySelector('p').textContent = 'off'">Off</button>`).open(t, browser.Options{Timeout: short})
	for _, name := range []string{"Switch to production", "Off"} {
		failed := failure(t, tab.Click(t.Context(), changing(), await(t, tab, action(name))), browser.Unclickable)
		if failed.Uncertain {
			t.Errorf("%s: the error says that something may have happened", name)
		}
	}
	says(t, tab, "status", "none")
}

func TestClick_ElementIsGone(t *testing.T) {
	t.Parallel()
	served := serveOne(t, `<button>Go</button>`)
	tab := served.open(t, browser.Options{Timeout: short})
	button := await(t, tab, action("Go"))
	if err := tab.Load(t.Context(), step(), served.Site.URL); err != nil {
		t.Fatal(err)
	}
	err := tab.Click(t.Context(), step(), button)
	fails(t, err, browser.Unclickable)
	if !browser.Gone(err) {
		t.Errorf("the error does not say that the button is gone: %v", err)
	}
}

// TestClick_ScrollsAroundAChatButton: such a button stays in the corner, over whatever is there.
func TestClick_ScrollsAroundAChatButton(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, `<style>body { height: 3000px }</style><div style="position: fixed; right: 0; bottom: 0; width: 300px; height: 600px; background: #000"></div>
		<div style="position: absolute; right: 20px; bottom: 20px">`+counting+`</div>`).open(t, browser.Options{Timeout: short})
	if err := tab.Click(t.Context(), step(), await(t, tab, action("Two"))); err != nil {
		t.Fatal(err)
	}
	says(t, tab, "status", "a0b1")
}

// TestAwait_AnswersConsentWithNo: a banner that has only a way to accept stays.
func TestAwait_AnswersConsentWithNo(t *testing.T) {
	t.Parallel()
	banner := func(buttons string) string {
		return counting + `<div id="banner" style="position: fixed; inset: 0; background: #fff8"><p>We use cookies.</p>` + buttons + `</div><script>
			document.getElementById("banner").addEventListener("click", (e) => {
				if (e.target.tagName !== "BUTTON") return;
				document.querySelector("[role=status]").textContent = e.target.textContent;
				document.getElementById("banner").remove();
			});
		</script>`
	}
	for name, test := range map[string]struct{ buttons, answer string }{
		"all or necessary": {`<button>Accept all</button><button>Only necessary cookies</button>`, "Only necessary cookies"},
		"Norwegian":        {`<button>Godta alle</button><button>Avvis alle</button>`, "Avvis alle"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := serveOne(t, banner(test.buttons)).open(t, browser.Options{Timeout: long})
			says(t, tab, "status", test.answer)
		})
	}
	tab := serveOne(t, banner(`<button>Accept all</button>`)).open(t, browser.Options{Timeout: short})
	fails(t, tab.Click(t.Context(), changing(), await(t, tab, action("One"))), browser.Unclickable)
	says(t, tab, "status", "none")
}

func TestTab_DismissesDialogsAndClosesWindows(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, `<p role="status">none</p><button onclick="document.querySelector('p').textContent = String(confirm('Really?'))">Ask</button>
		<button onclick="window.open('about:blank'); document.querySelector('p').textContent = 'opened'">Open</button>`).open(t, browser.Options{Timeout: short})
	if err := tab.Click(t.Context(), step(), await(t, tab, action("Ask"))); err != nil {
		t.Fatal(err)
	}
	says(t, tab, "status", "false")
	_, err := find(t.Context(), tab, step(), action("Nothing"))
	if failed := failure(t, err, browser.NotFound); failed.Asked != "Really?" {
		t.Errorf("the error says that the page asked %q", failed.Asked)
	}
	if err := tab.Click(t.Context(), step(), await(t, tab, action("Open"))); err != nil {
		t.Fatal(err)
	}
	says(t, tab, "status", "opened")
}

func TestFill_ReplacesAndVerifies(t *testing.T) {
	t.Parallel()
	const secret = "kco_live_api_Zz' \"\\n\u00e6"
	for name, test := range map[string]struct {
		field, text string
		taken       bool
	}{
		"an empty field":        {`<input aria-label="F">`, secret, true},
		"a full one":            {`<input aria-label="F" value="something longer than that, much longer">`, secret, true},
		"a password's":          {`<input aria-label="F" type="password" value="old">`, secret, true},
		"an e-mail address's":   {`<input aria-label="F" type="email" value="a@b.example">`, "c@d.example", true},
		"an area":               {`<textarea aria-label="F">old</textarea>`, "two\nlines", true},
		"emptied":               {`<input aria-label="F" value="old">`, "", true},
		"one of a component":    {`<x-field></x-field><script>document.querySelector("x-field").attachShadow({ mode: "open" }).innerHTML = "<label>F<input></label>"</script>`, secret, true},
		"too short":             {`<input aria-label="F" maxlength="5">`, secret, false},
		"one that can't change": {`<input aria-label="F" readonly value="old">`, secret, false},
		"one that is off":       {`<input aria-label="F" disabled value="old">`, secret, false},
		"one that changes it":   {`<input aria-label="F" oninput="this.value = this.value.toUpperCase()">`, secret, false},
		"one that gives the focus away": {
			`<input aria-label="F" onfocus="document.getElementById('g').focus()"><input id="g" aria-label="G">`, secret, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := serveOne(t, `<form>`+test.field+`</form>`).open(t, browser.Options{Timeout: short})
			err := tab.Fill(t.Context(), step(), await(t, tab, field("F")), test.text)
			if !test.taken {
				fails(t, err, browser.Unclickable)
				if strings.Contains(err.Error(), secret) {
					t.Error("the error has what was typed")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if value := await(t, tab, field("F")).Value; value != test.text {
				t.Errorf("the field holds %q, want %q", value, test.text)
			}
		})
	}
}

func TestChoose_ChoosesTheOption(t *testing.T) {
	t.Parallel()
	const noticing = `<p role="status"></p><script>
		addEventListener("change", (e) => { document.querySelector("p").textContent = "chosen " + e.target.selectedIndex });
		addEventListener("click", (e) => { if (e.target.role === "option") document.querySelector("p").textContent = "chosen 2" });
	</script>`
	for name, list := range map[string]string{
		"a list of the browser's":   `<select aria-label="L"><option>One<option>Two<option>Three</select>`,
		"options of the same value": `<select aria-label="L"><option value="1">One<option value="1">Two<option value="1">Three</select>`,
		"a list of the page's": `<div role="listbox" aria-label="L"><div role="option" aria-selected="true">One</div>` +
			`<div role="option" aria-selected="false">Two</div><div role="option" aria-selected="false">Three</div></div>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := serveOne(t, list+noticing).open(t, browser.Options{Timeout: long})
			var third *browser.Element
			for e := range see(t, tab).All() {
				if e.Role == "option" && e.Text() == "Three" {
					third = e
				}
			}
			if err := tab.Choose(t.Context(), step(), third); err != nil {
				t.Fatal(err)
			}
			says(t, tab, "status", "chosen 2")
		})
	}
}

// TestTab_WritesDatesInEnglishAndUTC: what pages write is read.
func TestTab_WritesDatesInEnglishAndUTC(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, `<p role="status"></p><script>
		document.querySelector("p").textContent = new Date(0).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
	</script>`).open(t, browser.Options{Timeout: long})
	says(t, tab, "status", "Jan 1, 1970, 12:00 AM")
}

// TestTab_ReadOnlyRefusesChangingClicks: what only leads somewhere is clicked.
func TestTab_ReadOnlyRefusesChangingClicks(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, counting).open(t, browser.Options{Timeout: long, ReadOnly: true})
	failed := failure(t, tab.Click(t.Context(), changing(), await(t, tab, action("One"))), browser.Unclickable)
	if !errors.Is(failed, browser.ErrReadOnly) || !failed.DidNothing() {
		t.Errorf("the error is %v", failed)
	}
	if err := tab.Click(t.Context(), step(), await(t, tab, action("Two"))); err != nil {
		t.Fatal(err)
	}
	says(t, tab, "status", "a0b1")
}

// TestTab_ReportsSnapshotsOfPagesAndWay tells of the page that a step ended on, also where it failed.
func TestTab_ReportsSnapshotsOfPagesAndWay(t *testing.T) {
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
		t.Fatal("it was found")
	}
	if len(snapshots) < 3 {
		t.Fatalf("%d snapshots", len(snapshots))
	}
	if way := snapshots[1].Passed; way == nil || way.Found != "API keys" || !way.OK() {
		t.Errorf("on the way there was %+v", way)
	}
	last := snapshots[len(snapshots)-1]
	if !last.Failed || last.Shown == nil || !strings.Contains(last.Shown.Text(), "Contents") {
		t.Errorf("the last is %+v", last)
	}
}

func TestExamine_NamesNearest(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, `<button>Add a key</button> <button>Help 12345</button> <button>Delete</button> <button>Delete</button>`).open(t, browser.Options{Timeout: long})
	page := see(t, tab)
	if f := page.Examine(action("Add key", "Create key")); f.OK() || !slices.Equal(f.Nearest[:1], []string{"Add a key"}) || len(f.Nearest) != 2 {
		t.Errorf("it found %+v", f)
	}
	if f := page.Examine(action("Delete")); f.OK() || !f.Several {
		t.Errorf("it found %+v", f)
	}
	if f := page.Examine(action("Add a key")); !f.OK() || f.Found != "Add a key" {
		t.Errorf("it found %+v", f)
	}
}
