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

// knownWords has the names that the site of these tests is known by.
func knownWords() browser.Table {
	return browser.Table{"make": {"Generate new"}, "stores": {"Stores"}, "key_id": {"Key ID"}, "menu": {"Open menu"}, "remove": {"Delete"}}
}

// taughtPage is an open page, and a user who points at its elements.
type taughtPage struct {
	*browser.Tab
	*browsertest.Teacher
	words   browser.Words
	profile *browser.Profile
}

// openTaught opens a page whose user answers with do.
func openTaught(t *testing.T, body string, do func(question string) browsertest.Answer) *taughtPage {
	t.Helper()
	s := serve(t, map[string]http.HandlerFunc{"/": html(body), "/frame": html(`<button>In a frame</button>` + countInput)})
	tables := map[string]browser.Table{"site": knownWords()}
	p := &taughtPage{profile: browser.NewProfile(filepath.Join(t.TempDir(), "pages.json"), tables)}
	p.words = browser.NewWords(knownWords(), nil).Taught(p.profile.Of("site"))
	s.Words, s.Changing = p.words, []browser.Target{p.words.Action("remove")}
	p.Teacher = &browsertest.Teacher{Hosts: []string{s.Site.URL.Host}, Do: do}
	p.Tab = s.open(t, browser.Options{
		Timeout: long, ReadOnly: true, Attendant: p.Attend, Taught: p.profile.Save,
		Hidden: func(name string) bool { return strings.Contains(name, "Fjellsport") },
	})
	t.Cleanup(func() {
		if _, errs := p.Questions(); len(errs) > 0 {
			t.Errorf("the user's answers fail: %v", errs)
		}
	})
	return p
}

