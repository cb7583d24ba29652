package browser_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
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

func TestAwaitWaitsForWhatComesLate(t *testing.T) {
	t.Parallel()
	s := serveOne(t, `<h1>Keys</h1><script>setTimeout(() => {
		document.body.insertAdjacentHTML("beforeend", '<button>Go</button>');
	}, 500)</script>`)
	found := await(t, s.open(t, browser.Options{Timeout: long}), want("heading", "Keys"), want("button", "Go"))
	if found[0].Role != "heading" || found[1].Role != "button" {
		t.Errorf("found are %v", found)
	}
}

func TestAwaitDoesNotTakeHalfAPageForAll(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]http.HandlerFunc{
		"/": html(`<a href="/slow">Next</a>`),
		"/slow": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, `<!doctype html><h1>Keys</h1><ul><li>M1</li>`+strings.Repeat(" ", 8192))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Second)
			_, _ = io.WriteString(w, `<li>M2</li></ul>`)
		},
	})
	tab := s.open(t, browser.Options{Timeout: long})
	page, _, err := tab.Follow(t.Context(), step(want("heading", "Keys")), want("link", "Next"))
	if err != nil {
		t.Fatal(err)
	}
	if items := page.All("listitem"); len(items) != 2 {
		t.Errorf("the page has %d items, want 2", len(items))
	}
}

func TestAwaitSaysWhatItHasNotFound(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body    string
		refused bool
		kind    browser.Kind
		wanted  int
	}{
		"nothing of it":       {body: `<p>Hello</p>`, kind: browser.NotFound, wanted: 2},
		"one of two":          {body: `<h1>Keys</h1>`, kind: browser.NotFound, wanted: 1},
		"one that is twice":   {body: `<h1>Keys</h1><h2>Keys</h2><button>Go</button>`, kind: browser.NotFound, wanted: 1},
		"one that is hidden":  {body: `<h1>Keys</h1><button hidden>Go</button>`, kind: browser.NotFound, wanted: 1},
		"somebody signed out": {body: `<h1>Keys</h1><button>Go</button><button>Sign in</button>`, kind: browser.SignedOut},
		"a refusal":           {body: `<h1>Keys</h1><p role="alert">No more of kco_live_api_abc, thanks</p>`, refused: true, kind: browser.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := serveOne(t, test.body).open(t, browser.Options{Timeout: short})
			look := step(want("heading", "Keys"), want("button", "Go"))
			if test.refused {
				look.Refused = func(p *browser.Page) string { return p.First("alert").Text() }
			}
			_, _, err := tab.Await(t.Context(), look)
			failed := failure(t, err, test.kind)
			if len(failed.Wanted) != test.wanted || failed.Changing || failed.Uncertain || failed.DidNothing() {
				t.Errorf("the error is %+v", failed)
			}
			if failed.Site != "The site" || failed.Page != "the first page" || failed.Step != "do it" {
				t.Errorf("the error does not say where: %v", err)
			}
			if test.refused && failed.Message != "No more of (sensitive) thanks" {
				t.Errorf("the message is %q", failed.Message)
			}
		})
	}
}

func TestAfterAClickThatChangesAFailureIsUncertain(t *testing.T) {
	t.Parallel()
	s := serveOne(t, `<button>Sign in</button>`)
	for name, test := range map[string]struct {
		site *site
		step browser.Step
		// uncertain is whether what was clicked may have worked.
		uncertain bool
	}{
		"not found":  {serveOne(t, `<p>Hello</p>`), step(want("button", "Go")), true},
		"signed out": {s, step(), true},
		"refused": {serveOne(t, `<p role="alert">No</p>`), browser.Step{Refused: func(p *browser.Page) string {
			return p.First("alert").Text()
		}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := test.site.open(t, browser.Options{Timeout: short})
			test.step.Changing = true
			_, _, err := tab.Await(t.Context(), test.step)
			var failed *browser.StepError
			if !errors.As(err, &failed) || failed.MayHaveWorked() != test.uncertain || failed.DidNothing() == test.uncertain {
				t.Errorf("the error is %+v", err)
			}
		})
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, `<p>Hello</p>`).open(t, browser.Options{Timeout: long})
	err := within(t, long/2, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		_, _, err := tab.Await(ctx, step(want("button", "Go")))
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
}

func TestClickClicksTheOneThing(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, `<div style="height: 3000px"></div>`+counting).open(t, browser.Options{Timeout: long})
	for range 2 {
		if err := tab.Click(t.Context(), step(), await(t, tab, want("button", "Two"))[0]); err != nil {
			t.Fatal(err)
		}
	}
	await(t, tab, want("status").Saying("a0b2"))
}

