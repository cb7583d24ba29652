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

// Printer prints the findings of a check, one on each line, and collects outlines of the pages. It is safe for
// concurrent use.
type Printer struct {
	out io.Writer

	mu sync.Mutex
	// printed has the printed findings, so that each is printed once.
	printed map[string]bool
	// labels and addresses are suggestions to paste: words by label, and addresses of control panels by shop.
	labels    map[string]suggestion
	addresses map[string]string
	// isUnknownPage reports that a page has an unknown structure, so that other words don't help.
	isUnknownPage bool
	pages         []outline
	// hidden has the names that the report masks.
	hidden []string
}

// NewPrinter returns a printer that writes to out.
func NewPrinter(out io.Writer) *Printer {
	return &Printer{out: out, printed: map[string]bool{}, labels: map[string]suggestion{}, addresses: map[string]string{}}
}

// heading begins a section.
func (p *Printer) heading(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintf(p.out, "\n"+format+"\n", args...)
}

// line prints one finding with its verdict.
func (p *Printer) line(verdict, format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.write(verdict, format, args...)
}

// write is line for a caller that holds the lock.
func (p *Printer) write(verdict, format string, args ...any) {
	_, _ = fmt.Fprintf(p.out, "  %-8s "+format+"\n", append([]any{verdict}, args...)...)
}

// mismatch prints a contradiction, hard to overlook.
func (p *Printer) mismatch(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintf(p.out, "\n  !!! MISMATCH: %s !!!\n\n", text)
}

// finding prints the result of looking for one thing, once. It reports whether the thing is all right.
func (p *Printer) finding(site string, f browser.Finding) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := fmt.Sprint(site, f.Target, f.What, f.OK())
	if p.printed[key] {
		return f.OK()
	}
	p.printed[key] = true
	what := f.What
	if what == "" {
		what = describe(f.Target)
	}
	switch {
	case f.Several:
		p.write("several", "%s: more than one thing matches", what)
	case f.Found != "" && f.Taught:
		p.write("found", "%s, as the profile describes it", what)
	case f.Found != "":
		p.write("found", "%s", what+foundAs(f))
	case f.Optional:
		p.write("none", "%s, which is optional", what)
	default:
		p.write("MISSING", "%s; the nearest names there: %s", what, list(f.Nearest))
	}
	if !f.OK() {
		p.suggest(site, f)
	}
	return f.OK()
}

// foundAs returns the name of a thing on the page, if it is not the expected one.
func foundAs(f browser.Finding) string {
	if len(f.Target.Words) == 0 || strings.EqualFold(f.Found, f.Target.Words[0]) {
		return ""
	}
	return fmt.Sprintf(", called %q", f.Found)
}

// suggest records a suggestion for a missing thing.
func (p *Printer) suggest(site string, f browser.Finding) {
	if f.Target.Label == "" || len(f.Nearest) == 0 {
		p.isUnknownPage = true
		return
	}
	p.labels[siteKey(site)+"."+f.Target.Label] = suggestion{f.Nearest, likely(f)}
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

// siteKey returns the name of a site in labels.
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

// list quotes names for the user.
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
func (p *Printer) failure(step *browser.StepError, what, advice string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if step.Kind == browser.NotFound {
		// The findings already have a line for each thing of the advice.
		advice = fmt.Sprintf("on %s, could not %s", step.Page, step.Step)
		if step.What != "" {
			advice += ": " + step.What
		}
		if step.Picture != "" {
			advice += "; a picture is in " + step.Picture
		}
		p.isUnknownPage = p.isUnknownPage || step.Structure
	}
	p.write("failed", "%s: %s", what, advice)
	shop, isShop := strings.CutPrefix(what, "shop ")
	if moved, err := url.Parse(step.Message); isShop && step.Kind == browser.Elsewhere && err == nil && moved.Host != "" {
		p.addresses[shop] = moved.JoinPath("kontrollpanel").String()
	}
}

// end prints the outcome.
func (p *Printer) end(ready bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ready {
		_, _ = fmt.Fprintln(p.out, "\nReady: a plan finds everything that it needs. Nothing was changed.")
		return
	}
	_, _ = fmt.Fprintln(p.out, "\nNot ready. Nothing was changed.")
	if len(p.labels) > 0 || len(p.addresses) > 0 {
		_, _ = fmt.Fprintf(p.out, "\n"+
			"If the names below are right, copy this into the provider's configuration, and check again:\n\n"+
			"%s", p.block())
	}
	if p.isUnknownPage {
		_, _ = fmt.Fprintf(p.out, "\n"+
			"A vendor's page is built in a way that the provider does not know. Other words don't help. Report it at\n"+
			"https://github.com/storefront-iac/terraform-provider-kustom/issues with the file that --report writes. "+
			"Until then, run check --teach\n"+
			"and point at what is missing.\n")
	}
}

// block returns the suggestions as a part of the provider's configuration.
func (p *Printer) block() string {
	var text strings.Builder
	text.WriteString("browser {\n")
	if len(p.labels) > 0 {
		text.WriteString("  labels = {\n")
		for _, label := range slices.Sorted(maps.Keys(p.labels)) {
			if of := p.labels[label]; of.likely {
				fmt.Fprintf(&text, "    %q = %s%s\n", label, hcl(of.names[0]), alternatives(of.names[1:]))
			} else {
				fmt.Fprintf(&text, "    # %q = \"…\" # the new word; the page has %s\n", label, list(of.names))
			}
		}
		text.WriteString("  }\n")
	}
	if len(p.addresses) > 0 {
		text.WriteString("  mystore_admin_urls = {\n")
		for _, shop := range slices.Sorted(maps.Keys(p.addresses)) {
			fmt.Fprintf(&text, "    %q = %s\n", shop, hcl(p.addresses[shop]))
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

// alternatives returns the other names as a comment.
func alternatives(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " # or " + list(names)
}

// PrintProfile prints where the things that a person pointed at are described, and how to use the file.
func (p *Printer) PrintProfile(file string, things int, e kustom.Environment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if things > 0 {
		_, _ = fmt.Fprintf(p.out, "\n"+
			"%d %s on the pages %s described in %s. It holds no value and no secret. Review it, and use it like this:\n\n"+
			"browser {\n"+
			"  profile = %s\n"+
			"}\n", things, noun(things, "thing", "things"), noun(things, "is", "are"), file, hcl(file))
	}
	if e != kustom.Playground {
		_, _ = fmt.Fprintln(p.out, "\nSome things appear only after a click that changes something, such as the dialog that deletes a key. Teach them in the playground:\n"+
			"check --teach --environment playground.")
	}
}

// hide masks a name in the report. Names of one or two letters would mask too much.
func (p *Printer) hide(name string) {
	const shortest = 3
	if len(name) < shortest {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hidden = append(p.hidden, name)
}

func noun(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
