package browser

import (
	"regexp"
	"strings"
	"testing"
)

// pageOf returns a page with these nodes in its body.
func pageOf(t *testing.T, nodes ...node) *Page {
	t.Helper()
	all := append([]node{{Parent: -1, ID: 1, Tag: "body", Block: true}}, nodes...)
	for i := range all {
		all[i].ID = i + 1
	}
	page, err := newPage(snapshot{URL: "https://portal.example/", Nodes: all})
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestOutline_ShowsRolesAndNames(t *testing.T) {
	t.Parallel()
	page := pageOf(t,
		node{Tag: "nav", Role: "navigation", Block: true},
		node{Parent: 1, Tag: "button", Role: "button", Expanded: "false", Clickable: true},
		node{Parent: 2, Role: "text", Text: "Integrations"},
		node{Tag: "table", Role: "table", Block: true},
		node{Parent: 4, Tag: "tr", Role: "row", Block: true},
		node{Parent: 5, Tag: "td", Role: "cell", Block: true},
		node{Parent: 6, Role: "text", Text: "M00412871-ab12c"},
		node{Parent: 4, Tag: "tr", Role: "row", Block: true},
		node{Parent: 8, Tag: "td", Role: "cell", Block: true},
		node{Parent: 9, Role: "text", Text: "M00412871-xy99z"},
	)
	want := "navigation\n  button “Integrations” (closed)\ntable\n  row (2 times)\n    cell\n      (an identifier)"
	if got := strings.Join(page.Outline(nil), "\n"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// nodeList collects the nodes of a page.
type nodeList struct{ nodes []node }

func (o *nodeList) add(n node, text string) {
	o.nodes = append(o.nodes, n)
	if text != "" {
		o.nodes = append(o.nodes, node{Parent: len(o.nodes), Role: "text", Text: text})
	}
}

// outline returns the whole outline of the page.
func (o *nodeList) outline(t *testing.T) string {
	t.Helper()
	lines := pageOf(t, o.nodes...).Outline(regexp.MustCompile(`(?i)(kco|klarna)_(live|test)_api_\S+`))
	if len(lines) >= mostLines {
		t.Fatal("the outline is too long, so it is truncated")
	}
	return strings.Join(lines, "\n")
}

const shownSecret = "kco_test_api_abcdefghabcdefghabcdefghabcdefgh"

func TestOutline_HoldsNoValue(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		shownSecret, "klarna_live_api_QUJDREVGR0hJSktMTU5P", "M00412871", "PM00412871-ab12c", "K123456_0123456789ab", "3f2b8a52-8f1e-4a5e-9d0c-1234567890ab",
		"kari.nordmann@example.no", "1 249,00", "NOK12.50", "eyJhbGciOiJIUzI1NiJ9", "+4791234567", "sessionTokenValue",
	} {
		var o nodeList
		for _, role := range []string{"", "button", "link", "heading", "cell", "columnheader", "option", "definition", "alert", "listitem", "time", "img", "dialog"} {
			o.add(node{Tag: "div", Role: role, Block: true}, value)
			o.add(node{Tag: "div", Role: role, Block: true}, "The value is "+value+".")
			o.add(node{Tag: "div", Role: role, Block: true, Name: "of " + value, Title: value, Placeholder: value}, "x")
		}
		o.add(node{Tag: "input", Role: "textbox", Value: value, Placeholder: value, Name: "Kustom ID " + value}, "")
		o.add(node{Tag: "a", Role: "link", Path: "/stores/" + value, Moment: value}, "Store")
		outline := o.outline(t)
		for _, part := range append(strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == ',' || r == '@' }), value) {
			if strings.Contains(outline, part) {
				t.Errorf("the outline has %q of %q", part, value)
			}
		}
		for _, want := range []string{"button", "heading", "Kustom ID", "The value is", "link “Store”"} {
			if !strings.Contains(outline, want) {
				t.Errorf("the outline lacks %q:\n%s", want, outline)
			}
		}
	}
}

// Each piece of the secret looks like a word.
func TestOutline_HidesSecretInPieces(t *testing.T) {
	t.Parallel()
	const piece = 4
	for _, n := range []node{{Tag: "div", Role: "button", Block: true}, {Tag: "div", Block: true}, {Tag: "span"}, {Tag: "td", Role: "cell"}, {Tag: "code", Role: "link"}} {
		var pieces, letters nodeList
		for at := 0; at < len(shownSecret); at += piece {
			pieces.add(n, shownSecret[at:min(at+piece, len(shownSecret))])
			for _, letter := range shownSecret[at:min(at+piece, len(shownSecret))] {
				letters.add(n, string(letter))
			}
		}
		for _, outline := range []string{pieces.outline(t), letters.outline(t)} {
			for _, part := range []string{"habc", "defg", "“a”", "“k”", "a b c"} {
				if strings.Contains(outline, part) {
					t.Errorf("in elements %+v, the outline has %q:\n%s", n, part, outline)
				}
			}
		}
	}
}

func TestMask_KeepsForms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Generate new":            "Generate new",
		"API":                     "API",
		"24 results":              "▒ results",
		"Ønsker du å slette?":     "Ønsker du å slette?",
		"Signed in as a@b.no":     "Signed in as ▒",
		"key k c o t e s t":       "▒",
		"…":                       "…",
		"K":                       "▒",
		"Sist brukt: 3. mars":     "Sist brukt: ▒ mars",
		"Administrasjonsverktøy":  "▒",
		"NOK 1 200,00 to be paid": "NOK ▒ to be paid",
	} {
		if got := maskText(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}