func TestNothingIsClickedThatSomethingIsInFrontOf(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, counting+`<div style="position: fixed; inset: 0; background: #eee8"></div>`).open(t, browser.Options{Timeout: short})
	go_ := await(t, tab, want("button", "One"))[0]
	changing := step()
	changing.Changing = true
	failed := failure(t, tab.Click(t.Context(), changing, go_), browser.Unclickable)
	if failed.Uncertain || !failed.DidNothing() {
		t.Errorf("the error does not say that nothing was done: %+v", failed)
	}
	await(t, tab, want("status").Saying("none"))
}

func TestAClickWaitsUntilNothingIsInFront(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, counting+`<div id="over" style="position: fixed; inset: 0"></div>
		<script>setTimeout(() => document.getElementById("over").remove(), 500)</script>`).open(t, browser.Options{Timeout: long})
	if err := tab.Click(t.Context(), step(), await(t, tab, want("button", "One"))[0]); err != nil {
		t.Fatal(err)
	}
	await(t, tab, want("status").Saying("a1b0"))
}

// TestAClickDoesNotHitWhatMovesUnderIt: the page puts another button under the pointer as soon as it is
// known where that goes.
func TestAClickDoesNotHitWhatMovesUnderIt(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, counting+`<script>
		const add = window.addEventListener;
		window.addEventListener = function(...args) {
			document.getElementById("b").style = "position: fixed; inset: 0";
			return add.apply(this, args);
		};
	</script>`).open(t, browser.Options{Timeout: short})
	if err := tab.Click(t.Context(), step(), await(t, tab, want("button", "One"))[0]); err != nil {
		t.Fatal(err)
	}
	if _, _, err := tab.Await(t.Context(), step(want("status").Saying("a0b1"))); err == nil {
		t.Error("the other button was clicked")
	}
	await(t, tab, want("status").Saying("none"))
}

func TestNothingIsClickedThatIsThereTwiceOrGone(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, `<button onclick="document.title = 'clicked'">Go</button><button onclick="document.title = 'clicked'">Go</button>`).
		open(t, browser.Options{Timeout: short})
	_, _, err := tab.Follow(t.Context(), step(), want("button", "Go"))
	fails(t, err, browser.NotFound)
	if page, _, err := tab.Await(t.Context(), step()); err != nil || page.Name != "A page" {
		t.Errorf("something was clicked: %v", err)
	}
	gone := serveOne(t, `<button>Go</button>`).open(t, browser.Options{Timeout: short})
	button := await(t, gone, want("button", "Go"))[0]
	if err := gone.Load(t.Context(), step(), serveOne(t, `<button>Go</button>`).Site.URL); err != nil {
		t.Fatal(err)
	}
	fails(t, gone.Click(t.Context(), step(), button), browser.Unclickable)
}

func TestFollowFindsAnewWhatIsDrawnAnew(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, counting+`<script>
		const draw = () => { const old = document.getElementById("a"); const made = old.cloneNode(true);
			made.addEventListener("click", () => { document.title = "clicked" }); old.replaceWith(made) };
		const timer = setInterval(draw, 1);
		setTimeout(() => clearInterval(timer), 700);
	</script>`).open(t, browser.Options{Timeout: long})
	if _, _, err := tab.Follow(t.Context(), step(want("RootWebArea", "clicked")), want("button", "One")); err != nil {
		t.Fatal(err)
	}
}

func TestFillReplacesAndVerifies(t *testing.T) {
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
		"empty already":         {`<input aria-label="F">`, "", true},
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
			s := serve(t, map[string]http.HandlerFunc{"/": html(`<form>` + test.field + `</form><p role="status"></p><script>
				addEventListener("input", (e) => { document.querySelector("p").textContent = "typed " + e.target.value.length }, true);
			</script>`)})
			tab := s.open(t, browser.Options{Timeout: short})
			page, _, err := tab.Await(t.Context(), step())
			if err != nil {
				t.Fatal(err)
			}
			err = tab.Fill(t.Context(), step(), page.First("textbox", "F"), test.text)
			after, _, lookErr := tab.Await(t.Context(), step())
			if lookErr != nil {
				t.Fatal(lookErr)
			}
			if !test.taken {
				fails(t, err, browser.Unclickable)
				if strings.Contains(err.Error(), secret) {
					t.Error("the error has what was typed")
				}
				if g := after.First("textbox", "G"); g != nil && g.Value != "" {
					t.Error("it was typed into another field")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if value := after.First("textbox", "F").Value; value != test.text && name != "a password's" {
				t.Errorf("the field holds %q, want %q", value, test.text)
			} else if strings.Contains(value, "kco_") && name == "a password's" {
				t.Error("the value of a password's field is told")
			}
			if typed := fmt.Sprint("typed ", len([]rune(test.text))); test.text != "" && after.First("status").Text() != typed {
				t.Errorf("the page has noticed %q, want %q", after.First("status").Text(), typed)
			}
		})
	}
}