// file returns the content of the profile's file.
func (p *taughtPage) file(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(p.profile.File)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// countInput counts the user's input events that a page gets. The browser tells each page once that the mouse is in the
// corner; that does not count.
const countInput = `<script>for (const kind of ["pointerdown", "mousedown", "pointerup", "mouseup", "click", "mousemove", "keydown"])
	window.addEventListener(kind, (e) => { if (e.clientX === 0 && kind === "mousemove") return; const p = top.document.querySelector("p"); p.textContent = +p.textContent + 1 }, true)</script>`

// pointing returns a user who points at an element, and confirms it.
func pointing(element string) func(string) browsertest.Answer {
	return func(question string) browsertest.Answer {
		if strings.Contains(question, "Is this the right one?") {
			return browsertest.Answer{Press: "OK"}
		}
		return browsertest.Answer{Point: element}
	}
}

// The provider finds the element at once and in later steps, and the page gets no input.
func TestTeach_FindsElementWithoutClick(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ body, element string }{
		"box without a role": {`<div style="cursor: pointer" onclick="document.title = 'clicked'"><span>Lag en til</span></div>`, `document.querySelector("span")`},
		"link":               {`<a href="/elsewhere">Lag en til</a>`, `document.querySelector("a")`},
		"in a frame":         {`<iframe src="/frame" width="300" height="200"></iframe>`, `document.querySelector("iframe").contentDocument?.querySelector("button")`},
		"icon beside a name": {`<h2>Stores</h2><button>x</button><h2>Key ID</h2><button>y</button><button>z</button>`, `document.querySelectorAll("button")[2]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := openTaught(t, countInput+`<p role="status">0</p>`+test.body, pointing(test.element))
			shown := mustRead(t, p.Tab)
			found := mustFind(t, p.Tab, p.words.Action("make"))
			if again := mustFind(t, p.Tab, p.words.Action("make")); !again.Is(found) {
				t.Error("the second search finds another element")
			}
			wantText(t, p.Tab, "status", "0")
			if now := mustRead(t, p.Tab); now.URL.String() != shown.URL.String() || now.Text() != shown.Text() {
				t.Errorf("the page changes to %q", now.Text())
			}
			if questions, _ := p.Questions(); len(questions) != 2 {
				t.Errorf("the questions are %q, want 2", questions)
			}
			read, err := browser.ReadProfile(p.profile.File, map[string]browser.Table{"site": knownWords()})
			if err != nil || read.Len() != 1 {
				t.Errorf("the file is %s: %v", p.file(t), err)
			}
		})
	}
}

// See also TestDescribe_LeavesOutValues.
func TestTeach_FileHoldsNoShopName(t *testing.T) {
	t.Parallel()
	p := openTaught(t, `<h2>Stores</h2><button>Fjellsport</button><h2>Key ID</h2>`, pointing(`document.querySelector("button")`))
	mustFind(t, p.Tab, p.words.Action("make"))
	if file := p.file(t); strings.Contains(file, "Fjellsport") || !strings.Contains(file, `"after": "stores"`) || !strings.Contains(file, `"before": "key_id"`) {
		t.Errorf("the file is %s", file)
	}
}

// The provider refuses elements that it could not find again, or must not click. A user can also skip, or stop.
func TestTeach_SavesNothingIfRefusedOrSkipped(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body, element, press, want string
	}{
		"changes something":    {`<button>Delete</button>`, `document.querySelector("button")`, "Skip", "which changes something"},
		"never clicked":        {`<button>Switch to production</button>`, `document.querySelector("button")`, "Skip", "never clicks it"},
		"can't be found again": {`<button>M00412871</button><button>M00412872</button>`, `document.querySelector("button")`, "Stop", "knows nothing beside it"},
		"skipped at once":      {`<button>Other</button>`, "", "Skip", "Point at this"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pointed := false
			p := openTaught(t, test.body, func(string) browsertest.Answer {
				if !pointed && test.element != "" {
					pointed = true
					return browsertest.Answer{Point: test.element}
				}
				return browsertest.Answer{Press: test.press}
			})
			for range 2 {
				_, err := find(t.Context(), p.Tab, step(), p.words.Action("make"))
				wantKind(t, err, browser.NotFound)
			}
			questions, _ := p.Questions()
			if last := questions[len(questions)-1]; !strings.Contains(last, test.want) {
				t.Errorf("the last question is %q", last)
			}
			if want := map[bool]int{true: 2, false: 1}[test.element != ""]; len(questions) != want {
				t.Errorf("there are %d questions, want %d", len(questions), want)
			}
			if _, err := os.Stat(p.profile.File); err == nil {
				t.Errorf("a file is saved: %s", p.file(t))
			}
		})
	}
}

// Some elements exist only after a click that may change something.
func TestTeachAfter_LetsUserClick(t *testing.T) {
	t.Parallel()
	p := openTaught(t, `<button onclick="document.querySelector('div').hidden = false">…</button><div role="menu" hidden><button>Ta vekk</button></div>`,
		func(question string) browsertest.Answer {
			switch {
			case strings.Contains(question, "Do this yourself"):
				return browsertest.Answer{Click: []string{`document.querySelector("button")`}, Press: "Done"}
			case strings.Contains(question, "right one"):
				return browsertest.Answer{Press: "OK"}
			}
			return browsertest.Answer{Point: `document.querySelector("[role=menu] button")`}
		})
	for range 2 {
		if err := p.TeachAfter(t.Context(), step(), "Open the menu.", p.words.Action("remove")); err != nil {
			t.Fatal(err)
		}
	}
	if questions, _ := p.Questions(); len(questions) != 3 || !strings.Contains(questions[0], "Open the menu.") {
		t.Errorf("the questions are %q", questions)
	}
	if file := p.file(t); !strings.Contains(file, `"name": "Ta vekk"`) || !strings.Contains(file, `"menu"`) {
		t.Errorf("the file is %s", file)
	}
}

func TestTeach_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := openTaught(t, `<button>Other</button>`, func(string) browsertest.Answer { cancel(); return browsertest.Answer{} })
	_, err := find(ctx, p.Tab, step(), p.words.Action("make"))
	wantKind(t, err, browser.NotFound)
}
