package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
)

// chromium is one browser for all tests. It starts with the first test that needs it.
type chromium struct {
	once  sync.Once
	ctx   context.Context
	close context.CancelFunc
	err   error
}

var shared chromium

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.close != nil {
		shared.close()
	}
	os.Exit(code)
}

func (c *chromium) start() {
	path, err := browser.Find("", false)
	if err != nil {
		c.err = err
		return
	}
	flags := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	allocator, stop := chromedp.NewExecAllocator(context.Background(),
		append(flags, chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1280, 900), chromedp.Env("TZ=Europe/Oslo"))...)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	c.ctx, c.close = ctx, func() { closeBrowser(); stop() }
	c.err = chromedp.Do(ctx)
}

// tab is a browser's tab. Its methods read what a person sees, and use the mouse and the keyboard.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// pageTimeout is how long a test waits for a page.
const pageTimeout = 20 * time.Second

// newTab opens a tab in a profile of its own.
func newTab(t *testing.T) *tab {
	t.Helper()
	browsertest.Need(t)
	shared.once.Do(shared.start)
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	ctx, cancel := chromedp.NewContext(shared.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	// The context that opens the tab also closes it, so it has no timeout.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return &tab{t: t, ctx: ctx}
}

func (p *tab) open(address string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, pageTimeout)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.NavigateResponse(address)); err != nil {
		p.t.Fatalf("opening %s: %v", address, err)
	}
}

// finder is a script that finds visible elements, also in open shadow roots and frames.
const finder = `(() => {
  const all = (root, out = [], dx = 0, dy = 0) => {
    for (const e of root.querySelectorAll("*")) {
      out.push([e, dx, dy]);
      if (e.shadowRoot) all(e.shadowRoot, out, dx, dy);
      if (e.contentDocument) { const r = e.getBoundingClientRect(); all(e.contentDocument, out, dx + r.x, dy + r.y); }
    }
    return out;
  };
  const seen = ([e]) => e.checkVisibility() && !e.closest("[inert], [aria-hidden=true]");
  window.things = (selector, text) => all(document).filter(seen).filter(([e]) => e.matches(selector) &&
    (text === "" || (e.getAttribute("aria-label") ?? e.textContent).trim() === text || e.title === text));
  window.pointOf = (selector, text, n) => {
    const hit = window.things(selector, text).at(n);
    if (!hit) return null;
    const [e, dx, dy] = hit;
    e.scrollIntoView({ block: "center" });
    const r = e.getBoundingClientRect();
    return [dx + r.x + r.width / 2, dy + r.y + r.height / 2];
  };
})();`

// try returns the result of a script, which can use finder. It fails while another page is loading.
func try[T any](p *tab, script string) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, pageTimeout)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](finder+script))
}

// eval returns the result of a script, and fails the test at an error.
func eval[T any](p *tab, script string) T {
	p.t.Helper()
	value, err := try[T](p, script)
	if err != nil {
		p.t.Fatalf("%s: %v", script, err)
	}
	return value
}

// until waits until the result of a script is true, and returns it.
func until[T any](p *tab, script string) T {
	p.t.Helper()
	for deadline := time.Now().Add(pageTimeout); time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
		if value, err := try[*T](p, "("+script+") || null"); err == nil && value != nil {
			return *value
		}
	}
	p.t.Fatalf("%s did not become true; the page is %q", script, p.texts("body"))
	panic("unreachable")
}

// settled returns a point once it no longer moves. Loaded parts of the page move what is below them.
func (p *tab) settled(script string) []float64 {
	p.t.Helper()
	last := until[[]float64](p, script)
	for {
		time.Sleep(60 * time.Millisecond)
		at := until[[]float64](p, script)
		if slices.Equal(at, last) && eval[int](p, find(".skeleton", "")+".length") == 0 {
			return at
		}
		last = at
	}
}

func (p *tab) until(condition string) {
	p.t.Helper()
	until[bool](p, "Boolean("+condition+")")
}

func find(selector, text string) string {
	arguments, err := json.Marshal([]string{selector, text})
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("things(...%s)", arguments)
}

// text returns the text of the first element that matches.
func (p *tab) text(selector string) string {
	p.t.Helper()
	return eval[string](p, find(selector, "")+`[0]?.[0].innerText.replace(/\s+/g, " ").trim() ?? ""`)
}

func (p *tab) texts(selector string) []string {
	p.t.Helper()
	return eval[[]string](p, find(selector, "")+`.map(([e]) => e.innerText.replace(/\s+/g, " ").trim())`)
}

const pressable = "button, a, [role=button], [role=menuitem], [role=option], [role=combobox], [role=tab], .button"

// press clicks on the element with a text, once there is one.
func (p *tab) press(text string) { p.t.Helper(); p.pressNth(pressable, text, 0) }

func (p *tab) pressNth(selector, text string, n int) {
	p.t.Helper()
	arguments, err := json.Marshal([]any{selector, text, n})
	if err != nil {
		p.t.Fatal(err)
	}
	at := p.settled(fmt.Sprintf("pointOf(...%s)", arguments))
	ctx, cancel := context.WithTimeout(p.ctx, pageTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.MouseClickXY(at[0], at[1])); err != nil {
		p.t.Fatalf("pressing %s: %v", text, err)
	}
}

// enter types into the field that has the focus.
func (p *tab) enter(keys string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, pageTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.KeyEvent(keys)); err != nil {
		p.t.Fatal(err)
	}
}
