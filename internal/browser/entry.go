package browser

import (
	"cmp"
	"slices"
	"strings"
)

// Entry is one of a list's entries: the row of a table or a grid, or a card. It is known by a text that no
// other entry has, such as an ID.
type Entry struct {
	// Mark is the text, and At where it is.
	Mark string
	At   *Element
	// Row is everything that belongs to the entry.
	Row *Element

	page *Page
}

// Entries returns the entries of a list: one for each text for which is returns true. The headers are what
// the list's columns are called. What is not part of any entry, such as the button above a list, is what
// apart returns true for.
func (p *Page) Entries(is func(text string) bool, headers []Thing, apart func(*Element) bool) []Entry {
	var entries []Entry
	for e := range p.All() {
		if mark := markOf(e, is); mark != "" {
			entries = append(entries, Entry{Mark: mark, At: e, page: p})
		}
	}
	outside := func(e *Element) bool {
		return e.HasRole("heading", "columnheader") || apart(e) || isHeaders(e, headers)
	}
	for i := range entries {
		entries[i].Row = rowOf(entries[i].At, entries, outside)
	}
	return entries
}

// isHeaders tells whether an element is a line of headers: two or more of them, and nothing else. Cards have
// the same words, but each with its value.
func isHeaders(e *Element, headers []Thing) bool {
	const fewest = 2
	found := 0
	for _, leaf := range e.Leaves() {
		if !slices.ContainsFunc(headers, func(t Thing) bool { return t.heads(leaf, exact) }) {
			return false
		}
		found++
	}
	return found >= fewest
}

// markOf returns the text in e that marks an entry, where no element within e has it too.
func markOf(e *Element, is func(string) bool) string {
	if e.Role == textRole {
		return ""
	}
	text := e.Text()
	switch {
	case is(text):
	case is(e.own()):
		return e.own()
	case is(e.Title):
		return e.Title
	case e.HasRole("textbox") && is(e.Value):
		return e.Value
	default:
		return ""
	}
	for _, child := range e.children {
		if markOf(child, is) != "" {
			return ""
		}
	}
	return text
}

// rowOf returns what belongs to the entry at a mark: all around it that has no other entry's mark.
func rowOf(mark *Element, all []Entry, apart func(*Element) bool) *Element {
	row := mark
	for outer := mark.parent; outer != nil; outer = outer.parent {
		for _, other := range all {
			if other.At != mark && outer.Contains(other.At) {
				return row
			}
		}
		for inner := range outer.All() {
			if !row.Contains(inner) && apart(inner) {
				return row
			}
		}
		row = outer
		if row.HasRole("row", "article") || row.Tag == "tr" {
			return row
		}
	}
	return row
}

// Cell returns the text of the entry in a column, or beside a name in it, that has one of the names. ok tells
// whether there is such a column.
func (r Entry) Cell(names Thing) (cell Cell, ok bool) {
	if cell, ok := r.tableCell(names); ok {
		return cell, true
	}
	if cell, ok := r.beside(names); ok {
		return cell, true
	}
	return r.below(names)
}

// Cell is what an entry says in one column.
type Cell struct {
	Text string
	// Moment is the datetime attribute in it, and Title the first title: a page may write there what its
	// text shortens.
	Moment, Title string
}

func cellOf(elements ...*Element) Cell {
	var cell Cell
	var texts []string
	for _, e := range elements {
		texts = append(texts, e.plainText())
		for inner := range e.All() {
			cell.Moment = cmp.Or(cell.Moment, inner.Moment)
			cell.Title = cmp.Or(cell.Title, inner.Title)
		}
	}
	cell.Text = tidy(strings.Join(texts, " "))
	return cell
}

