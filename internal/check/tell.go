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

// Teller prints the findings of a check, one on each line. It is safe for concurrent use.
type Teller struct {
	out io.Writer

	mu sync.Mutex
	// told has the printed findings, so that each is printed once.
	told map[string]bool
	// labels and addresses are suggestions to paste: words by label, and addresses of control panels by shop.
	labels    map[string]suggestion
	addresses map[string]string
	// report says that a page has an unknown structure, so that other words don't help.
	report bool
	pages  []outline
	// hidden has the names that the report masks.
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

// mismatch prints a contradiction, hard to overlook.
func (t *Teller) mismatch(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = fmt.Fprintf(t.out, "\n  !!! MISMATCH: %s !!!\n\n", text)
}

// finding prints the result of looking for one thing, once. It reports whether the thing is all right.
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

// as returns the name of a thing on the page, if it is not the expected one.
func as(f browser.Finding) string {
	if len(f.Target.Words) == 0 || strings.EqualFold(f.Found, f.Target.Words[0]) {
		return ""
	}
	return fmt.Sprintf(", called %q", f.Found)
}

// suggest records a suggestion for a missing thing.
func (t *Teller) suggest(site string, f browser.Finding) {
	if f.Target.Label == "" || len(f.Nearest) == 0 {
		t.report = true
		return
	}
	t.labels[siteKey(site)+"."+f.Target.Label] = suggestion{f.Nearest, likely(f)}
}

// suggestion has the nearest names on the page for a label.
type suggestion struct {
	names []string
	// likely says that the first name is probably the right one.
	likely bool
}

// likely reports whether the nearest name shares a word with the expected ones.
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

// describe returns a thing's kind and its most likely name.
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

// failure prints a failed step.
func (t *Teller) failure(step *browser.StepError, what, advice string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if step.Kind == browser.NotFound {
		// The findings already have a line for each thing of the advice.
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

// end prints the outcome.
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

// block returns the suggestions as a part of the provider's configuration.
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

// hcl quotes a text for HCL, where "${" and "%{" begin an expression.
func hcl(text string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(fmt.Sprintf("%q", text))
}

func instead(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " # or " + list(names)
}

// Taught prints where the things that a person pointed at are described, and how to use the file.
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

// hide masks a name in the report. Names of one or two letters would mask too much.
func (t *Teller) hide(name string) {
	const shortest = 3
	if len(name) < shortest {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hidden = append(t.hidden, name)
}

func noun(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// outline is a visited page, as the report shows it.
type outline struct {
	site, page string
	lines      []string
	failed     bool
}
