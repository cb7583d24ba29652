package check

import (
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
)

// Teller tells a person what a check sees, a line each. It is safe for concurrent use.
type Teller struct {
	out io.Writer

	mu sync.Mutex
	// told are the findings that were told, so that each is told once.
	told map[string]bool
	// labels and addresses are what to paste: words by label, and addresses of control panels by shop.
	labels    map[string]suggestion
	addresses map[string]string
	// report says that something is built differently, so that words can't help.
	report bool
	pages  []outline
	// hidden are names that the report leaves out.
	hidden []string
}

// NewTeller returns a teller that writes to out.
func NewTeller(out io.Writer) *Teller {
	return &Teller{out: out, told: map[string]bool{}, labels: map[string]suggestion{}, addresses: map[string]string{}}
}

func (t *Teller) heading(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = fmt.Fprintf(t.out, "\n"+format+"\n", args...)
}

func (t *Teller) line(verdict, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.write(verdict, format, args...)
}

func (t *Teller) write(verdict, format string, args ...any) {
	_, _ = fmt.Fprintf(t.out, "  %-8s "+format+"\n", append([]any{verdict}, args...)...)
}

// mismatch tells what does not fit, so that nobody overlooks it.
func (t *Teller) mismatch(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = fmt.Fprintf(t.out, "\n  !!! MISMATCH: %s !!!\n\n", text)
}

// finding tells of something that was looked for, once. It reports whether it does.
func (t *Teller) finding(site string, f browser.Finding) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := fmt.Sprint(site, f.Target, f.What, f.OK())
	if t.told[key] {
		return f.OK()
	}
	t.told[key] = true
	what := f.What
	if what == "" {
		what = describe(f.Target)
	}
	switch {
	case f.Several:
		t.write("several", "%s: there is more than one, and the choice is ambiguous", what)
	case f.Found != "" && f.Taught:
		t.write("found", "%s, as the profile describes it", what)
	case f.Found != "":
		t.write("found", "%s", what+as(f))
	case f.Optional:
		t.write("none", "%s, which is optional", what)
	default:
		t.write("MISSING", "%s; the nearest names there: %s", what, list(f.Nearest))
	}
	if !f.OK() {
		t.suggest(site, f)
	}
	return f.OK()
}

// as says what a thing is called on the page, where that is not its first name.
func as(f browser.Finding) string {
	if len(f.Target.Words) == 0 || strings.EqualFold(f.Found, f.Target.Words[0]) {
		return ""
	}
	return fmt.Sprintf(", called %q", f.Found)
}

// suggest takes note of what would help.
func (t *Teller) suggest(site string, f browser.Finding) {
	if f.Target.Label == "" || len(f.Nearest) == 0 {
		t.report = true
		return
	}
	t.labels[siteKey(site)+"."+f.Target.Label] = suggestion{f.Nearest, likely(f)}
}

// suggestion is what there is on a page in the place of a label's words.
type suggestion struct {
	names []string
	// likely says that the first name may well be the right one. Otherwise a person has to choose.
	likely bool
}

// likely tells whether the nearest name shares a word with what was looked for.
func likely(f browser.Finding) bool {
	const shortest = 4
	for _, word := range strings.Fields(strings.ToLower(f.Nearest[0])) {
		for _, known := range f.Target.Words {
			if len(word) >= shortest && slices.Contains(strings.Fields(strings.ToLower(known)), word) {
				return true
			}
		}
	}
	return false
}

func siteKey(site string) string {
	if site == mystorepages.Name {
		return "mystore"
	}
	return "portal"
}

// describe says what a thing is: its kind, and its likeliest name.
func describe(thing browser.Target) string {
	text := "a " + string(thing.Kind)
	if len(thing.Words) > 0 {
		text += fmt.Sprintf(" %q", thing.Words[0])
	}
	return text
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	var quoted []string
	for _, name := range names {
		quoted = append(quoted, fmt.Sprintf("%q", name))
	}
	return strings.Join(quoted, ", ")
}

