package browser

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
)

// Page is what a page says at one moment to somebody who can't see it. It may hold a secret, and must
// not be logged.
type Page struct {
	// URL is where the page was loaded from.
	URL *url.URL
	*Element

	// document tells this document from those that were, or will be, in the same tab.
	document string
}

// Element is something on a page, with what belongs to it.
type Element struct {
	// Role is the element's role, such as "button" or "textbox".
	Role string
	// Name and Description are what a screen reader says of it.
	Name, Description string
	// Value is what a field holds. That of a password's field is not told.
	Value string
	// Selected tells whether an option is chosen.
	Selected bool
	// Moment is the time that the element stands for, in the form of its datetime attribute; empty
	// where it is no time.
	Moment string

	children []*Element
	parent   *Element
	id       cdp.BackendNodeID
}

// textRole is the role of text by itself.
const textRole = "StaticText"

// all yields the element and everything in it, in the order of the page.
func (e *Element) all() iter.Seq[*Element] {
	return func(yield func(*Element) bool) { e.walk(yield) }
}

func (e *Element) walk(yield func(*Element) bool) bool {
	if !yield(e) {
		return false
	}
	for _, child := range e.children {
		if !child.walk(yield) {
			return false
		}
	}
	return true
}

// All returns the elements of a role in e, in the order of the page. Where names are given, only those
// of such a name.
func (e *Element) All(role string, names ...string) []*Element {
	var found []*Element
	for candidate := range e.all() {
		if candidate.Role == role && (len(names) == 0 || candidate.Named(names...)) {
			found = append(found, candidate)
		}
	}
	return found
}

// First returns the first of the elements that All returns, or nil.
func (e *Element) First(role string, names ...string) *Element {
	if found := e.All(role, names...); len(found) > 0 {
		return found[0]
	}
	return nil
}

// News returns the elements of a role in e whose text was in none of that role before.
func (e *Element) News(before *Page, role string) []*Element {
	var old []string
	for _, element := range before.All(role) {
		old = append(old, element.Text())
	}
	return slices.DeleteFunc(e.All(role), func(element *Element) bool { return slices.Contains(old, element.Text()) })
}

// Named tells whether the element has one of the names, whatever their white space and their capital
// letters.
func (e *Element) Named(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return same(e.Name, name) })
}

// Text returns the text in e, in the order of the page, with a space between its parts.
func (e *Element) Text() string {
	var parts []string
	for candidate := range e.all() {
		if candidate.Role == textRole {
			parts = append(parts, candidate.Name)
		}
	}
	return tidy(strings.Join(parts, " "))
}

// Within tells whether the element is in one of a role.
func (e *Element) Within(role string) bool {
	for outer := e.parent; outer != nil; outer = outer.parent {
		if outer.Role == role {
			return true
		}
	}
	return false
}

// Time returns the first time in e, as its datetime attribute has it; empty when there is none.
func (e *Element) Time() string {
	for candidate := range e.all() {
		if candidate.Moment != "" {
			return candidate.Moment
		}
	}
	return ""
}

// Definition returns what a list of terms says of one of the terms; empty when it says nothing.
func (e *Element) Definition(terms ...string) string {
	for _, term := range e.All("term") {
		if !term.Named(terms...) && !slices.ContainsFunc(terms, func(t string) bool { return same(term.Text(), t) }) {
			continue
		}
		siblings := term.parent.children
		if next := slices.Index(siblings, term) + 1; next < len(siblings) && siblings[next].Role == "definition" {
			return siblings[next].Text()
		}
	}
	return ""
}

// tidy returns text without needless white space.
func tidy(text string) string { return strings.Join(strings.Fields(text), " ") }

// same tells whether two texts are the same to a reader.
func same(a, b string) bool { return strings.EqualFold(tidy(a), tidy(b)) }

// Row is a row of a table: its cells by the names of their columns.
type Row struct {
	*Element
	columns []string
	cells   []*Element
}

