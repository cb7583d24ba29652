package browser_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
)

// taughtTable is what the site of these tests is known to have.
func taughtTable() browser.Table {
	return browser.Table{"make": {"Generate new"}, "stores": {"Stores"}, "key_id": {"Key ID"}, "menu": {"Open menu"}, "remove": {"Delete"}}
}

// lesson is a page, and somebody who points at targets on it.
type lesson struct {
	*browser.Tab
	*browsertest.Teacher
	words   browser.Words
	profile *browser.Profile
}

// teach serves a page of a site with that table.
func teach(t *testing.T, body string, do func(question string) browsertest.Deed) *lesson {
	t.Helper()
	s := serve(t, map[string]http.HandlerFunc{"/": html(body), "/frame": html(`<button>In a frame</button>` + noisy)})
	tables := map[string]browser.Table{"site": taughtTable()}
	l := &lesson{profile: browser.NewProfile(filepath.Join(t.TempDir(), "pages.json"), tables)}
	l.words = browser.NewWords(taughtTable(), nil).Taught(l.profile.Of("site"))
	s.Words, s.Changing = l.words, []browser.Target{l.words.Action("remove")}
	l.Teacher = &browsertest.Teacher{Hosts: []string{s.Site.URL.Host}, Do: do}
	l.Tab = s.open(t, browser.Options{
		Timeout: 20 * short, ReadOnly: true, Attendant: l.Attend, Taught: l.profile.Save,
		Hidden: func(name string) bool { return strings.Contains(name, "Fjellsport") },
	})
	t.Cleanup(func() {
		if _, errs := l.Questions(); len(errs) > 0 {
			t.Errorf("the teacher met %v", errs)
		}
	})
	return l
}

