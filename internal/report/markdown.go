package report

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

const (
	// markdownLimit is the most bytes that a report has in Markdown. A comment on GitHub takes 65,536 characters, and
	// the script that posts it may add something.
	markdownLimit = 60_000
	// maxListed is how many keys are named in one place.
	maxListed = 10
)

// Markdown writes the report as Markdown of at most 60,000 bytes: the summary, what needs attention, a table, and the
// summary again, as plain text on the last line. What does not fit is left out in whole rows, and counted. Shops that do
// not change are in the summary only.
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

// ending returns what the Markdown ends with.
func (r *Report) ending() string {
	var end strings.Builder
	if len(r.Stay) > 0 {
		fmt.Fprintf(&end, "Keys that stay, which no shop is known to use: %s\n\n", keyList(withHosts(r.Stay)))
	}
	for _, remark := range r.remarks() {
		end.WriteString(remark + "\n\n")
	}
	return end.String() + r.Summary() + "\n"
}

// bounded is a text that ends before it gets too long.
type bounded struct {
	strings.Builder
	limit int
}

// room is kept free for the line that says how much is left out.
const room = 100

// add adds a piece, and returns false where it does not fit.
func (b *bounded) add(piece string) bool {
	if b.Len()+len(piece)+room > b.limit {
		return false
	}
	b.WriteString(piece)
	return true
}

// listNotes adds what needs attention. It leaves half of the text to the table.
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
	b.WriteString("| shop | store | status | key | why | " + r.goneTitle() + " |\n| --- | --- | --- | --- | --- | --- |\n")
	for i, s := range shops {
		if !b.add(s.row()) {
			fmt.Fprintf(b, "\n… and %d more of %d\n", len(shops)-i, len(shops))
			break
		}
	}
	b.WriteString("\n")
}

// errors returns what an error that ended the plan means.
func (r *Report) errors() string {
	if !r.Errored {
		return ""
	}
	return "The plan ended with an error, so it is not complete and can't be applied. Read its errors."
}

// Changed returns the shops of a report without those that a plan leaves as they are.
func (r *Report) Changed() []Shop {
	var changed []Shop
	for _, s := range r.Shops {
		if s.Status != Unchanged {
			changed = append(changed, s)
		}
	}
	return changed
}

func (r *Report) goneTitle() string {
	if r.Plan {
		return "keys to delete"
	}
	return "replaced keys"
}

func (n Note) markdown() string { return escape(strings.TrimSpace(n.What + " " + n.Next)) }

// title names a shop in a list.
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

// arrow returns which key takes the place of which.
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

// keyCell returns the keys that go, those that wait, and those that stay.
func (s Shop) keyCell() string {
	var parts []string
	if len(s.Gone) > 0 {
		parts = append(parts, keyList(s.Gone))
	}
	if len(s.Later) > 0 {
		parts = append(parts, "later: "+keyList(s.Later))
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

// withHosts returns keys of which more is said than when they were last used.
func withHosts(keys []Key) []Key {
	long := slices.Clone(keys)
	for i := range long {
		if long[i].Host != "" {
			long[i].LastUsed = "of " + long[i].Host + ", " + long[i].LastUsed
		}
	}
	return long
}

// About returns what there is to say of a key beside its name.
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

// plain matches a name that is no markup, whatever is around it.
var plain = regexp.MustCompile(`^[\pL\pN][\pL\pN ./_:-]*$`)

// code returns a name as code or, where it has other characters than names have, escaped.
func code(name string) string {
	if !plain.MatchString(name) {
		return escape(name)
	}
	return "`" + name + "`"
}

// markup replaces what Markdown, HTML in Markdown, and those who show it make something of: a mention or an address
// would become a link or call somebody.
var markup = strings.NewReplacer(
	"\n", " ", "\r", " ",
	"&", "&amp;", "<", "&lt;", ">", "&gt;",
	`\`, `\\`, "`", "\\`", "|", `\|`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "(", `\(`, ")", `\)`, "~", `\~`, "!", `\!`, "$", `\$`,
	"@", "@<!-- -->", "#", "#<!-- -->", "://", ":<!-- -->//", "www.", "www<!-- -->.",
)

// escape returns a text that Markdown shows as it is.
func escape(text string) string { return markup.Replace(text) }
