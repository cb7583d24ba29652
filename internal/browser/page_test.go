package browser_test

import (
	"slices"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// say is text by itself.
func say(text string) browser.Node { return browser.Node{Role: "StaticText", Name: text} }

// group is something with a role, a name and what is in it.
func group(role, name string, children ...browser.Node) browser.Node {
	return browser.Node{Role: role, Name: name, Children: children}
}

// keysPage is a page as a browser lists it, with a table, a dialog and a list of terms.
func keysPage() *browser.Page {
	return browser.Tree(group("RootWebArea", "Keys",
		group("heading", " API  keys ", say("API keys")),
		group("table", "API keys",
			group("rowgroup", "",
				group("row", "", group("columnheader", "Username"), group("columnheader", "Created")),
			),
			browser.Node{Ignored: true, Children: []browser.Node{
				group("row", "",
					group("rowheader", "M1-a", say("M1-a")),
					group("cell", "", browser.Node{Role: "time", Moment: "2026-01-02T03:04:05Z", Children: []browser.Node{say("2 Jan")}}),
				),
				group("row", "", group("rowheader", "M1-b", say("M1-b"))),
			}},
		),
		group("dialog", "Delete",
			group("button", "Delete"), group("paragraph", "", say("The key"), say(" M1-a "), say("goes.")),
			browser.Node{Role: "textbox", Name: "Kustom ID", Value: "M1-a"},
		),
		group("button", "delete"),
		group("DescriptionList", "",
			group("term", "", say("Website")), group("definition", "", say("https://a.example")),
			group("term", "Empty"), group("term", "Next"), group("definition", "", say("next")),
		),
		group("combobox", "Store",
			group("option", "One"), browser.Node{Role: "option", Name: "Two", Selected: true},
		),
	))
}

func names(elements []*browser.Element) []string {
	var all []string
	for _, e := range elements {
		all = append(all, e.Name)
	}
	return all
}

func TestAllFindsByRoleAndNameInTheOrderOfThePage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		role  string
		names []string
		want  []string
	}{
		{role: "rowheader", want: []string{"M1-a", "M1-b"}},
		{role: "button", names: []string{"DELETE"}, want: []string{"Delete", "delete"}},
		{role: "heading", names: []string{"api keys"}, want: []string{" API  keys "}},
		{role: "heading", names: []string{"API"}},
		{role: "rowheader", names: []string{"M1-b", "M1-c"}, want: []string{"M1-b"}},
		{role: "slider"},
	} {
		page := keysPage()
		if got := names(page.All(test.role, test.names...)); !slices.Equal(got, test.want) {
			t.Errorf("All(%q, %q) is %q, want %q", test.role, test.names, got, test.want)
		}
		first := page.First(test.role, test.names...)
		if (first == nil) != (len(test.want) == 0) || first != nil && first.Name != test.want[0] {
			t.Errorf("First(%q, %q) is %v, want the first of %q", test.role, test.names, first, test.want)
		}
	}
}

func TestWhatThePageIgnoresIsLeftOutButNotWhatIsInIt(t *testing.T) {
	t.Parallel()
	page := keysPage()
	for _, row := range page.All("row") {
		if !row.Within("table") {
			t.Error("a row is not in the table")
		}
	}
	if all := page.All(""); len(all) != 0 {
		t.Errorf("what is ignored is on the page %d times", len(all))
	}
}

func TestTextIsThatOfThePartsInOrder(t *testing.T) {
	t.Parallel()
	page := keysPage()
	if got := page.First("paragraph").Text(); got != "The key M1-a goes." {
		t.Errorf("the text is %q", got)
	}
	if got := page.First("option").Text(); got != "" {
		t.Errorf("the text of nothing is %q", got)
	}
}

func TestWithinKnowsWhatAnElementIsIn(t *testing.T) {
	t.Parallel()
	buttons := keysPage().All("button")
	if !buttons[0].Within("dialog") || buttons[1].Within("dialog") || buttons[0].Within("button") {
		t.Error("the wrong button is in the dialog")
	}
}

func TestRowsHaveTheirCellsByColumn(t *testing.T) {
	t.Parallel()
	rows := keysPage().First("table").Rows()
	if len(rows) != 2 {
		t.Fatalf("%d rows, want 2", len(rows))
	}
	if cell := rows[0].Cell("Brukernavn", "username"); cell == nil || cell.Text() != "M1-a" {
		t.Errorf("the username is %v", cell)
	}
	if moment := rows[0].Cell("Created").Time(); moment != "2026-01-02T03:04:05Z" {
		t.Errorf("the time is %q", moment)
	}
	if moment := rows[0].Cell("Username").Time(); moment != "" {
		t.Errorf("the username has the time %q", moment)
	}
	if cell := rows[1].Cell("Created"); cell != nil {
		t.Errorf("a row that is too short has %v", cell)
	}
	if cell := rows[0].Cell("Host"); cell != nil {
		t.Errorf("a column that is not there has %v", cell)
	}
}

func TestDefinitionIsThatOfItsTerm(t *testing.T) {
	t.Parallel()
	page := keysPage()
	for term, want := range map[string]string{"website": "https://a.example", "Empty": "", "Next": "next", "Nothing": ""} {
		if got := page.Definition(term); got != want {
			t.Errorf("%s is %q, want %q", term, got, want)
		}
	}
}

func TestSelectedIsTheOptionThatIsChosen(t *testing.T) {
	t.Parallel()
	page := keysPage()
	if page.First("option", "One").Selected || !page.First("option", "Two").Selected {
		t.Error("the wrong option is selected")
	}
}

func TestNewsAreWhatWasNotThereBefore(t *testing.T) {
	t.Parallel()
	before := browser.Tree(group("RootWebArea", "", group("alert", "", say("Old"))))
	after := browser.Tree(group("RootWebArea", "", group("alert", "", say("Old")), group("alert", "", say("New"))))
	if news := after.News(before, "alert"); len(news) != 1 || news[0].Text() != "New" {
		t.Errorf("the news are %v", news)
	}
}