// file is what the profile's file has.
func (l *lesson) file(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(l.profile.File)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// noisy counts everything that a page gets of a person, even before all else that it has. That the mouse is in the
// corner, a browser tells each page once.
const noisy = `<script>for (const kind of ["pointerdown", "mousedown", "pointerup", "mouseup", "click", "mousemove", "keydown"])
	window.addEventListener(kind, (e) => { if (e.clientX === 0 && kind === "mousemove") return; const p = top.document.querySelector("p"); p.textContent = +p.textContent + 1 }, true)</script>`

// pointing points, and says OK.
func pointing(element string) func(string) browsertest.Deed {
	return func(question string) browsertest.Deed {
		if strings.Contains(question, "Is this the right one?") {
			return browsertest.Deed{Press: "OK"}
		}
		return browsertest.Deed{Point: element}
	}
}

// TestTeach_PageGetsNoClick: what a person points at is found at once and again later, and the page has noticed nothing.
func TestTeach_PageGetsNoClick(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ body, element string }{
		"box without a role": {`<div style="cursor: pointer" onclick="document.title = 'clicked'"><span>Lag en til</span></div>`, `document.querySelector("span")`},
		"link":               {`<a href="/elsewhere">Lag en til</a>`, `document.querySelector("a")`},
		"in a frame":         {`<iframe src="/frame" width="300" height="200"></iframe>`, `document.querySelector("iframe").contentDocument?.querySelector("button")`},
		"icon beside a name": {`<h2>Stores</h2><button>x</button><h2>Key ID</h2><button>y</button><button>z</button>`, `document.querySelectorAll("button")[2]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := teach(t, noisy+`<p role="status">0</p>`+test.body, pointing(test.element))
			shown := see(t, l.Tab)
			found := await(t, l.Tab, l.words.Action("make"))
			if again := await(t, l.Tab, l.words.Action("make")); !again.Is(found) {
				t.Error("the second look has found something else")
			}
			says(t, l.Tab, "status", "0")
			if now := see(t, l.Tab); now.URL.String() != shown.URL.String() || now.Text() != shown.Text() {
				t.Errorf("the page was changed to %q", now.Text())
			}
			if questions, _ := l.Questions(); len(questions) != 2 {
				t.Errorf("the questions were %q", questions)
			}
			read, err := browser.ReadProfile(l.profile.File, map[string]browser.Table{"site": taughtTable()})
			if err != nil || read.Len() != 1 {
				t.Errorf("the file is %s: %v", l.file(t), err)
			}
		})
	}
}

// TestTeach_FileHasNoValue: names that may be values, or are somebody's, are left out, and the place tells the target.
func TestTeach_FileHasNoValue(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"ID": "M00412871", "secret": "kco_live_api_x1y2", "address": "kari@fjellsport.example", "amount": "1 299,00 kr", "shop": "Fjellsport",
		"many letters": "abcdefghijklmnopqrstuvwxyz",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := teach(t, `<h2>Stores</h2><button title="`+value+`">`+value+`</button><h2>Key ID</h2><button>Other</button>`, pointing(`document.querySelector("button")`))
			await(t, l.Tab, l.words.Action("make"))
			if file := l.file(t); strings.Contains(file, value) || !strings.Contains(file, `"after": "stores"`) || !strings.Contains(file, `"before": "key_id"`) {
				t.Errorf("the file is %s", file)
			}
		})
	}
}

// TestTeach_Refusals: what can't be found again, or is known to change something, is not taught; and a person can skip
// a target, and stop.
func TestTeach_Refusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body, element, press, want string
	}{
		"changes something":      {`<button>Delete</button>`, `document.querySelector("button")`, "Skip", "which changes something"},
		"never clicked":          {`<button>Switch to production</button>`, `document.querySelector("button")`, "Skip", "never clicks it"},
		"nothing to tell it by":  {`<button>M00412871</button><button>M00412872</button>`, `document.querySelector("button")`, "Stop", "knows nothing beside it"},
		"skipped without a look": {`<button>Other</button>`, "", "Skip", "Point at this"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pointed := false
			l := teach(t, test.body, func(string) browsertest.Deed {
				if !pointed && test.element != "" {
					pointed = true
					return browsertest.Deed{Point: test.element}
				}
				return browsertest.Deed{Press: test.press}
			})
			for range 2 {
				_, err := find(t.Context(), l.Tab, step(), l.words.Action("make"))
				fails(t, err, browser.NotFound)
			}
			questions, _ := l.Questions()
			if last := questions[len(questions)-1]; !strings.Contains(last, test.want) {
				t.Errorf("the last question is %q", last)
			}
			if want := map[bool]int{true: 2, false: 1}[test.element != ""]; len(questions) != want {
				t.Errorf("it has asked %d times, want %d", len(questions), want)
			}
			if _, err := os.Stat(l.profile.File); err == nil {
				t.Errorf("there is a file: %s", l.file(t))
			}
		})
	}
}

// TestTeach_PersonsOwnClicks count, where something is there only after one.
func TestTeach_PersonsOwnClicks(t *testing.T) {
	t.Parallel()
	l := teach(t, `<button onclick="document.querySelector('div').hidden = false">…</button><div role="menu" hidden><button>Ta vekk</button></div>`,
		func(question string) browsertest.Deed {
			switch {
			case strings.Contains(question, "Do this yourself"):
				return browsertest.Deed{Click: []string{`document.querySelector("button")`}, Press: "Done"}
			case strings.Contains(question, "right one"):
				return browsertest.Deed{Press: "OK"}
			}
			return browsertest.Deed{Point: `document.querySelector("[role=menu] button")`}
		})
	for range 2 {
		if err := l.TeachAfter(t.Context(), step(), "Open the menu.", l.words.Action("remove")); err != nil {
			t.Fatal(err)
		}
	}
	if questions, _ := l.Questions(); len(questions) != 3 || !strings.Contains(questions[0], "Open the menu.") {
		t.Errorf("the questions were %q", questions)
	}
	if file := l.file(t); !strings.Contains(file, `"name": "Ta vekk"`) || !strings.Contains(file, `"menu"`) {
		t.Errorf("the file is %s", file)
	}
}

// TestTeach_EndsWithItsContext: nobody is waited for any more.
func TestTeach_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l := teach(t, `<button>Other</button>`, func(string) browsertest.Deed { cancel(); return browsertest.Deed{} })
	_, err := find(ctx, l.Tab, step(), l.words.Action("make"))
	fails(t, err, browser.NotFound)
}