func TestChooseChoosesTheOption(t *testing.T) {
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
			page, _, err := tab.Await(t.Context(), step())
			if err != nil {
				t.Fatal(err)
			}
			if err := tab.Choose(t.Context(), step(), page.First("option", "Three")); err != nil {
				t.Fatal(err)
			}
			await(t, tab, want("status").Saying("chosen 2"))
		})
	}
}

func TestAnotherHostIsElsewhere(t *testing.T) {
	t.Parallel()
	other := serveOne(t, `<h1>Keys</h1>`)
	s := serve(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.Server.URL, http.StatusSeeOther)
	}})
	tab := s.open(t, browser.Options{Timeout: short})
	_, _, err := tab.Await(t.Context(), step(want("heading", "Keys")))
	if failed := failure(t, err, browser.Elsewhere); failed.Message != other.Server.URL {
		t.Errorf("the error says %q, want %q", failed.Message, other.Server.URL)
	}
}

func TestAPageThatNeverAnswersEndsAtTheTimeout(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]http.HandlerFunc{"/": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }})
	b := browser.New(shared.Group(t), browser.Options{Timeout: short})
	tab := s.tab(t, b, browser.NewVisitor(s.Site, browser.Session{}))
	err := within(t, 3*short, func(ctx context.Context) error { return tab.Load(ctx, step(), s.Site.URL) })
	fails(t, err, browser.NoPage)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Error("the error looks like the end of the whole operation's time")
	}
}

// TestAClickThatIsNotAnsweredEndsWithoutAPage: whether the page of before was seen after the click is
// chance, and must not decide what is said.
func TestAClickThatIsNotAnsweredEndsWithoutAPage(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]http.HandlerFunc{
		"/":      html(`<button onclick="setTimeout(() => location = '/never', 300)">Go</button>`),
		"/never": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	})
	tab := s.open(t, browser.Options{Timeout: short})
	changing := step(want("heading", "Keys"))
	changing.Changing = true
	_, _, err := tab.Follow(t.Context(), changing, want("button", "Go"))
	if failed := failure(t, err, browser.NoPage); !failed.Uncertain {
		t.Error("the error says that nothing was done")
	}
}

func TestLoadAsksAgainWhereTheSiteHasTrouble(t *testing.T) {
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
				html("<h1>Keys</h1>")(w, r)
			}})
			timeout := long
			if test.header == "3600" {
				timeout = short
			}
			tab := s.tab(t, browser.New(shared.Group(t), browser.Options{Timeout: timeout}), browser.NewVisitor(s.Site, browser.Session{}))
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

func TestRetryAfterHasTwoForms(t *testing.T) {
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

func TestEveryStepIsObservedWithoutWhatIsOnThePage(t *testing.T) {
	t.Parallel()
	const secret = "kco_live_api_observed"
	records := make(chan browser.Record, 9)
	tab := serveOne(t, `<p role="alert">`+secret+`</p><input aria-label="F">`).open(t, browser.Options{
		Timeout: short, Observe: func(_ context.Context, r browser.Record) { records <- r },
	})
	field := await(t, tab, want("textbox", "F"))[0]
	if err := tab.Fill(t.Context(), step(), field, secret); err != nil {
		t.Fatal(err)
	}
	_, _, err := tab.Await(t.Context(), step(want("button", "Go")))
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

func TestWhatWasTypedAsASecretIsInNoMessage(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery"
	tab := serveOne(t, `<input aria-label="F" oninput="document.querySelector('p').textContent = 'No: ' + this.value"><p role="alert"></p>`).
		open(t, browser.Options{Timeout: short})
	typing := step()
	typing.Secret = true
	if err := tab.Fill(t.Context(), typing, await(t, tab, want("textbox", "F"))[0], password); err != nil {
		t.Fatal(err)
	}
	look := step()
	look.Refused = func(p *browser.Page) string { return p.First("alert").Text() }
	_, _, err := tab.Await(t.Context(), look)
	if failed := failure(t, err, browser.Refused); failed.Message != "No: (sensitive)" {
		t.Error("the message has what was typed")
	}
}

// TestAwaitDoesNotTakeATornPageForAWholeOne: what is missing at its end is not gone.
func TestAwaitDoesNotTakeATornPageForAWholeOne(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]http.HandlerFunc{
		"/": html(`<a href="/torn">Next</a>`),
		"/torn": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Length", "20000")
			_, _ = io.WriteString(w, `<!doctype html><h1>Keys</h1><ul><li>M1</li>`+strings.Repeat(" ", 8192))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
	})
	tab := s.open(t, browser.Options{Timeout: short})
	page, _, err := tab.Follow(t.Context(), step(want("heading", "Keys")), want("link", "Next"))
	if err == nil {
		t.Fatalf("the page is taken for a whole one, with %d items", len(page.All("listitem")))
	}
	fails(t, err, browser.NoPage)
}
