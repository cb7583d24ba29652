package report

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

const (
	// markdownLimit is the maximum size in bytes. A comment on GitHub has up to 65,536 characters, and the script
	// that posts it may add some.
	markdownLimit = 60_000
	// maxListed is how many keys are named in one place.
	maxListed = 10
)

// Markdown writes the report as Markdown of at most 60,000 bytes: the summary, the notes, a table, and the summary
// again as plain text on the last line. If it is too long, it leaves out whole rows and counts them. The table omits
// shops that do not change.
func (r *Report) Markdown(out io.Writer) error {
	end := r.ending()
	b := &bounded{limit: markdownLimit - len(end)}
	b.add("**" + r.Summary() + "**\n\n")
	if r.Wave != "" {
		b.add("Wave: " + escape(r.Wave) + "\n\n")
	}
	r.listNotes(b)
	r.listShops(b)
	_, err := io.WriteString(out, b.String()+end)
	return err
}

// ending returns the end of the Markdown.
func (r *Report) ending() string {
	var end strings.Builder
	if len(r.Unused) > 0 {
		fmt.Fprintf(&end, "Keys that the plan leaves in the portal, and that no known shop uses: %s\n\n", keyList(withHosts(r.Unused)))
	}
	for _, remark := range r.remarks() {
		end.WriteString(remark + "\n\n")
	}
	return end.String() + r.Summary() + "\n"
}

// bounded is a text with a limit in bytes.
type bounded struct {
	strings.Builder
	limit int
}

// room is reserved for the line that counts what is left out.
const room = 100

// add adds a piece if it fits, and reports whether it did.
func (b *bounded) add(piece string) bool {
	if b.Len()+len(piece)+room > b.limit {
		return false
	}
	b.WriteString(piece)
	return true
}

// listNotes adds the notes, up to half of the limit. The table gets the rest.
func (r *Report) listNotes(b *bounded) {
	var lines []string
	if text := r.errors(); text != "" {
		lines = append(lines, "- "+text+"\n")
	}
	for _, s := range r.attention() {
		for _, n := range s.Notes {
			lines = append(lines, "- "+s.title()+": "+n.markdown()+"\n")
		}
	}
	for _, n := range r.Checks {
		lines = append(lines, "- "+n.markdown()+"\n")
	}
	if len(lines) == 0 {
		return
	}
	half := &bounded{limit: b.limit / 2}
	half.add("### Needs attention\n\n")
	for i, line := range lines {
		if !half.add(line) {
			fmt.Fprintf(half, "- … and %d more\n", len(lines)-i)
			break
		}
	}
	b.WriteString(half.String() + "\n")
}

// listShops adds the table of shops.
func (r *Report) listShops(b *bounded) {
	shops := r.Changed()
	if len(shops) == 0 {
		return
	}
	b.WriteString("| shop | store | status | key | why | " + r.deletedTitle() + " |\n| --- | --- | --- | --- | --- | --- |\n")
	for i, s := range shops {
		if !b.add(s.row()) {
			fmt.Fprintf(b, "\n… and %d more of %d\n", len(shops)-i, len(shops))
			break
		}
	}
	b.WriteString("\n")
}

// errors returns the note about an error that ended the plan.
func (r *Report) errors() string {
	if !r.Errored {
		return ""
	}
	return "The plan ended with an error, so it is not complete and can't be applied. Read its errors."
}

// Changed returns the shops that the plan changes, or all shops of a state.
func (r *Report) Changed() []Shop {
	var changed []Shop
	for _, s := range r.Shops {
		if s.Status != Unchanged {
			changed = append(changed, s)
		}
	}
	return changed
}

func (r *Report) deletedTitle() string {
	if r.Plan {
		return "keys to delete"
	}
	return "replaced keys"
}

func (n Note) markdown() string { return escape(strings.TrimSpace(n.What + " " + n.Next)) }

// title returns the name of a shop in a list.
func (s Shop) title() string {
	switch {
	case s.Name != "" && s.Store != "":
		return fmt.Sprintf("**%s** (%s)", escape(s.Name), code(s.Store))
	case s.Name != "":
		return fmt.Sprintf("**%s**", escape(s.Name))
	case s.Store != "":
		return "Store " + code(s.Store)
	}
	return code(s.Address)
}

// row returns a shop's line of the table.
func (s Shop) row() string {
	cells := []string{dash(escape(s.Name)), dash(code(s.Store)), string(s.Status), s.arrow(), dash(escape(s.Why)), dash(s.keyCell())}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// arrow returns which key replaces which.
func (s Shop) arrow() string {
	old, given := dash(code(s.Old)), dash(code(s.New))
	switch {
	case s.Status == NewKey && s.New == "":
		return old + " → *new*"
	case s.Old == s.New || s.Old == "" && s.Status != NewKey:
		return given
	case s.New == "" && s.Status != Leaves:
		return old
	}
	return old + " → " + given
}

// keyCell returns the deleted, waiting and kept keys.
func (s Shop) keyCell() string {
	var parts []string
	if len(s.Deleted) > 0 {
		parts = append(parts, keyList(s.Deleted))
	}
	if len(s.DeletedLater) > 0 {
		parts = append(parts, "later: "+keyList(s.DeletedLater))
	}
	if len(s.Kept) > 0 {
		parts = append(parts, "kept: "+keyList(s.Kept))
	}
	return strings.Join(parts, "; ")
}

func keyList(keys []Key) string {
	var names []string
	for i, key := range keys {
		if i == maxListed {
			names = append(names, fmt.Sprintf("… and %d more", len(keys)-i))
			break
		}
		name := code(key.Username)
		if about := key.About(); about != "" {
			name += " (" + escape(about) + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// withHosts returns keys with their hosts beside their last use.
func withHosts(keys []Key) []Key {
	long := slices.Clone(keys)
	for i := range long {
		if long[i].Host != "" {
			long[i].LastUsed = "of " + long[i].Host + ", " + long[i].LastUsed
		}
	}
	return long
}

// About returns the remarks about a key.
func (k Key) About() string {
	var parts []string
	if k.LastUsed != "" {
		parts = append(parts, k.LastUsed)
	}
	if k.Problem != "" {
		parts = append(parts, "could not be deleted")
	}
	if k.WaitsFor != "" {
		parts = append(parts, "waits for: "+k.WaitsFor)
	}
	return strings.Join(parts, "; ")
}

func dash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// plain matches a name without markup, whatever is around it.
var plain = regexp.MustCompile(`^[\pL\pN][\pL\pN ./_:-]*$`)

// code returns a name as code or, if it has unusual characters, escaped.
func code(name string) string {
	if !plain.MatchString(name) {
		return escape(name)
	}
	return "`" + name + "`"
}

// markup escapes Markdown and HTML. It also breaks mentions, references and addresses, so that they do not become
// links or notify anybody.
var markup = strings.NewReplacer(
	"\n", " ", "\r", " ",
	"&", "&amp;", "<", "&lt;", ">", "&gt;",
	`\`, `\\`, "`", "\\`", "|", `\|`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "(", `\(`, ")", `\)`, "~", `\~`, "!", `\!`, "$", `\$`,
	"@", "@<!-- -->", "#", "#<!-- -->", "://", ":<!-- -->//", "www.", "www<!-- -->.",
)

// escape returns a text that Markdown shows unchanged.
func escape(text string) string { return markup.Replace(text) }