// tableCell finds the column by the headers of a table.
func (r Entry) tableCell(names Thing) (Cell, bool) {
	table := r.Row.Closest(func(e *Element) bool { return e.HasRole("table", "grid", "treegrid") })
	if table == nil {
		return Cell{}, false
	}
	var headers, cells []*Element
	for e := range table.All() {
		if e.HasRole("columnheader") && !r.Row.Contains(e) {
			headers = append(headers, e)
		}
	}
	for e := range r.Row.All() {
		if e.HasRole("cell", "gridcell", "rowheader") {
			cells = append(cells, e)
		}
	}
	i := slices.IndexFunc(headers, func(e *Element) bool { return names.heads(e, exact) })
	if i < 0 || i >= len(cells) || len(cells) > len(headers)+1 {
		return Cell{}, false
	}
	return cellOf(cells[i]), true
}

// beside finds the name within the entry, with the value after it, as cards and lists of terms have it.
func (r Entry) beside(names Thing) (Cell, bool) {
	leaves := r.Row.Leaves()
	i := slices.IndexFunc(leaves, func(e *Element) bool { return names.heads(e, before) })
	if i < 0 {
		return Cell{}, false
	}
	leaf := leaves[i]
	if rest := valueIn(names, leaf.Text()); rest != "" {
		return Cell{Text: rest}, true
	}
	// The next element of the same level holds all of the value, which may be several pieces of text.
	for at := leaf; at != nil && at != r.Row; at = at.parent {
		siblings := at.parent.children
		rest := siblings[slices.Index(siblings, at)+1:]
		if cell, ok := firstOf(rest); ok {
			return cell, !headsColumn(rest)
		}
		if at.Text() != leaf.Text() {
			break
		}
	}
	return Cell{}, false
}

// firstOf returns what is written in the first of some siblings that has text: with what follows on the same
// line.
func firstOf(siblings []*Element) (Cell, bool) {
	var line []*Element
	for _, e := range siblings {
		if len(line) > 0 && e.block {
			break
		}
		if e.plainText() != "" {
			line = append(line, e)
			if e.block {
				break
			}
		}
	}
	cell := cellOf(line...)
	cell.Text = plainStart(cell.Text)
	return cell, cell.Text != ""
}

// plainText is Text for pieces of text, too.
func (e *Element) plainText() string {
	if e.Role == textRole {
		return tidy(e.text)
	}
	return e.Text()
}

// valueIn returns what follows a name and a colon in one text.
func valueIn(names Thing, text string) string {
	name, value, found := strings.Cut(text, ":")
	if !found || names.fit(name) != exact {
		return ""
	}
	return tidy(value)
}

func plainStart(text string) string { return tidy(strings.TrimLeft(text, ": ")) }

// below finds the column by where its header is drawn: above the entry, and as far to the left.
func (r Entry) below(names Thing) (Cell, bool) {
	var header *Element
	for _, leaf := range r.page.Leaves() {
		if names.heads(leaf, exact) && leaf.Box.Y < r.At.Box.Y+r.At.Box.Height && !r.Row.Contains(leaf) {
			header = leaf
		}
	}
	if header == nil {
		return Cell{}, false
	}
	for header.parent != nil && header.parent.Text() == header.Text() {
		header = header.parent
	}
	right := r.page.nextHeader(header)
	var in []*Element
	for _, leaf := range r.Row.Leaves() {
		if leaf.Box.X >= header.Box.X-headerSlack && leaf.Box.X < right-headerSlack && !leaf.Clickable {
			in = append(in, leaf)
		}
	}
	return cellOf(in...), len(in) > 0
}

// headerSlack is how many pixels a cell may begin before its header.
const headerSlack = 8

// nextHeader returns where the next column begins: at the next text of the header's line.
func (p *Page) nextHeader(header *Element) int {
	right := header.Box.X + header.Box.Width
	for candidate := header; candidate.parent != nil; candidate = candidate.parent {
		siblings := candidate.parent.children
		for _, next := range siblings[slices.Index(siblings, candidate)+1:] {
			if next.Role != textRole && next.Box.Width > 0 && next.Box.X > header.Box.X {
				return next.Box.X
			}
		}
		if candidate.parent.Text() != header.Text() {
			break
		}
	}
	return max(right, header.Box.X+1)
}

