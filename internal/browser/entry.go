package browser

import (
	"cmp"
	"slices"
	"strings"
)

// Entry is an entry of a list: the row of a table or a grid, or a card. A text that no other entry has, such as
// an ID, identifies it.
type Entry struct {
	// Mark is that text, and At its element.
	Mark string
	At   *Element
	// Row has everything that belongs to the entry.
	Row *Element

	page *Page
}

// Entries returns the entries of a list: one for each text for which is returns true. Headers are the names of
// the list's columns. Apart returns true for elements that belong to no entry, such as the button above a list.
func (p *Page) Entries(is func(text string) bool, headers []Target, apart func(*Element) bool) []Entry {
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

// isHeaders reports whether an element is a line of headers: two or more of them, and nothing else. Cards have
// the same words, but each with its value.
func isHeaders(e *Element, headers []Target) bool {
	const fewest = 2
	found := 0
	for _, leaf := range e.Leaves() {
		if !slices.ContainsFunc(headers, func(t Target) bool { return t.isHeading(leaf, exact) }) {
			return false
		}
		found++
	}
	return found >= fewest
}

// markOf returns the text in e that marks an entry, unless an element within e has it too.
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

// rowOf returns the element of the entry at a mark: the largest one around it without another entry's mark.
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

// Cell returns the entry's text in the column, or beside the label, with one of the names. Ok is false if there
// is no such column.
func (r Entry) Cell(names Target) (cell Cell, ok bool) {
	if cell, ok := r.tableCell(names); ok {
		return cell, true
	}
	if cell, ok := r.beside(names); ok {
		return cell, true
	}
	return r.below(names)
}

// Cell is the content of an entry's column.
type Cell struct {
	Text string
	// Moment is its datetime attribute, and Title the first title: a page may have the full text there.
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
func (r Entry) tableCell(names Target) (Cell, bool) {
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
	i := slices.IndexFunc(headers, func(e *Element) bool { return names.isHeading(e, exact) })
	if i < 0 || i >= len(cells) || len(cells) > len(headers)+1 {
		return Cell{}, false
	}
	return cellOf(cells[i]), true
}

// beside finds the name within the entry, with the value after it. Cards and description lists have this form.
func (r Entry) beside(names Target) (Cell, bool) {
	leaves := r.Row.Leaves()
	i := slices.IndexFunc(leaves, func(e *Element) bool { return names.isHeading(e, before) })
	if i < 0 {
		return Cell{}, false
	}
	leaf := leaves[i]
	if rest := valueIn(names, leaf.Text()); rest != "" {
		return Cell{Text: rest}, true
	}
	// The next element of the same level has the whole value, even if it has several pieces of text.
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

// firstOf returns the text of the first sibling that has any, with the rest of its line.
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
func valueIn(names Target, text string) string {
	name, value, found := strings.Cut(text, ":")
	if !found || names.fit(name) != exact {
		return ""
	}
	return tidy(value)
}

func plainStart(text string) string { return tidy(strings.TrimLeft(text, ": ")) }

// below finds the column by the position of its header: above the entry, and equally far to the left.
func (r Entry) below(names Target) (Cell, bool) {
	var header *Element
	for _, leaf := range r.page.Leaves() {
		if names.isHeading(leaf, exact) && leaf.Box.Y < r.At.Box.Y+r.At.Box.Height && !r.Row.Contains(leaf) {
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

// Menu returns the control that opens the entry's menu: the only button that says so, or the only one without
// words, or the only one at all. It returns nil if that is ambiguous.
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

// dots returns the row's only text that is a menu sign. In a clickable row, the pointer does not show which
// parts are clickable.
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

// isCopy reports whether a button copies the text beside it.
func isCopy(e *Element) bool {
	label := strings.ToLower(e.Label())
	return strings.Contains(label, "copy") || strings.Contains(label, "kopi")
}

// ValueOf returns the one text in e for which is returns true, and its element. It is the whole text of an
// element or a field, without white space, because a page may wrap it. Without such a text, the result is
// empty. With several different ones, the error is an [*AbsentError].
func (e *Element) ValueOf(is func(text string) bool) (string, *Element, error) {
	var found string
	var at *Element
	for candidate := range e.All() {
		text := candidate.valueFor(is)
		switch {
		case text == "":
		case found == "" || strings.HasPrefix(found, text) && at.Contains(candidate):
			// The outermost element comes first and has the whole of a split text.
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

// joined joins a text that a page has split to wrap it. Text in another element belongs to it only if it can't
// be a word: it has a digit, as all long enough parts of random text have.
func joined(text string) string {
	parts := strings.Fields(text)
	for i, part := range parts {
		if i > 0 && !strings.ContainsAny(part, "0123456789") {
			return ""
		}
	}
	return strings.Join(parts, "")
}

// headsColumn reports whether another name follows a name: then they are the names of columns.
func headsColumn(siblings []*Element) bool {
	return slices.ContainsFunc(siblings, func(e *Element) bool { return e.HasRole("columnheader") }) ||
		len(siblings) > 0 && siblings[0].Role == "term"
}
