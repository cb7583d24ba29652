package browser

import (
	"testing"
)

// The name of an element may be a value. Then the description has the element's place instead.
func TestDescribe_LeavesOutValues(t *testing.T) {
	t.Parallel()
	hidden := func(name string) bool { return name == "Fjellsport" }
	words := NewWords(Table{"make": {"Generate new"}, "stores": {"Stores"}, "key_id": {"Key ID"}}, nil)
	for kind, value := range map[string]string{
		"ID": "M00412871", "secret": "kco_live_api_x1y2", "address": "kari@fjellsport.example", "amount": "1 299,00 kr", "shop": "Fjellsport",
		"random letters": "abcdefghijklmnopqrstuvwxyz",
	} {
		page := pageOf(t,
			node{Tag: "h2", Role: "heading", Name: "Stores"},
			node{Tag: "button", Role: "button", Clickable: true, Name: value, Title: value}, node{Parent: 2, Role: "text", Text: value},
			node{Tag: "h2", Role: "heading", Name: "Key ID"},
			node{Tag: "button", Role: "button", Clickable: true, Name: "Other"},
		)
		got, err := words.Action("make").describe(page.children[1], nil, hidden)
		want := Place{After: "stores", Before: "key_id", Nth: 1, Of: 1}
		if err != nil || got.Name != "" || got.Place == nil || *got.Place != want {
			t.Errorf("a button named by the %s is described as %v (%v)", kind, got, err)
		}
	}
}