// failure tells of a step that has failed.
func (t *Teller) failure(step *browser.StepError, what, advice string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if step.Kind == browser.NotFound {
		// The advice has a line for each thing, which the findings say already.
		advice = fmt.Sprintf("on %s, could not %s", step.Page, step.Step)
		if step.What != "" {
			advice += ": " + step.What
		}
		if step.Picture != "" {
			advice += "; a picture is in " + step.Picture
		}
		t.report = t.report || step.Structure
	}
	t.write("failed", "%s: %s", what, advice)
	shop, isShop := strings.CutPrefix(what, "shop ")
	if moved, err := url.Parse(step.Message); isShop && step.Kind == browser.Elsewhere && err == nil && moved.Host != "" {
		t.addresses[shop] = moved.JoinPath("kontrollpanel").String()
	}
}

// Watch is told of what a browser sees: see [browser.Options].
func (t *Teller) Watch(s browser.Snapshot) {
	if s.Passed != nil {
		t.finding(s.Site, *s.Passed)
	}
	if s.Shown != nil {
		t.keep(s)
	}
}

// end tells the outcome.
func (t *Teller) end(ready bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ready {
		_, _ = fmt.Fprintln(t.out, "\nReady: a plan finds everything that it needs. Nothing was changed.")
		return
	}
	_, _ = fmt.Fprintln(t.out, "\nNot ready. Nothing was changed.")
	if len(t.labels) > 0 || len(t.addresses) > 0 {
		_, _ = fmt.Fprintf(t.out, "\nIf the names below are the right ones, paste this into the provider's configuration, and check again:\n\n%s", t.block())
	}
	if t.report {
		_, _ = fmt.Fprintf(t.out, "\nA vendor's page is built in a way that the provider does not know. Other words don't help. Please report it at\n"+
			"https://github.com/storefront-iac/terraform-provider-kustom/issues with the file that --report writes. Until then, check --teach has\n"+
			"you point at what is missing.\n")
	}
}

// block returns the part of a provider's configuration that may help.
func (t *Teller) block() string {
	var text strings.Builder
	text.WriteString("browser {\n")
	if len(t.labels) > 0 {
		text.WriteString("  labels = {\n")
		for _, label := range slices.Sorted(maps.Keys(t.labels)) {
			if of := t.labels[label]; of.likely {
				fmt.Fprintf(&text, "    %q = %s%s\n", label, hcl(of.names[0]), instead(of.names[1:]))
			} else {
				fmt.Fprintf(&text, "    # %q = \"…\" # what it is called now; the page has %s\n", label, list(of.names))
			}
		}
		text.WriteString("  }\n")
	}
	if len(t.addresses) > 0 {
		text.WriteString("  mystore_admin_urls = {\n")
		for _, shop := range slices.Sorted(maps.Keys(t.addresses)) {
			fmt.Fprintf(&text, "    %q = %s\n", shop, hcl(t.addresses[shop]))
		}
		text.WriteString("  }\n")
	}
	text.WriteString("}\n")
	return text.String()
}

// hcl quotes a text for a configuration, in which "${" and "%{" begin an expression.
func hcl(text string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(fmt.Sprintf("%q", text))
}

func instead(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " # or " + list(names)
}

// Hides tells whether a name has that of a shop, a store or a person in it.
func (t *Teller) Hides(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.discreet(name) != name
}

// Taught tells where the things are that a person has pointed at, and how to use that.
func (t *Teller) Taught(file string, things int, e kustom.Environment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if things > 0 {
		_, _ = fmt.Fprintf(t.out, "\n%d %s on the pages %s described in %s. It holds no value and no secret. Review it, and use it so:\n\n"+
			"browser {\n  profile = %s\n}\n", things, noun(things, "thing", "things"), noun(things, "is", "are"), file, hcl(file))
	}
	if e != kustom.Playground {
		_, _ = fmt.Fprintln(t.out, "\nSome things appear only after a click that changes something, such as the dialog that deletes a key. Teach them in the playground:\n"+
			"check --teach --environment playground.")
	}
}

// hide keeps a name out of the report.
func (t *Teller) hide(name string) {
	const shortest = 3
	if len(name) < shortest {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hidden = append(t.hidden, name)
}