// Menu returns what opens the entry's menu: the only button in it that says so, or the only one without
// words, or the only one at all. It returns nil where that is not clear.
func (r Entry) Menu() *Element {
	var actions []*Element
	for _, e := range r.Row.Actions() {
		if !e.Contains(r.Row) && !e.Contains(r.At) && !r.At.Contains(e) {
			actions = append(actions, e)
		}
	}
	for _, is := range []func(*Element) bool{
		func(e *Element) bool { return e.Popup == "menu" },
		func(e *Element) bool { return e.Popup == "true" || e.Expanded != "" },
		func(e *Element) bool { return plain(e.Text()) == e.Text() && !hasLetters(e.Text()) && !isCopy(e) },
		func(e *Element) bool { return !isCopy(e) },
	} {
		var fits []*Element
		for _, e := range actions {
			if is(e) {
				fits = append(fits, e)
			}
		}
		if len(fits) == 1 {
			return fits[0]
		}
		if len(fits) > 1 {
			return nil
		}
	}
	return r.dots()
}

// dots returns the only text of the row that is a sign for a menu: in a row that takes clicks itself, what takes them
// within can't be told by the pointer.
func (r Entry) dots() *Element {
	var found []*Element
	for _, leaf := range r.Row.Leaves() {
		if text := leaf.own(); strings.Trim(text, "⋯⋮…•·∙.︙") == "" && !r.At.Contains(leaf) {
			found = append(found, leaf)
		}
	}
	if len(found) != 1 {
		return nil
	}
	return found[0]
}

func hasLetters(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r > 0xBF && r < 0x2000 }) >= 0
}

// isCopy tells whether a button copies what is beside it.
func isCopy(e *Element) bool {
	label := strings.ToLower(e.Label())
	return strings.Contains(label, "copy") || strings.Contains(label, "kopi")
}

// ValueOf returns the one text in e for which is returns true: the whole of what an element or a field holds,
// without white space, which a page may put in to wrap it. It returns where that is, too. Without such a text,
// it is empty; with several different ones, the error is an [*AbsentError].
func (e *Element) ValueOf(is func(text string) bool) (string, *Element, error) {
	var found string
	var at *Element
	for candidate := range e.All() {
		text := candidate.valueFor(is)
		switch {
		case text == "":
		case found == "" || strings.HasPrefix(found, text) && at.Contains(candidate):
			// The outermost comes first, and has all of a text that is split.
			if found == "" {
				found, at = text, candidate
			}
		case text == found:
			at = candidate
		default:
			return "", nil, &AbsentError{What: "the page shows more than one value of the form that is looked for"}
		}
	}
	return found, at, nil
}

func (e *Element) valueFor(is func(string) bool) string {
	if e.Role == textRole || e.HasRole("option", "combobox") {
		return ""
	}
	for _, text := range []string{e.Value, strings.Join(e.LinesOutside(), " ")} {
		if value := joined(text); value != "" && is(value) {
			return value
		}
	}
	return ""
}

// joined puts together what a page has split to wrap it. What follows in another element is no part of it if
// it could be a word: it has a digit, as all parts of random text of some length have.
func joined(text string) string {
	parts := strings.Fields(text)
	for i, part := range parts {
		if i > 0 && !strings.ContainsAny(part, "0123456789") {
			return ""
		}
	}
	return strings.Join(parts, "")
}

// headsColumn tells whether what follows a name is another name: the names are those of columns.
func headsColumn(siblings []*Element) bool {
	return slices.ContainsFunc(siblings, func(e *Element) bool { return e.HasRole("columnheader") }) ||
		len(siblings) > 0 && siblings[0].Role == "term"
}