// Cell returns the cell in the column of one of the names, or nil when the table has no such column.
func (r Row) Cell(column ...string) *Element {
	i := slices.IndexFunc(r.columns, func(name string) bool {
		return slices.ContainsFunc(column, func(wanted string) bool { return same(name, wanted) })
	})
	if i < 0 || i >= len(r.cells) {
		return nil
	}
	return r.cells[i]
}

// Rows returns the rows of a table that has a row of headers.
func (e *Element) Rows() []Row {
	var columns []string
	var rows []Row
	for _, row := range e.All("row") {
		if headers := row.All("columnheader"); len(headers) > 0 {
			columns = nil
			for _, header := range headers {
				columns = append(columns, header.Name)
			}
			continue
		}
		var cells []*Element
		for cell := range row.all() {
			switch cell.Role {
			case "cell", "rowheader", "gridcell":
				cells = append(cells, cell)
			}
		}
		rows = append(rows, Row{Element: row, columns: columns, cells: cells})
	}
	return rows
}

// assemble makes a tree of what the browser lists. What it ignores is left out, but not what is in it.
func assemble(nodes []*accessibility.Node, moments map[cdp.BackendNodeID]string) (*Element, error) {
	byID := make(map[accessibility.NodeID]*accessibility.Node, len(nodes))
	var root *accessibility.Node
	for _, node := range nodes {
		byID[node.NodeID] = node
		if node.ParentID == "" && root == nil {
			root = node
		}
	}
	if root == nil {
		return nil, fmt.Errorf("the page has no root")
	}
	top := element(root, moments)
	attach(top, root, byID, moments)
	return top, nil
}

func attach(parent *Element, node *accessibility.Node, byID map[accessibility.NodeID]*accessibility.Node, moments map[cdp.BackendNodeID]string) {
	for _, id := range node.ChildIDs {
		child, ok := byID[id]
		if !ok {
			continue
		}
		if child.Ignored {
			attach(parent, child, byID, moments)
			continue
		}
		made := element(child, moments)
		made.parent = parent
		parent.children = append(parent.children, made)
		attach(made, child, byID, moments)
	}
}

func element(node *accessibility.Node, moments map[cdp.BackendNodeID]string) *Element {
	e := &Element{
		Role: text(node.Role), Name: text(node.Name), Description: text(node.Description), Value: text(node.Value),
		Moment: moments[node.BackendDOMNodeID], id: node.BackendDOMNodeID,
	}
	for _, property := range node.Properties {
		if property.Name == accessibility.PropertyNameSelected {
			e.Selected = property.Value != nil && string(property.Value.Value) == "true"
		}
	}
	return e
}

func text(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var s string
	if json.Unmarshal(v.Value, &s) != nil {
		return ""
	}
	return s
}

// hasTimes tells whether anything in the list is a time.
func hasTimes(nodes []*accessibility.Node) bool {
	return slices.ContainsFunc(nodes, func(n *accessibility.Node) bool { return text(n.Role) == "time" })
}

// momentsIn returns the times below a node of the document.
func momentsIn(node *cdp.Node, moments map[cdp.BackendNodeID]string) {
	if strings.EqualFold(node.NodeName, "time") {
		for i := 0; i+1 < len(node.Attributes); i += 2 {
			if node.Attributes[i] == "datetime" {
				moments[node.BackendNodeID] = node.Attributes[i+1]
			}
		}
	}
	for _, child := range node.Children {
		momentsIn(child, moments)
	}
}

// center returns the middle of an area.
func center(quads []dom.Quad) (x, y float64, ok bool) {
	const corners = 4
	if len(quads) == 0 || len(quads[0]) != 2*corners {
		return 0, 0, false
	}
	for i := range corners {
		x += quads[0][2*i] / corners
		y += quads[0][2*i+1] / corners
	}
	return x, y, true
}
